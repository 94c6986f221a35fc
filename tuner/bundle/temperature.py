"""Probabilities at a temperature: their logarithms are divided by it, those of two classes shifted.

Shapes: probabilities ``(n, classes)``, whose rows sum to 1.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

LEAST_PROBABILITY = 1e-7
"""Probabilities below are counted as this much: one row that is surely wrong is not everything."""


def with_temperature(
    probabilities: NDArray[np.floating], temperature: float, shift: float = 0.0
) -> NDArray[np.floating]:
    """Returns the probabilities at a temperature, in their own dtype; at 1 as they are.

    Above 1 they are less extreme; which class is the likeliest does not change.

    Args:
        probabilities: See the module.
        temperature: Above 0.
        shift: What is added to the logarithm of the last class afterwards; used for two classes.
    """
    if temperature == 1.0 and shift == 0.0:
        return probabilities
    logits = logarithms(probabilities) / temperature
    logits[:, -1] += shift
    return softmax(logits).astype(probabilities.dtype)


def logarithms(probabilities: NDArray[np.floating]) -> NDArray[np.float64]:
    """Returns the logarithms, finite for a probability of 0, too."""
    return np.log(np.clip(probabilities.astype(np.float64), LEAST_PROBABILITY, None))


def softmax(logits: NDArray[np.float64]) -> NDArray[np.float64]:
    """Returns probabilities whose logarithms these are, but for a constant a row."""
    powers = np.exp(logits - logits.max(axis=1, keepdims=True))
    return np.asarray(powers / powers.sum(axis=1, keepdims=True))
