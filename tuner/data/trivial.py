"""The trivial predictor: the best that can be predicted without looking at the inputs.

It is scikit-learn's ``DummyClassifier`` or ``DummyRegressor``, fitted on the training split and
scored on the validation split like any model: for a class the frequencies of all, of which the
most frequent one is predicted, for a quantity the mean or the median, whichever the metric favours.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tuner.data.development import Development
from tuner.scoring import is_computable, score

_LEAST_PROBABILITY = 1e-7  # as Keras clips
_MOST_SHOWN = 4
_OF_THE_MEDIAN = ("mae", "neg_mean_absolute_error", "neg_median_absolute_error")
# Metrics, or the beginnings of their names, that look at probabilities and not at the class.
_OF_PROBABILITIES = (
    *("log_loss", "neg_log_loss", "roc_auc", "average_precision"),
    *("neg_brier", "d2_", "top_k", "mse"),
)


def trivial(data: Development, metric: str, *, weighted: bool = False) -> dict[str, Any] | None:
    """Returns the trivial predictor's value of a metric on the validation split.

    Args:
        data: Training and validation rows.
        metric: A name of :mod:`tuner.scoring`; for classes also "auc", "crossentropy", and "mse"
            and "mae" of probabilities, as Keras logs them.
        weighted: Whether rows count by their sample weights as they do for Keras's losses: the
            sum of weighted errors is divided by the number of rows.

    Returns:
        ``predicts`` (in words) and ``value``; None for another metric, or one that is not defined
        for these rows.
    """
    name = {"auc": "roc_auc", "crossentropy": "log_loss"}.get(metric, metric)
    if data.task == "regression":
        found = _quantity(data, name, weighted)
    else:
        found = _class(data, name, weighted)
    if found is None or not math.isfinite(found["value"]):
        return None
    weight = data.validation.sample_weight
    if weighted and weight is not None:
        found["value"] *= float(np.mean(weight, dtype=np.float64))
    return found


def _quantity(data: Development, metric: str, weighted: bool) -> dict[str, Any] | None:
    from sklearn.dummy import DummyRegressor

    if not is_computable(metric, "regression"):
        return None
    train, kind = data.train, "median" if metric in _OF_THE_MEDIAN else "mean"
    dummy = DummyRegressor(strategy=kind)
    dummy.fit(_no_inputs(train.y), train.y.astype(np.float64), _weight(train, weighted))
    predicted = dummy.predict(_no_inputs(data.validation.y))
    shown = ", ".join(f"{number:.6g}" for number in np.ravel(dummy.constant_)[:_MOST_SHOWN])
    value = _score(metric, "regression", data, predicted, weighted)
    return {"predicts": f"always the {kind}, {shown}", "value": value}


def _class(data: Development, metric: str, weighted: bool) -> dict[str, Any] | None:
    from sklearn.dummy import DummyClassifier

    train, held = data.train, data.validation
    dummy = DummyClassifier(strategy="prior")
    dummy.fit(_no_inputs(train.y), train.y.astype(int), _weight(train, weighted))
    # A class that training never saw would cost infinitely much.
    shares = np.full(data.n_classes, _LEAST_PROBABILITY)
    shares[dummy.classes_] = np.clip(dummy.class_prior_, _LEAST_PROBABILITY, 1.0)
    most = int(shares.argmax())
    by_shares = metric.startswith(_OF_PROBABILITIES)
    words = "the class frequencies" if by_shares else f"always {data.class_names[most]}"
    if is_computable(metric, data.task):
        predicted = np.tile(shares, (len(held), 1))
        return {"predicts": words, "value": _score(metric, data.task, data, predicted, weighted)}
    if metric not in ("mse", "mae"):
        return None
    # Distances between the outputs of a network and classes as 0 and 1.
    outputs = shares if by_shares else np.eye(data.n_classes)[most]
    truth = np.eye(data.n_classes)[held.y.astype(int)]
    columns = slice(1, 2) if data.task == "binary" else slice(None)
    predicted = np.tile(outputs[columns], (len(held), 1))
    value = _score(metric, "regression", data, predicted, weighted, y=truth[:, columns])
    return {"predicts": words, "value": value}


def _score(
    metric: str,
    task: str,
    data: Development,
    predicted: NDArray[Any],
    weighted: bool,
    y: NDArray[Any] | None = None,
) -> float:
    held = data.validation
    y = held.y if y is None else y
    return score([metric], task, y, predicted, _weight(held, weighted))[metric]


def _weight(split: Any, weighted: bool) -> NDArray[Any] | None:
    return split.sample_weight if weighted else None


def _no_inputs(y: NDArray[Any]) -> NDArray[np.float64]:
    return np.zeros((len(y), 1))
