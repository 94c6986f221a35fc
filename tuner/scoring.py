"""Metrics from predictions and targets, by scikit-learn's names and definitions.

Every learner is scored here, from what it predicts alone. A name that a Keras model logs itself
(``loss``, ``auc``, ``precision`` …) keeps meaning Keras's log; all other names are these.

Terms:
    name: "rmse", "mse", "mae" and "log_loss", of which less is better, or a name of
        ``sklearn.metrics.get_scorer_names()``, of which more is better: "neg_log_loss" has the
        sign that scikit-learn gives it.
    task: "regression", "binary" or "multiclass".
    targets: ``(n,)`` class numbers from 0, or ``(n,)`` or ``(n, k)`` quantities.
    predictions: ``(n, classes)`` probabilities, or those of the second of two classes as ``(n,)``
        or ``(n, 1)``; for quantities the shape of the targets, or ``(n, 1)`` for ``(n,)``.

NumPy and scikit-learn are imported when a score is computed, or a name that is not in this module
looked up: a study file is read without them.
"""

from __future__ import annotations

import functools
import warnings
from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Literal

from tuner.errors import MetricError

if TYPE_CHECKING:
    from numpy.typing import NDArray

_POSITIVE_ERRORS: Mapping[str, str] = MappingProxyType(
    {
        "rmse": "neg_root_mean_squared_error",
        "mse": "neg_mean_squared_error",
        "mae": "neg_mean_absolute_error",
        "log_loss": "neg_log_loss",
    }
)
_NEED_AN_AVERAGE = ("precision", "recall", "f1", "jaccard")
_AVERAGES = ("macro", "micro", "weighted", "ovr", "ovo")
_CLASSES = (
    *("accuracy", "balanced_accuracy", "log_loss", "precision_macro", "recall_macro"),
    *("f1_macro", "f1_weighted"),
)
_COMMON: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "regression": ("r2", "rmse", "mse", "mae"),
        "binary": (*_CLASSES, "precision", "recall", "f1", "roc_auc"),
        "multiclass": (*_CLASSES, "roc_auc_ovr"),
    }
)
_LISTED = frozenset(name for names in _COMMON.values() for name in names)
_REPORTED: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "regression": ("mse", "mae"),
        "binary": ("accuracy", "precision", "recall"),
        "multiclass": ("accuracy",),
    }
)
# Names of Keras's logs, or usual ones of users' own metrics, that are not among the above.
_KERAS_DIRECTIONS: Mapping[str, Literal["minimize", "maximize"]] = MappingProxyType(
    {
        **dict.fromkeys(("loss", "mape", "msle"), "minimize"),
        **dict.fromkeys(("auc", "r2_score", "f1_score"), "maximize"),
    }
)

MORE_NAMES = "other names of sklearn.metrics.get_scorer_names()"
"""What lists of metrics end with."""


def common_names(task: str) -> tuple[str, ...]:
    """Returns the usual metrics of a task, for lists that people read; there are more."""
    return _COMMON[task]


def reported_names(task: str) -> tuple[str, ...]:
    """Returns the metrics of a task that every trained model's card has."""
    return _REPORTED[task]


def direction(name: str) -> Literal["minimize", "maximize"] | None:
    """Returns which values of a metric are better; None if that is not known here.

    It is not known of metrics that only the user's model has, nor of a few names of scikit-learn,
    which is not imported for this.

    Args:
        name: A name of this module, or one that Keras logs by default.
    """
    if name in _KERAS_DIRECTIONS:
        return _KERAS_DIRECTIONS[name]
    if name in _POSITIVE_ERRORS:
        return "minimize"
    stem, _, average = name.rpartition("_")
    is_scorer = (
        name in _LISTED
        or name in _NEED_AN_AVERAGE
        or name.startswith("neg_")
        or (stem in (*_NEED_AN_AVERAGE, "roc_auc") and average in _AVERAGES)
    )
    return "maximize" if is_scorer else None


def is_known(name: str) -> bool:
    """Returns whether there is a metric of this name, for whatever task."""
    return name in _LISTED or _is_scorer(name)


def is_computable(name: str, task: str) -> bool:
    """Returns whether a metric can be computed from predictions for a task."""
    return fault(name, task) is None


def fault(name: str, task: str) -> str | None:
    """Returns why a metric cannot be computed from predictions, or None if it can.

    Returns:
        A clause such as "f1 of a multiclass task needs an average: f1_macro, …".
    """
    if name in _COMMON[task]:
        return None
    if task == "multiclass" and name in _NEED_AN_AVERAGE:
        forms = ", ".join(f"{name}_{average}" for average in ("macro", "micro", "weighted"))
        return f"{name} of a multiclass task needs an average: {forms}"
    if task == "multiclass" and name == "roc_auc":
        return "roc_auc of a multiclass task needs an average: roc_auc_ovr, roc_auc_ovo"
    if not is_known(name):
        return f"there is no metric {name}"
    is_of_quantities = name in _COMMON["regression"]
    # Without scikit-learn, which takes long to import, where the lists decide.
    is_wrong = name in _LISTED and is_of_quantities != (task == "regression")
    return f"{name} is not for a {task} task" if is_wrong or not _suits(name, task) else None


def score(
    names: Iterable[str],
    task: str,
    y: NDArray[Any],
    predictions: NDArray[Any],
    sample_weight: NDArray[Any] | None = None,
) -> dict[str, float]:
    """Computes metrics; the terms are those of the module.

    Args:
        names: Of metrics.
        task: The task.
        y: Targets.
        predictions: Of the same rows, probabilities and not logits.
        sample_weight: ``(n,)``, or None to count all rows alike.

    Returns:
        Name to value, in the order of ``names``; NaN if a prediction is not finite.

    Raises:
        MetricError: A metric is not known, not for the task, or not defined for these rows; or
            the predictions have not the shape that the targets ask for.
    """
    names = tuple(names)
    for name in names:
        if (why := fault(name, task)) is not None:
            raise MetricError(why)
    import numpy as np

    y, predictions = _in_form(task, np.asarray(y), np.asarray(predictions))
    if not np.isfinite(predictions).all():
        return dict.fromkeys(names, float("nan"))
    return {name: _value(name, task, y, predictions, sample_weight) for name in names}


def _value(
    name: str,
    task: str,
    y: NDArray[Any],
    predictions: NDArray[Any],
    sample_weight: NDArray[Any] | None,
) -> float:
    scorer = _POSITIVE_ERRORS.get(name, name)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # what is undefined is 0 or NaN by definition
            value = _scored(scorer, task, y, predictions, sample_weight)
    except ValueError as exc:
        said = str(exc).partition("\n")[0]
        raise MetricError(f"{name} cannot be computed from these predictions: {said}") from exc
    return -value if scorer != name else value


def _scored(
    scorer: str,
    task: str,
    y: NDArray[Any],
    predictions: NDArray[Any],
    sample_weight: NDArray[Any] | None,
) -> float:
    import numpy as np
    from sklearn.metrics import get_scorer, log_loss

    # Its scorer asks for a row of every class.
    if scorer == "neg_log_loss" and task != "regression":
        classes = np.arange(predictions.shape[1])
        return -float(log_loss(y, predictions, labels=classes, sample_weight=sample_weight))
    kwargs = {} if sample_weight is None else {"sample_weight": sample_weight}
    quantities, classes = _estimators()
    estimator = quantities() if task == "regression" else classes(predictions.shape[1])
    return float(get_scorer(scorer)(estimator, predictions, y, **kwargs))


@functools.cache
def _estimators() -> tuple[Any, Any]:
    """Returns what scikit-learn's scorers ask for predictions: estimators that have them as x."""
    import numpy as np
    from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin

    class Quantities(RegressorMixin, BaseEstimator):  # type: ignore[misc]  # untyped base
        def predict(self, x: NDArray[Any]) -> NDArray[Any]:
            return x

    class Classes(ClassifierMixin, BaseEstimator):  # type: ignore[misc]  # untyped base
        def __init__(self, n_classes: int) -> None:
            self.n_classes = n_classes
            self.classes_ = np.arange(n_classes)

        def predict(self, x: NDArray[Any]) -> NDArray[Any]:
            return np.asarray(x.argmax(axis=1))

        def predict_proba(self, x: NDArray[Any]) -> NDArray[Any]:
            return x

    return Quantities, Classes


def _in_form(
    task: str, y: NDArray[Any], predictions: NDArray[Any]
) -> tuple[NDArray[Any], NDArray[Any]]:
    """Returns targets and predictions as scikit-learn takes them.

    Raises:
        MetricError: Their shapes do not agree.
    """
    import numpy as np

    shapes = f"predictions of shape {predictions.shape} for targets of shape {y.shape}"
    if predictions.dtype.kind not in "fiub":
        raise MetricError(f"predictions must be numbers, but are {predictions.dtype}")
    if predictions.dtype.itemsize < 4 or predictions.dtype.kind != "f":
        predictions = predictions.astype(np.float32)
    if predictions.ndim == 2 and predictions.shape[1] == 1:
        predictions = predictions[:, 0]
    if task == "regression":
        y = y.astype(np.float64)
        if y.ndim == 2 and y.shape[1] == 1:
            y = y[:, 0]
        if predictions.shape != y.shape:
            raise MetricError(f"{shapes}: give a quantity for each target")
        return y, predictions.astype(np.float64)
    y = y.astype(np.int64)
    if predictions.ndim == 1:
        predictions = np.stack([1 - predictions, predictions], axis=1)
    if predictions.ndim != 2 or len(predictions) != len(y):
        raise MetricError(f"{shapes}: give a probability for each class")
    if task == "binary" and predictions.shape[1] != 2:
        raise MetricError(f"{shapes}: there are two classes")
    if len(y) and y.max() >= predictions.shape[1]:
        raise MetricError(f"{shapes}: there is no probability for class number {y.max()}")
    # An output for each class on its own (sigmoid) does not sum to 1.
    sums = predictions.sum(axis=1, keepdims=True)
    return y, np.divide(predictions, sums, out=predictions.copy(), where=sums > 0)


def _is_scorer(name: str) -> bool:
    from sklearn.metrics import get_scorer_names

    return name in get_scorer_names()


_EXAMPLES: Mapping[str, tuple[list[Any], list[Any]]] = MappingProxyType(
    {
        "regression": ([1.5, 2.0, 3.2, 4.0], [1.4, 2.2, 3.0, 4.4]),
        "binary": ([0, 1, 0, 1], [[0.8, 0.2], [0.3, 0.7], [0.4, 0.6], [0.1, 0.9]]),
        "multiclass": (
            [0, 1, 2, 0],
            [[0.7, 0.2, 0.1], [0.2, 0.7, 0.1], [0.1, 0.2, 0.7], [0.4, 0.5, 0.1]],
        ),
    }
)
"""Task to targets and predictions."""


@functools.cache
def _suits(scorer: str, task: str) -> bool:
    """Returns whether a scorer is for a task: scikit-learn has no public list, so it is tried.

    Scorers of quantities compute something from class numbers, too; they are not for classes.
    """
    for_quantities = _works(scorer, "regression")
    return for_quantities if task == "regression" else not for_quantities and _works(scorer, task)


def _works(scorer: str, task: str) -> bool:
    import numpy as np

    y, predictions = _EXAMPLES[task]
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", UserWarning)  # of clusterings, about quantities
            _scored(scorer, task, np.array(y), np.array(predictions), None)
    except (ValueError, AttributeError, UserWarning):
        return False
    return True
