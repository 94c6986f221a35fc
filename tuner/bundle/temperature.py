"""Probabilities at a temperature: their logarithms are divided by it.

Shapes: probabilities ``(n, classes)``, whose rows sum to 1.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

LEAST_PROBABILITY = 1e-7
"""Probabilities below are counted as this much: one row that is surely wrong is not everything."""


def with_temperature(
    probabilities: NDArray[np.floating], temperature: float
) -> NDArray[np.floating]:
    """Returns the probabilities at a temperature, in their own dtype; at 1 as they are.

    Above 1 they are less extreme; which class is the likeliest does not change.
    """
    if temperature == 1.0:
        return probabilities
    scaled = softmax(logarithms(probabilities) / temperature)
    return scaled.astype(probabilities.dtype)


def logarithms(probabilities: NDArray[np.floating]) -> NDArray[np.float64]:
    """Returns the logarithms, finite for a probability of 0, too."""
    return np.log(np.clip(probabilities.astype(np.float64), LEAST_PROBABILITY, None))


def softmax(logits: NDArray[np.float64]) -> NDArray[np.float64]:
    """Returns probabilities whose logarithms these are, but for a constant a row."""
    powers = np.exp(logits - logits.max(axis=1, keepdims=True))
    return np.asarray(powers / powers.sum(axis=1, keepdims=True))
