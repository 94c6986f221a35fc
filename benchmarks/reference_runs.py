"""One reference, trained and scored as its note did: a record of plain values.

Terms:
    way: which rows a note learned from, and which it scored.
    record: what JSON holds of one training; `identity_of` is the part that it is known by.

Test rows are opened through `SealedTest`. The configurations are those of the notes, so nothing is
chosen by the scores; a record says which rows were scored, and no database holds the opening.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np

from tuner.data import Split, Splits
from tuner.data.split import concatenated
from tuner.errors import TrialFailed
from tuner.learners.keras.fitted_network import Network
from tuner.learners.registry import open_learner
from tuner.learners.setup import Setup
from tuner.learners.watch import Watch
from tuner.spec import StudySpec
from tuner.spec.models import Reference

Record = dict[str, Any]
Learned = Literal["all", "train", "train+validation"]


@dataclass(frozen=True)
class Way:
    """How a note trained and scored.

    Attributes:
        learned: The rows that it learned from.
        scored: The rows that it scored: the same again ("train") or the test split.
        held_out: Whether to train once more without the test split, to score that too.
    """

    learned: Learned
    scored: Literal["train", "test"]
    held_out: bool = False


_ON_ITS_OWN_ROWS = Way("all", "train", held_out=True)
_ON_A_TRUTH_TABLE = Way("all", "train")
_WITH_A_PART_FOR_VALIDATION = Way("train", "test")

# Cheapest first: an interrupted run has most of the table.
WAYS = {
    "line": _ON_ITS_OWN_ROWS,
    "birth-life": _ON_ITS_OWN_ROWS,
    "elderly": _ON_ITS_OWN_ROWS,
    "and": _ON_A_TRUTH_TABLE,
    "xor": _ON_A_TRUTH_TABLE,
    "pima": _ON_ITS_OWN_ROWS,
    "wine": _WITH_A_PART_FOR_VALIDATION,
    "faces": _WITH_A_PART_FOR_VALIDATION,
    "mnist": _WITH_A_PART_FOR_VALIDATION,
    "fashion-mnist": _WITH_A_PART_FOR_VALIDATION,
    "imdb": Way("train+validation", "test"),  # the published halves: nothing was held out
    "mnist-cnn": _WITH_A_PART_FOR_VALIDATION,
    "celeba-gender": _WITH_A_PART_FOR_VALIDATION,
}
# The lines that no network is needed for, with what the notes say of them.
LEAST_SQUARES: dict[str, dict[str, float]] = {
    "line": {},
    "birth-life": {},
    "elderly": {"a": -0.3558, "b": 15.6693},
}


def identity_of(
    spec: StudySpec, reference: Reference, data: Splits, seed: int, epochs_scale: float
) -> Record:
    """Returns what a record is known by: with any of it different, it is another figure."""
    return {
        "study": spec.name,
        "reference": reference.name,
        "seed": seed,
        "params": dict(reference.params),
        "epochs_scale": epochs_scale,
        "fingerprint": data.fingerprint,
    }


def train(spec: StudySpec, reference: Reference, data: Splits, identity: Record) -> Record:
    """Trains and scores a reference with one seed.

    Returns:
        The identity with "scores" by metric, empty where the training diverged (then "failed"
        says how), and what the table needs besides.
    """
    way, begun = WAYS[spec.name], time.monotonic()
    rows = _arranged(data, way.learned, way.scored)
    record = {
        **identity,
        "metric": spec.objective.metric,
        "scored": way.scored,
        "rows": {"learned": len(rows.train), "scored": len(rows.test)},
        "note": data.note,
        **_outcome(spec, reference, rows, identity),
    }
    if way.held_out:
        apart = _arranged(data, "train+validation", "test")
        record["held_out"] = _outcome(spec, reference, apart, identity)["scores"]
    return {**record, "seconds": round(time.monotonic() - begun, 1)}


def least_squares(study: str, data: Splits) -> Record:
    """Returns the record of the line y = a·x + b of the least squared error over all rows."""
    rows = everything(data)
    x = np.column_stack([rows.x[:, 0], np.ones(len(rows))]).astype(np.float64)
    y = rows.y.astype(np.float64)
    (a, b), *_ = np.linalg.lstsq(x, y)
    return {
        "study": study,
        "reference": "least squares",
        "seed": None,
        "reported": {"split": "train", **LEAST_SQUARES[study]},
        "metric": "mse",
        "scored": "train",
        "rows": {"learned": len(rows), "scored": len(rows)},
        "note": data.note,
        "scores": {"a": float(a), "b": float(b), "mse": float(np.mean((x @ [a, b] - y) ** 2))},
    }


def everything(data: Splits) -> Split:
    """Returns all rows, for references that learned from all and were scored on all.

    Those of a truth table are there once, although they are in every part.
    """
    rows = data.development.rows
    return rows if rows is data.development.train else concatenated(rows, opened(data))


def opened(data: Splits) -> Split:
    """Returns the test rows, which a reference is scored on as its note did."""
    return data.sealed().sealed_test.open("benchmarks/references.py", "score a reference")


def _arranged(data: Splits, learned: Learned, scored: str) -> Splits:
    """Returns the data with ``train`` what is learned from and ``test`` what is scored.

    Scaling is measured on what is learned from, as the notes did; there is no validation in it.
    """
    if learned == "all":
        rows = everything(data)
    elif learned == "train":
        rows = data.train
    else:
        parts = (data.train, data.validation)
        rows = Split(np.concatenate([p.x for p in parts]), np.concatenate([p.y for p in parts]))
    test = rows if scored == "train" else opened(data)
    return replace(data, train=rows, validation=test, test=test)


def _outcome(spec: StudySpec, reference: Reference, rows: Splits, identity: Record) -> Record:
    """Trains on ``train`` and scores ``test``: "scores", and "outputs" where there are few."""
    params = {**spec.fixed, **reference.params}
    learner = open_learner(spec.model, Setup(spec.base))
    watch = Watch(max(1, round(learner.steps(params) * identity["epochs_scale"])))
    try:
        fitted = learner.fit(params, rows.development, identity["seed"], watch)
        watch.result()
    except TrialFailed as failure:
        return {"scores": {}, "failed": str(failure)}
    outcome: Record = {"scores": fitted.evaluate(rows.test)}
    if len(rows.test) <= 4:
        assert isinstance(fitted, Network)
        outputs = np.asarray(fitted.model(rows.test.x))[:, 0]
        outcome["outputs"] = [round(float(value), 3) for value in outputs]
    return outcome
