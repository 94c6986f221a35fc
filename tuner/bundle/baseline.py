"""The trivial predictor: what a model must beat to be worth anything.

For classes it always says the most frequent class of the training rows, for quantities their
mean. Its loss is that of the class frequencies, or of the mean (the best constant prediction).
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tuner.data import Split

_ALIASES = {
    "acc": "accuracy",
    "binary_accuracy": "accuracy",
    "categorical_accuracy": "accuracy",
    "sparse_categorical_accuracy": "accuracy",
    "mean_squared_error": "mse",
    "mean_absolute_error": "mae",
}


def baseline(
    train: Split,
    test: Split,
    task: str,
    class_names: tuple[str, ...],
    measured: Iterable[str],
    loss: str = "mse",
    loss_weight: float = 1.0,
) -> dict[str, Any]:
    """Returns what the trivial predictor says, and its scores on the test split.

    Args:
        train: Rows that it learns from.
        test: Rows that it is scored on.
        task: ``"regression"``, ``"binary"`` or ``"multiclass"``.
        class_names: A name per class; empty for a regression.
        measured: Names of the model's own scores: only those are returned, as far as they are
            known here.
        loss: "mse" or "mae": what the model's loss is, for quantities.
        loss_weight: What it is multiplied by.

    Returns:
        ``predicts`` (in words) and ``test`` (metric → value).
    """
    if task == "regression":
        said, scores = _mean(train, test)
        scores["loss"] = scores[loss] * loss_weight
    else:
        said, scores = _most_frequent(train, test, class_names)
    found = {name: scores.get(_ALIASES.get(name, name)) for name in measured}
    return {
        "predicts": said,
        "test": {name: value for name, value in found.items() if value is not None},
    }


def _mean(train: Split, test: Split) -> tuple[str, dict[str, float]]:
    mean = train.y.mean(axis=0, dtype=np.float64)
    wrong = test.y - mean
    mse = float(np.mean(wrong**2))
    said = ", ".join(f"{value:.6g}" for value in np.atleast_1d(mean))
    return f"always the mean, {said}", {"mse": mse, "mae": float(abs(wrong).mean())}


def _most_frequent(
    train: Split, test: Split, class_names: tuple[str, ...]
) -> tuple[str, dict[str, float]]:
    counts: NDArray[Any] = np.bincount(train.y.astype(int), minlength=len(class_names))
    most = int(counts.argmax())
    labels = test.y.astype(int)
    # A class that training never saw would cost infinitely much: Keras clips at 1e-7 too.
    shares = np.clip(counts / counts.sum(), 1e-7, 1.0)
    scores = {
        "accuracy": float(np.mean(labels == most)),
        "loss": float(-np.log(shares[labels]).mean()),
        "precision": float(np.mean(labels == 1)) if most == 1 else 0.0,
        "recall": 1.0 if most == 1 else 0.0,
        "auc": 0.5,
    }
    return f"always {class_names[most]}", scores
