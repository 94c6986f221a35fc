"""Scaling of the target inside the model, which so learns a standardised one and gives a raw one.

With ŷ = σ · z + μ, mean and deviation of the training targets, the squared error of ŷ is σ² times
that of z. So a loss that is divided by σ² (the absolute error by σ) has the gradients of a
standardised target, and a penalty on weights counts as much as it would there. Metrics are in the
target's own unit. Free of TensorFlow until layers are made.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    import keras

    from tuner.data import Development

OFFSET = "target_offset"
"""Name of the layer that adds the mean in float64, where float32 has too few digits."""


def target_layers(data: Development, scaling: str) -> list[keras.layers.Layer]:
    """Returns the layers that follow the last Dense layer, z → ŷ; none for classes.

    Args:
        data: The targets of its training split are measured, column by column.
        scaling: "standard" or "none".
    """
    import keras

    if not _is_scaled(data, scaling):
        return []
    mean, scale = _measured(data)
    if data.train.y.dtype != np.float64:
        # Python's own numbers: the saved configuration stays readable.
        return [keras.layers.Rescaling(scale.tolist(), mean.tolist(), name="target_scale")]
    return [
        keras.layers.Rescaling(scale.tolist(), name="target_scale"),
        # An array, and not a scalar one, which is saved as a number: Keras makes float32 of
        # Python's numbers, whatever the layer's dtype.
        keras.layers.Rescaling(1.0, np.atleast_1d(mean), dtype="float64", name=OFFSET),
    ]


def loss_weight(data: Development, scaling: str, loss: str) -> float | None:
    """Returns what the loss in the target's own unit is multiplied by; None for no factor.

    For several targets a row, a model that always gives the means has the loss 1: each column
    counts as it does in its own unit.

    Args:
        data: As in `target_layers`.
        scaling: As in `target_layers`.
        loss: "mse" or "mae".
    """
    if not _is_scaled(data, scaling):
        return None
    _, scale = _measured(data)
    return 1.0 / float(np.mean(scale**2 if loss == "mse" else scale))


def _is_scaled(data: Development, scaling: str) -> bool:
    return data.task == "regression" and scaling != "none"


def _measured(data: Development) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Returns mean and deviation, shape () or (k,); 1 for a target that is constant in training."""
    y = data.train.y
    mean = np.mean(y, axis=0, dtype=np.float64)
    deviation = np.std(y, axis=0, dtype=np.float64)
    return np.asarray(mean), np.where(deviation > 0, deviation, 1.0)
