"""Fits LightGBM's trees under a watch, iteration by iteration."""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import lightgbm
import numpy as np
from numpy.typing import NDArray
from sklearn.utils.class_weight import compute_sample_weight

from tuner.errors import BundleError
from tuner.learners.base import Fitted
from tuner.learners.sklearn.classes import all_classes
from tuner.learners.sklearn.light_gbm_file import checked_text

if TYPE_CHECKING:
    from tuner.data import Development, Split
    from tuner.learners.watch import Watch

_SEEN = "classes: "


class Boosted(Fitted):
    """Trees of LightGBM."""

    lost = "LightGBM probably has another version than when it was saved"

    def __init__(self, model: Any, classes: NDArray[np.int64] | None, n_classes: int) -> None:
        """Wraps a booster.

        Args:
            model: The ``lightgbm.Booster``.
            classes: Numbers of the classes that have been seen; None for a quantity.
            n_classes: How many classes the data have; 0 for a quantity.
        """
        self.model = model
        self.classes = classes
        self._n_classes = n_classes

    def predict(self, x: NDArray[Any]) -> NDArray[np.floating]:
        return self.from_scores(self.model.predict(x, raw_score=True, num_threads=1))

    def from_scores(self, scores: NDArray[Any]) -> NDArray[np.floating]:
        """Returns predictions for sums of trees, ``(n,)`` or ``(n, classes seen)``."""
        if self.classes is None:
            return scores
        if scores.ndim == 1:
            if len(self.classes) == 1:
                return all_classes(self.classes, np.ones((len(scores), 1)), self._n_classes)
            scores = np.stack([np.zeros_like(scores), scores], axis=1)
        chances = np.exp(scores - scores.max(axis=1, keepdims=True))
        return all_classes(
            self.classes, chances / chances.sum(axis=1, keepdims=True), self._n_classes
        )

    def n_params(self) -> int:
        trees = self.model.dump_model()["tree_info"]
        return sum(
            2 * tree["num_leaves"] - 1 for tree in trees
        )  # every inner node has two children

    def save(self, folder: Path) -> None:
        seen = None if self.classes is None else self.classes.tolist()
        text = f"{_SEEN}{json.dumps(seen)}\n{self.model.model_to_string()}"
        (folder / "model.txt").write_text(text, encoding="utf-8")


def fit_booster(
    arguments: Mapping[str, Any],
    data: Development,
    seed: int,
    watch: Watch,
    *,
    n_codes: int,
    score_every: int,
    balanced: bool,
) -> Boosted:
    """Fits trees to the training rows.

    Args:
        arguments: Parameters of LightGBM.
        data: Training rows, and validation rows to watch; one target a row.
        seed: All chance depends on it.
        watch: Says how many iterations are wanted, and when to stop.
        n_codes: How many of the first columns are categories.
        score_every: After how many iterations the watch is asked, and after the last one.
        balanced: Whether all classes have the same weight together.

    Returns:
        The model after the best iteration.
    """
    rows = data.train
    y: NDArray[Any] = rows.y.astype(np.float64)
    classes = None
    objective: dict[str, Any] = {"objective": "regression"}
    if data.task != "regression":
        classes, y = np.unique(rows.y.astype(np.int64), return_inverse=True)
        objective = {"objective": "binary"}
        if len(classes) > 2:
            objective = {"objective": "multiclass", "num_class": len(classes)}
    settings = {
        **objective,
        **arguments,
        **{"seed": seed % 2**31, "num_threads": 1, "verbosity": -1},
        **{"deterministic": True, "force_row_wise": True},
    }
    held = lightgbm.Dataset(
        rows.x,
        y,
        weight=_weight(rows, balanced),
        categorical_feature=list(range(n_codes)),
        params=settings,
    )
    booster = lightgbm.Booster(settings, held)
    fitted = Boosted(booster, classes, data.n_classes)
    scores: Any = 0.0
    n_kept = n_scored = 0
    for step in range(1, watch.steps + 1):
        booster.update()
        if watch.is_blind:
            watch.observe(step, {})
            continue
        if step % score_every and step < watch.steps:
            watch.skip(step)
            continue
        scores = scores + booster.predict(
            data.validation.x,
            raw_score=True,
            start_iteration=n_scored,
            num_iteration=step - n_scored,
            num_threads=1,
        )
        n_scored = step
        verdict = watch.observe(step, {}, partial(fitted.from_scores, scores))
        if verdict.improved:
            n_kept = step
        if verdict.stop:
            break
    text = booster.model_to_string(num_iteration=n_kept or None)
    return Boosted(lightgbm.Booster(model_str=text), classes, data.n_classes)


def _weight(rows: Split, balanced: bool) -> NDArray[np.floating] | None:
    if not balanced:
        return rows.sample_weight
    weight = np.asarray(compute_sample_weight("balanced", rows.y))
    return weight if rows.sample_weight is None else weight * rows.sample_weight


def read_booster(file: Path, n_features: int, n_classes: int) -> Boosted:
    """Reads what ``Boosted.save`` wrote.

    Raises:
        BundleError: The file is missing, broken, or holds something else than such trees.
    """
    try:
        first, _, text = file.read_text(encoding="utf-8").partition("\n")
        seen = json.loads(first.removeprefix(_SEEN))
        if n_classes:
            classes = np.asarray(seen, np.int64)
            if classes.ndim != 1 or not set(seen) <= set(range(n_classes)) or not seen:
                raise ValueError(f"it has a class that is not one of {n_classes}")
            if sorted(set(seen)) != seen:
                raise ValueError("its classes are not in order")
        n_trees = len(seen) if n_classes and len(seen) > 2 else 1
        booster = lightgbm.Booster(model_str=checked_text(text, n_features, n_trees))
        return Boosted(booster, classes if n_classes else None, n_classes)
    except (OSError, ValueError, TypeError, RecursionError, lightgbm.basic.LightGBMError) as exc:
        raise BundleError(f"{file} cannot be used: {exc}; train the bundle again") from exc
