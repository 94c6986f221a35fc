"""What a model measures, asked of the model itself: a user's own may have any metrics."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from tuner.data.raised import described
from tuner.errors import ModelError

if TYPE_CHECKING:
    import keras

    from tuner.data import Development

# Keras's own, by the name that compile takes and by class: what the trivial predictor is scored by.
_KNOWN = {
    **dict.fromkeys(("mse", "mean_squared_error", "MeanSquaredError"), "mse"),
    **dict.fromkeys(("mae", "mean_absolute_error", "MeanAbsoluteError"), "mae"),
    **dict.fromkeys(("rmse", "root_mean_squared_error", "RootMeanSquaredError"), "rmse"),
    **dict.fromkeys(("acc", "accuracy", "binary_accuracy", "BinaryAccuracy"), "accuracy"),
    **dict.fromkeys(("categorical_accuracy", "CategoricalAccuracy"), "accuracy"),
    **dict.fromkeys(("sparse_categorical_accuracy", "SparseCategoricalAccuracy"), "accuracy"),
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


def known_metric(model: keras.Model, metric: str) -> str | None:
    """Returns which of Keras's own metrics a user's model reports under a name.

    Returns:
        "mse", "mae", "rmse" or "accuracy"; None if it is another, or of the user's own making
        whatever its name: then only the model can compute it.
    """
    import keras

    if any(
        getattr(type(model), method) is not getattr(keras.Model, method)
        for method in ("test_step", "compute_metrics", "get_metrics_result")
    ):
        return None
    try:
        with warnings.catch_warnings():
            warnings.simplefilter(
                "ignore"
            )  # about what cannot be read again, which is not needed here
            metrics = (model.get_compile_config() or {}).get("metrics")
    except (TypeError, ValueError, NotImplementedError):
        return None
    for one in metrics if isinstance(metrics, list) else [metrics]:
        if one == metric and isinstance(one, str):
            return _KNOWN.get(one)
        if not isinstance(one, dict) or not str(one.get("module")).startswith("keras"):
            continue
        if isinstance(one.get("config"), dict) and one["config"].get("name") == metric:
            return _KNOWN.get(str(one.get("class_name")))
    return None
