"""Fits the networks of all folds and seeds of a trial as one batched graph, under their watches."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import tensorflow as tf

from tuner.learners.keras.tabular.architecture import Structure, initial, largest
from tuner.learners.keras.tabular.batch_plan import Plan
from tuner.learners.keras.tabular.fitted_nets import Nets, Saved, TargetScale, restored
from tuner.learners.keras.tabular.net_columns import Columns
from tuner.learners.keras.tabular.stacked_graph import Form, StackedGraph

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from tuner.data import Development, Split
    from tuner.learners.keras.tabular.tabular_net import Design
    from tuner.learners.watch import Watch

_VALIDATION_ROWS = 4096
_KEPT_GRAPHS = 4


class Graphs:
    """Traced graphs of earlier trials: tracing takes as long as some epochs of a small table."""

    def __init__(self, *, keep: bool) -> None:
        """Prepares.

        Args:
            keep: Whether graphs are kept for the next trial.
        """
        self._n_kept = _KEPT_GRAPHS if keep else 0
        self._kept: dict[Form, StackedGraph] = {}

    def get(self, form: Form) -> StackedGraph:
        """Returns a graph of this form, whose weights are those of its last training."""
        graph = self._kept.pop(form, None) or StackedGraph(form)
        if self._n_kept:
            self._kept[form] = graph
        if len(self._kept) > self._n_kept:
            del self._kept[next(iter(self._kept))]
        return graph


class _Fold:
    """One fold: its rows as arrays, and its best weights so far."""

    def __init__(self, design: Design, data: Development, seed: int, watch: Watch) -> None:
        train = data.train
        self.watch = watch
        self.columns = Columns.fit(train.x, design.encoding, embed=design.embed)
        self.target = None if data.n_classes else TargetScale.fit(train.y)
        self.rows = self.columns.transform(train.x)
        self.y = train.y.astype(np.int32) if self.target is None else self.target.scaled(train.y)
        self.weights = _weights(train, data.n_classes if design.balanced else 0)
        self.held = self.columns.transform((train if watch.is_blind else data.validation).x)
        self.structure = design.structure.model_copy(
            update={
                "embedded": len(self.columns.embedded),
                "plain": len(self.columns.plain),
                "codes": len(self.columns.codes),
                "levels": sum(self.columns.levels),
                "outputs": data.n_classes or self.y.shape[1],
                "of_classes": bool(data.n_classes),
            }
        )
        self.randoms = [np.random.default_rng([seed, k]) for k in range(design.n_seeds)]
        self.best: list[dict[str, NDArray[np.float32]]] = []
        self.is_done = False

    def observe(self, epoch: int, loss: float, learned: NDArray[np.float32] | None) -> bool:
        """Shows an epoch to the watch; returns whether to keep the weights.

        Args:
            epoch: From 1.
            loss: Mean over the training rows.
            learned: Outputs for the validation rows, ``(n, outputs)``; None if it is blind.
        """
        predict = None if learned is None else lambda: restored(learned, self.target)
        verdict = self.watch.observe(epoch, {"loss": loss}, predict)
        self.is_done = verdict.stop
        # Without an epoch that is any good, the watch's result is an error.
        return verdict.improved or (verdict.stop and (self.watch.is_blind or not self.best))

    def fitted(self) -> Nets:
        """Returns the networks after the best epoch."""
        saved = Saved(structure=self.structure, columns=self.columns, target=self.target)
        return Nets(saved, self.best)


def fit_together(
    design: Design,
    folds: Sequence[Development],
    seeds: Sequence[int],
    watches: Sequence[Watch],
    graphs: Graphs,
) -> list[Nets]:
    """Fits networks for each fold; see ``Learner.fit_folds``.

    A fold whose watch has stopped stays in the graph until all have; it is shown no more epochs.
    """
    together = zip(folds, seeds, watches, strict=True)
    prepared = [_Fold(design, data, seed, watch) for data, seed, watch in together]
    members = [(fold, random) for fold in prepared for random in fold.randoms]
    own = [fold for fold, _ in members]
    whole = largest([fold.structure for fold in prepared])
    optimizing = design.optimizing
    graph = graphs.get(Form(whole, len(members), optimizing.dropout > 0, optimizing.betas))
    graph.begin([initial(fold.structure, random, design.sigma) for fold, random in members])
    gains = tf.constant([list(fold.structure.gains().values()) for fold in own], tf.float32)
    randoms = [random for _, random in members]
    plan = Plan([len(fold.y) for fold in own], randoms, optimizing)
    learned_from = [
        *_inputs([fold.rows for fold in own], own, whole),
        tf.constant(_filled([fold.y for fold in own])),
        tf.constant(_filled([fold.weights for fold in own])),
    ]
    is_blind = all(fold.watch.is_blind for fold in prepared)
    held = None if is_blind else _inputs([fold.held for fold in own], own, whole)
    epoch, n_seeds = 0, design.n_seeds
    while not all(fold.is_done for fold in prepared):
        epoch += 1
        losses = graph.learn(learned_from, plan.epoch(), gains, design.factors, design.smoothing)
        outputs = None if held is None else _outputs(graph, held, gains)
        for position, fold in enumerate(prepared):
            if fold.is_done:
                continue
            its = slice(position * n_seeds, (position + 1) * n_seeds)
            learned = None
            if outputs is not None and not fold.watch.is_blind:
                learned = outputs[its, : len(fold.held[0])].mean(axis=0)
            if fold.observe(epoch, float(losses[its].mean()), learned):
                numbers = range(its.start, its.stop)
                fold.best = [graph.parts(number, fold.structure) for number in numbers]
    return [fold.fitted() for fold in prepared]


def _weights(rows: Split, n_classes: int) -> NDArray[np.float32]:
    """Returns how much each training row counts, ``(n,)``, 1 on average.

    Args:
        rows: Training rows.
        n_classes: How many classes are to have equal weights; 0 if none.
    """
    given = rows.sample_weight
    weights = np.ones(len(rows)) if given is None else given.astype(np.float64)
    if n_classes:
        labels = rows.y.astype(np.intp)
        shares = np.bincount(labels, weights, minlength=n_classes)
        weights = weights / np.where(shares > 0, shares, 1.0)[labels]
    mean = weights.mean()
    found: NDArray[np.float32] = (weights / (mean or 1.0)).astype(np.float32)
    return found


def _outputs(graph: StackedGraph, rows: tuple[Any, Any], gains: Any) -> NDArray[np.float32]:
    """Returns ``(M, n, outputs)``, computed some rows at a time."""
    numbers, codes = rows
    n, step = numbers.shape[1], max(64, _VALIDATION_ROWS // graph.form.structure.heads)
    parts = [
        graph.outputs(numbers[:, start : start + step], codes[:, start : start + step], gains)
        for start in range(0, n, step)
    ]
    return np.concatenate(parts, axis=1)


def _inputs(
    rows: Sequence[tuple[NDArray[np.float32], NDArray[np.int32]]],
    folds: Sequence[_Fold],
    whole: Structure,
) -> tuple[Any, Any]:
    """Returns numbers and codes of all members as tensors, filled up to the largest member.

    A column of codes that fills up points at a row of the table that its member does not have.
    """
    n = max(len(numbers) for numbers, _ in rows)
    all_numbers = np.zeros((len(rows), n, whole.embedded + whole.plain), np.float32)
    all_codes = np.zeros((len(rows), n, whole.codes), np.int32)
    for member, ((numbers, codes), fold) in enumerate(zip(rows, folds, strict=True)):
        embedded, plain = fold.structure.embedded, fold.structure.plain
        length = len(numbers)
        all_numbers[member, :length, :embedded] = numbers[:, :embedded]
        all_numbers[member, :length, whole.embedded : whole.embedded + plain] = numbers[
            :, embedded:
        ]
        all_codes[member] = fold.structure.levels
        all_codes[member, :length, : codes.shape[1]] = codes
    return tf.constant(all_numbers), tf.constant(all_codes)


def _filled(arrays: Sequence[NDArray[Any]]) -> NDArray[Any]:
    """Returns arrays of different lengths as one, ``(M, n, …)``, with zeros at their ends."""
    n = max(len(array) for array in arrays)
    whole = np.zeros((len(arrays), n, *arrays[0].shape[1:]), arrays[0].dtype)
    for member, array in enumerate(arrays):
        whole[member, : len(array)] = array
    return whole
