from __future__ import annotations

import re
from typing import Any

import numpy as np
import pytest

from tuner.data.arrays import About, divided
from tuner.data.precision import blurred, remedy
from tuner.errors import DataError

RANDOM = np.random.default_rng(0)


@pytest.mark.parametrize(
    "values",
    [
        1_700_000_000 + np.arange(400),
        np.concatenate([np.zeros(200, int), 1_700_000_000 + np.arange(400)]),
        10**18 + np.arange(100),
        np.array([1_700_000_000, 1_700_000_100, 1_700_000_300]),
        20_000_000 + np.arange(100) / 4,
        1e-50 * np.arange(1, 400),
        1e6 + RANDOM.random(1000) / 100,
    ],
)
def test_blurred_finds_columns_that_float32_cannot_hold(values: Any) -> None:
    assert re.search(r"different values become|are rounded by", str(blurred(values)))


@pytest.mark.parametrize(
    "values",
    [
        np.arange(1990, 2030),
        RANDOM.random(10_000),
        RANDOM.normal(size=10_000) * 1e6,
        np.exp(RANDOM.normal(size=10_000) * 8),
        RANDOM.integers(0, 10**9, 10_000),
        1_700_000_000 + 86_400 * np.arange(365),
        np.full(50, 16_777_217),
        np.array([0.1, 0.2, 0.3]),
        np.array([], dtype=float),
    ],
)
def test_blurred_accepts_usual_rounding(values: Any) -> None:
    assert blurred(values) is None


def test_remedy_makes_float32_suffice() -> None:
    values = 1_700_000_000 + np.arange(400)
    assert remedy(values) == "subtract 1700000200 from it"
    assert blurred(values - 1_700_000_200) is None
    assert remedy(1e-50 * np.arange(1, 400)) == "give it in another unit"


def test_arrays_of_a_function_are_checked_too() -> None:
    x = np.stack([np.arange(40), 1_700_000_000 + np.arange(40)], axis=1)
    with pytest.raises(
        DataError, match=r"mine: column 2 of x: 40 different values become 1 in flo"
    ):
        divided(x, np.arange(40) % 2, where="mine", about=About("mine"))
