"""Scaling as layers inside the model, so that the model takes raw rows.

Source: the usual x' = (x − min) / (max − min) and x' = (x − mean) / deviation, of the training
split only; images are divided by the greatest value that they can have.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import keras
import numpy as np

if TYPE_CHECKING:
    from tuner.data import Development


def scaling_layers(data: Development, scaling: str = "minmax") -> list[keras.layers.Layer]:
    """Returns layers that bring the rows near 0 to 1.

    Shift and scale are two layers, because the order matters: x − min loses nothing in float32,
    while x · scale + offset loses everything when the range is small beside the values (a year,
    a time stamp). Both are Keras's own, so that a saved model loads without this package.

    Args:
        data: Its training split is measured; a table column by column, images as a whole.
        scaling: "minmax" gives 0 … 1, and for images too, from black to white whatever is in
            the training split; "standard" mean 0 and deviation 1; "none" leaves raw values.

    Returns:
        None, one or two layers. A column that is constant in training becomes 0 whatever it
        holds later: it taught the model nothing.
    """
    if scaling == "none" or (scaling == "minmax" and data.scale == 1):
        return []
    if scaling == "minmax" and data.scale is not None:
        return [keras.layers.Rescaling(1 / data.scale, name="scale")]
    x = data.train.x
    axes = 0 if data.kind == "table" else None
    if scaling == "minmax":
        low = np.min(x, axis=axes).astype(np.float64)
        span = np.max(x, axis=axes).astype(np.float64) - low
    else:
        low = np.mean(x, axis=axes, dtype=np.float64)
        span = np.std(x, axis=axes, dtype=np.float64)
    scale = np.where(span > 0, 1.0 / np.where(span > 0, span, 1.0), 0.0)
    # Python's own numbers: the saved configuration stays readable.
    return [
        keras.layers.Rescaling(1.0, (-low).tolist(), name="shift"),
        keras.layers.Rescaling(scale.tolist(), name="scale"),
    ]
