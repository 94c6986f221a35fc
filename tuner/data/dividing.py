"""Divides rows into splits: seeded, stratified, the same on every machine and for every study."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

# One seed for all: the test split must be the same for every study, seed and person.
SPLIT_SEED = 0
SHARES = (3, 1, 1)  # train, validation, test: the notes' 80/20 with a quarter for validation


def divide(
    n: int,
    shares: Sequence[int] = SHARES,
    *,
    labels: NDArray[Any] | None = None,
    seed: int = SPLIT_SEED,
) -> list[NDArray[np.intp]]:
    """Deals row numbers into parts as cards are dealt, class after class.

    Rows are shuffled, brought together by class, and dealt in turns of ``sum(shares)``. So the
    parts have their sizes to within one row, every class its share of each part to within one
    row, and a class of ``sum(shares)`` rows or more is in every part.

    Args:
        n: Number of rows.
        shares: Whole numbers, the parts' sizes in proportion: ``(3, 1, 1)`` is 60/20/20.
        labels: ``(n,)`` class of each row; None for an unstratified division.
        seed: Seed of the shuffle. ``RandomState``, because NumPy promises its stream for good
            (NEP 19), and a new NumPy must not move rows into the test split.

    Returns:
        Row numbers of each part, in random order; together every row once.
    """
    random = np.random.RandomState(seed)
    order = random.permutation(n)
    if labels is not None:
        order = order[np.argsort(labels[order], kind="stable")]
    # The last part is dealt first: rows left over in the last turn go to test and validation.
    turn = np.repeat(np.arange(len(shares)), shares)[::-1]
    seat = np.resize(turn, n)
    return [random.permutation(order[seat == part]) for part in range(len(shares))]
