"""All rows of a data set, of whichever part."""

from __future__ import annotations

from tuner.data import Split, Splits
from tuner.data.split import concatenated


def whole(data: Splits) -> Split:
    """Returns the rows of all three parts, one after the other."""
    return concatenated(data.train, data.validation, data.test)
