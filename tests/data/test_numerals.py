"""How the numbers of a column are written."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tuner.data.csv_cells import NOTATIONS
from tuner.data.numerals import Numerals, numerals_of


def found(cells: list[str]) -> list[tuple[str, list[Any]]]:
    """Returns the readings of cells: an example of each, and the numbers."""
    readings = numerals_of(pd.Series(cells, dtype="str"))
    return [(str(numerals), numbers.tolist()) for numerals, numbers in readings]


@pytest.mark.parametrize(
    ("cells", "example", "numbers"),
    [
        (["1.5", "-2"], "", [1.5, -2]),
        (["1,5", "2,25"], "1234,5", [1.5, 2.25]),
        (["1.234,5", "7"], "1.234,5", [1234.5, 7]),
        (["0,500", "1,250"], "1234,5", [0.5, 1.25]),  # no group begins with a zero
        (["1,234,567", "89"], "1,234.5", [1234567, 89]),
        (["1'234", "5"], "1'234.5", [1234, 5]),
        (["1 234,5", "10\u202f000,2"], "1 234,5", [1234.5, 10000.2]),
        (["$1,200", "$ 900", "-$5.50", "($3)", "7"], "1,234.5 $", [1200, 900, -5.5, -3, 7]),
        (["1.200 €", "15,50 €", "−3 €"], "1.234,5 €", [1200, 15.5, -3]),
        (["₩1,000", "₩2,000,000"], "1,234.5 ₩", [1000, 2000000]),
        (["1,200원", "500원"], "1,234.5 원", [1200, 500]),  # prices have no three decimals
        (["USD 5,000", "USD 12"], "1,234.5 USD", [5000, 12]),
        (["100- kr", "20 kr"], "1234.5 kr", [-100, 20]),
        (["US$5", "US$7.5"], "1234.5 US$", [5, 7.5]),
        (["5,-", "20,–"], "", [5, 20]),
        (["€ 5.--", "€ 1.50"], "1234.5 €", [5, 1.5]),
        (["12 %", "3.5%"], "1234.5 %", [12, 3.5]),
    ],
)
def test_numbers_are_read_as_they_are_written(
    cells: list[str], example: str, numbers: list[float]
) -> None:
    assert found(cells) == [(example, numbers)]


def test_both_readings_are_returned() -> None:
    assert found(["100,000", "200,000"]) == [
        ("1234,5", [100, 200]),
        ("1,234.5", [100_000, 200_000]),
    ]


@pytest.mark.parametrize(
    "cells",
    [
        ["12%", "0.5"],  # percent in some cells only
        ["$5", "€6"],  # two currencies
        ["(100)", "200"],  # brackets without a currency
        ["1,5", "2.5"],
        ["subject 1", "subject 2"],
        ["5 kg", "6 kg"],
        ["2020-01-01", "2020-01-02"],
        ["red", "blue"],
        [],
    ],
)
def test_other_texts_are_no_numbers(cells: list[str]) -> None:
    assert found(cells) == []


def test_words_among_numbers_stay_unread() -> None:
    numbers = found([*("1,5", "2,5") * 20, "unknown"])[0][1]
    assert np.isnan(numbers[-1])
    assert numbers[:2] == [1.5, 2.5]


@given(st.sampled_from(NOTATIONS), st.sampled_from(["", "%", "€", "US$", "원"]))
def test_an_example_is_read_back(notation: Any, sign: str) -> None:
    numerals = Numerals(notation, sign)
    assert Numerals.parse(str(numerals)) == numerals
    if str(numerals):
        assert numerals.read(pd.Series([str(numerals)], dtype="str")).tolist() == [1234.5]
