"""The trivial predictor: the best that can be said without looking at the inputs.

It is scikit-learn's ``DummyClassifier`` or ``DummyRegressor``, fitted on the training split: for a
class the most frequent one or the frequencies of all, for a quantity the mean or the median, in
each case the one that the metric favours.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from tuner.data.development import Development

_LEAST_PROBABILITY = 1e-7  # as Keras clips


def trivial(data: Development, metric: str, *, weighted: bool = False) -> dict[str, Any] | None:
    """Returns the trivial predictor's value of a metric on the validation split.

    Args:
        data: Training and validation rows.
        metric: "mse", "mae", "rmse", "accuracy", "precision", "recall", "auc" or "crossentropy".
        weighted: Whether rows count by their sample weights, as they do for a loss.

    Returns:
        ``predicts`` (in words) and ``value``; None for another metric.
    """
    weights = [part.sample_weight if weighted else None for part in (data.train, data.validation)]
    if data.task == "regression":
        return _quantity(data, metric, *weights)
    return _class(data, metric, *weights)


def _quantity(
    data: Development, metric: str, fitted: NDArray[Any] | None, held: NDArray[Any] | None
) -> dict[str, Any] | None:
    from sklearn.dummy import DummyRegressor

    if metric not in ("mse", "mae", "rmse"):
        return None
    y = data.validation.y.astype(np.float64)
    kind = "median" if metric == "mae" else "mean"
    train = data.train
    dummy = DummyRegressor(strategy=kind)
    dummy.fit(np.zeros((len(train), 1)), train.y.astype(np.float64), fitted)
    said = np.ravel(dummy.constant_)
    wrong = y.reshape(len(y), -1) - said
    errors = np.mean(np.abs(wrong) if metric == "mae" else wrong**2, axis=1)
    value = float(np.mean(errors if held is None else errors * held))
    shown = ", ".join(f"{number:.6g}" for number in said[:4])
    return {
        "predicts": f"always the {kind}, {shown}",
        "value": float(np.sqrt(value)) if metric == "rmse" else value,
    }


def _class(
    data: Development, metric: str, fitted: NDArray[Any] | None, held: NDArray[Any] | None
) -> dict[str, Any] | None:
    from sklearn.dummy import DummyClassifier

    train = data.train
    dummy = DummyClassifier(strategy="prior")
    dummy.fit(np.zeros((len(train), 1)), train.y.astype(int), fitted)
    shares = np.zeros(data.n_classes)
    shares[dummy.classes_] = dummy.class_prior_
    y, most = data.validation.y.astype(int), int(shares.argmax())
    frequent = f"always {data.class_names[most]}"
    if metric in ("accuracy", "precision", "recall"):
        return {"predicts": frequent, "value": _share(metric, y, most)}
    if metric == "auc":
        return {"predicts": "the class frequencies", "value": 0.5}
    errors = _errors(metric, y, shares, most, data.task)
    if errors is None:
        return None
    value = float(np.mean(errors if held is None else errors * held))
    return {"predicts": frequent if metric == "mae" else "the class frequencies", "value": value}


def _share(metric: str, y: NDArray[Any], most: int) -> float:
    """Accuracy of the class ``most``; precision and recall are those of the second of two."""
    if metric == "accuracy":
        return float(np.mean(y == most))
    if most != 1:
        return 0.0
    return float(np.mean(y == 1)) if metric == "precision" else float((y == 1).any())


def _errors(
    metric: str, y: NDArray[Any], shares: NDArray[np.float64], most: int, task: str
) -> NDArray[np.float64] | None:
    """The error in each row, as Keras has it for one output of two classes or one a class."""
    if metric == "crossentropy":
        return np.asarray(-np.log(np.clip(shares, _LEAST_PROBABILITY, 1.0))[y])
    if task == "binary" and metric in ("mse", "mae"):
        return np.asarray((y - shares[1]) ** 2 if metric == "mse" else 1.0 * np.abs(y - most))
    if metric == "mse":
        return np.asarray(np.mean((np.eye(len(shares))[y] - shares) ** 2, axis=1))
    return None
