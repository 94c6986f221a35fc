from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tuner.data import rows_from_csv
from tuner.data.csv_cells import NOTATIONS, Notation, bare, is_number_like, parsed, readings
from tuner.spec import Dialect

POINT, COMMA = Notation(), Notation(",")


@pytest.mark.parametrize(
    ("notation", "cell", "number"),
    [
        (POINT, "-1.5e3", -1500),
        (POINT, "+.5", 0.5),
        (POINT, "7.", 7),
        (POINT, "−5", -5),
        (POINT, "1e−3", 0.001),
        (POINT, "١٢", 12),
        (POINT, "1٣.5", 13.5),
        (COMMA, "1,5", 1.5),
        (COMMA, ",5e2", 50),
        (Notation(".", ","), "1,234,567.5", 1234567.5),
        (Notation(".", ","), "12,34,567", 1234567),
        (Notation(".", ","), "1234.5", 1234.5),
        (Notation(",", "."), "-1.234,5", -1234.5),
        (Notation(".", "'"), "1'234", 1234),
        (Notation(".", "'"), "1’234", 1234),
        (Notation(",", " "), "1\u00a0234,5", 1234.5),
        (Notation(",", " "), "1\u202f234 567", 1234567),
    ],
)
def test_parsed_reads_numbers_of_a_notation(notation: Notation, cell: str, number: float) -> None:
    assert parsed(pd.Series([cell, "1"]), notation).tolist() == [number, 1]


@pytest.mark.parametrize(
    ("notation", "cell"),
    [
        *(
            (POINT, cell)
            for cell in (
                "1,5",
                "1_000",
                "0x10",
                "1e",
                "--5",
                "1.2.3",
                "$5",
                "5%",
                "-",
            )
        ),
        *((COMMA, cell) for cell in ("1.5", "1.234,5", "1,2,3")),
        *((Notation(".", ","), cell) for cell in ("1,5", "12,34", ",123", "1,234,", "1.234,5")),
        *((Notation(",", "."), cell) for cell in ("1.5", "1.23,5", "1,234.5")),
    ],
)
def test_parsed_takes_nothing_else_for_a_number(notation: Notation, cell: str) -> None:
    assert np.isnan(parsed(pd.Series([cell]), notation)).all()


def test_parsed_keeps_integers_of_64_bits() -> None:
    values = parsed(pd.Series(["9007199254740993", "-5"]), POINT)
    assert values.tolist() == [9007199254740993, -5]


@pytest.mark.parametrize(
    ("cell", "number"),
    [
        ("$100", "100"),
        ("-$1,000.50", "-1,000.50"),
        ("50 %", "50"),
        ("1.000,5 €", "1.000,5"),
        ("₹5", "5"),
        ("(1,000)", "-1,000"),
        ("($100)", "-100"),
        ("100-", "-100"),
    ],
)
def test_bare_takes_currency_and_percent_signs_away(cell: str, number: str) -> None:
    assert bare(cell) == number
    assert is_number_like(cell)


@pytest.mark.parametrize("cell", ["", "red", "1-2", "3+", "2020-01-01", "$", "1.2.3.4", "5 kg"])
def test_is_number_like_refuses_texts(cell: str) -> None:
    assert not is_number_like(cell)


def test_readings_names_each_meaning_once() -> None:
    found = readings(["50,000", "12,500"])
    assert found == [(COMMA, [50, 12.5]), (Notation(".", ","), [50_000, 12_500])]
    assert [notation for notation, _ in readings(["1,5", "2,25"])] == [COMMA]
    assert [notation for notation, _ in readings(["1.234,5", "7"])] == [Notation(",", ".")]
    assert readings(["1.5", "1,5"]) == []


def written(value: float, notation: Notation) -> str:
    """Returns a number with two digits after the decimal sign in a notation."""
    text = f"{value:,.2f}" if notation.thousands else f"{value:.2f}"
    return text.translate(str.maketrans({",": notation.thousands, ".": notation.decimal}))


ROWS = st.lists(
    st.tuples(st.integers(-(10**6), 10**6), st.integers(0, 10**5)), min_size=1, max_size=8
)


@given(ROWS, st.sampled_from(NOTATIONS), st.sampled_from(",;\t|:"), st.sampled_from("\r\n"))
@settings(max_examples=30)
def test_a_table_in_any_dialect_is_read_back(
    tmp_path_factory: pytest.TempPathFactory,
    rows: list[tuple[int, int]],
    notation: Notation,
    sep: str,
    end: str,
) -> None:
    path = tmp_path_factory.mktemp("dialects") / "rows.csv"
    cells = [[f'"{written(value / 100, notation)}"' for value in row] for row in rows]
    lines = [sep.join(line) for line in [["a", '"b\nc"'], *cells]]
    path.write_bytes(end.join([*lines, ""]).encode("utf-16"))
    dialect = Dialect(
        sep=sep,
        decimal="," if notation == COMMA else notation.decimal,
        thousands=notation.thousands or None,
        encoding="utf-16",
    )
    found = rows_from_csv(path, ["b\nc", "a"], dialect)
    np.testing.assert_array_equal(found, (np.array(rows)[:, ::-1] / 100).astype(np.float32))
