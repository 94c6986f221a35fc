"""Columns of probabilities for classes that a model has not seen."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray


def all_classes(
    classes: NDArray[Any], probabilities: NDArray[Any], n_classes: int
) -> NDArray[np.floating]:
    """Returns a column for each class of the data; the training rows may lack some.

    Args:
        classes: Numbers of the classes that the model has seen, in increasing order.
        probabilities: ``(n, at least as many)``. For a single class boosted trees predict two
            columns, of which the first is that class.
        n_classes: How many classes the data have.
    """
    if len(classes) == n_classes:
        return probabilities
    every = np.zeros((len(probabilities), n_classes), probabilities.dtype)
    every[:, classes] = probabilities[:, : len(classes)]
    return every
