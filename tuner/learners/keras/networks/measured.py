"""What a model measures, asked of the model itself: a user's own may have any metrics."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from tuner.data.raised import described
from tuner.errors import ModelError

if TYPE_CHECKING:
    import keras

    from tuner.data import Development

# Keras's own metrics, by the name that compile takes and by class, to the trivial predictor's.
_KNOWN = {
    **dict.fromkeys(("mse", "mean_squared_error", "MeanSquaredError"), "mse"),
    **dict.fromkeys(("mae", "mean_absolute_error", "MeanAbsoluteError"), "mae"),
    **dict.fromkeys(("rmse", "root_mean_squared_error", "RootMeanSquaredError"), "rmse"),
    **dict.fromkeys(("acc", "accuracy", "binary_accuracy", "BinaryAccuracy"), "accuracy"),
    **dict.fromkeys(("categorical_accuracy", "CategoricalAccuracy"), "accuracy"),
    **dict.fromkeys(("sparse_categorical_accuracy", "SparseCategoricalAccuracy"), "accuracy"),
    **{"Precision": "precision", "Recall": "recall", "AUC": "auc"},
}
_OF_THE_SECOND_CLASS = {"thresholds": (None, 0.5, [0.5]), "top_k": (None,), "class_id": (None,)}
# Settings with which these metrics are what the trivial predictor has under the name.
_SETTINGS: Mapping[str, Mapping[str, tuple[Any, ...]]] = {
    "Precision": _OF_THE_SECOND_CLASS,
    "Recall": _OF_THE_SECOND_CLASS,
    "AUC": {"curve": ("ROC",), "multi_label": (None, False)},
}
_ROWS = 8


def available_metrics(
    model: keras.Model, data: Development, base: Path | None = None
) -> tuple[str, ...]:
    """Evaluates the model on a few validation rows and returns what it reports.

    Args:
        model: Compiled; its weights stay as they are.
        data: Rows as the model will see them.
        base: Folder of the study file; errors name files from there.

    Returns:
        The names that ``objective.metric`` may have, ``loss`` first.

    Raises:
        ModelError: The model cannot be evaluated on these rows.
    """
    from tuner.learners.keras.networks.feeding import targets

    rows = data.validation.take(np.arange(min(_ROWS, len(data.validation))))
    x, y, weight = rows.x, targets(model, rows.y), rows.sample_weight
    try:
        logs = model.evaluate(x, y, sample_weight=weight, verbose=0, return_dict=True)
    except Exception as exc:  # of many kinds, by where in Keras the shapes disagree
        raise ModelError(
            f"the model does not fit the data {data.name}, rows of x have the shape {x.shape[1:]} "
            f"and of y {y.shape[1:]}: {described(exc, base or Path.cwd())}"
        ) from exc
    return ("loss", *(name for name in logs if name != "loss"))


def known_metrics(model: keras.Model) -> dict[str, str]:
    """Returns which of Keras's own metrics a user's model logs under which name.

    Returns:
        Log name to "mse", "mae", "rmse", "accuracy", "precision", "recall" or "auc". A metric
        that is missing is another, or of the user's own making whatever its name: then only the
        model can compute it.
    """
    import keras

    if any(
        getattr(type(model), method) is not getattr(keras.Model, method)
        for method in ("test_step", "compute_metrics", "get_metrics_result")
    ):
        return {}
    try:
        with warnings.catch_warnings():
            # About what cannot be read again, which is not needed here.
            warnings.simplefilter("ignore")
            metrics = (model.get_compile_config() or {}).get("metrics")
    except (TypeError, ValueError, NotImplementedError):
        return {}
    found = [_known(one) for one in (metrics if isinstance(metrics, list) else [metrics])]
    return {name: known for name, known in found if known is not None}


def _known(metric: Any) -> tuple[str, str | None]:
    """Returns log name and meaning of an entry of ``metrics`` in a compile configuration."""
    if isinstance(metric, str):
        return metric, _KNOWN.get(metric)
    if not isinstance(metric, dict) or not str(metric.get("module")).startswith("keras"):
        return "", None
    kind, config = str(metric.get("class_name")), metric.get("config")
    if not isinstance(config, dict):
        return "", None
    settings = _SETTINGS.get(kind, {})
    is_usual = all(config.get(key) in allowed for key, allowed in settings.items())
    return str(config.get("name")), _KNOWN.get(kind) if is_usual else None
