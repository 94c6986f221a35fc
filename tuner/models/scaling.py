"""Min–max scaling as layers inside the model, so that the model takes raw rows.

Source: the usual x' = (x − min) / (max − min), with min and max of the training split only.
"""

from __future__ import annotations

import keras
import numpy as np


def scaling_layers(x: np.ndarray) -> list[keras.layers.Layer]:
    """Layers that map the training rows to [0, 1].

    Two layers, because the order matters: x − min loses nothing in float32, while
    x · scale + offset loses everything when the range is small beside the values (a year,
    a time stamp). Both are Keras's own, so that a saved model loads without this package.

    Args:
        x: Training rows, shape (n, features) or (n, …). A table is scaled column by column;
            images and the like have one range for all.

    Returns:
        Shift and scale. A column that is constant in training becomes 0 whatever it holds
        later: it taught the model nothing.
    """
    axes = 0 if x.ndim == 2 else None
    low = np.min(x, axis=axes).astype(np.float64)
    span = np.max(x, axis=axes).astype(np.float64) - low
    scale = np.where(span > 0, 1.0 / np.where(span > 0, span, 1.0), 0.0)
    # Python's own numbers: the saved configuration stays readable.
    return [
        keras.layers.Rescaling(1.0, (-low).tolist(), name="shift"),
        keras.layers.Rescaling(scale.tolist(), name="scale"),
    ]
