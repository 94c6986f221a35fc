"""What the columns of a file hold: found, declared, or known from training."""

from __future__ import annotations

import gzip
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import psutil
import pytest

from tuner.data.csv_column import CsvColumn
from tuner.data.table_file import Table, iter_tables, read_table, rows_that_fit
from tuner.errors import DataError
from tuner.spec import Dialect
from tuner.spec.models import ColumnKind


def write(folder: Path, columns: Mapping[str, Sequence[str]]) -> Path:
    path = folder / "own.csv"
    rows = zip(*columns.values(), strict=True)
    lines = [";".join(f'"{cell}"' for cell in row) for row in [tuple(columns), *rows]]
    path.write_text("\n".join(lines), encoding="utf-8")
    return path


def table_of(folder: Path, columns: Mapping[str, Sequence[str]], **how: Any) -> Table:
    """Reads a file of some columns, each by its cells."""
    return read_table(write(folder, columns), how.pop("dialect", Dialect(sep=";")), **how)


def column(folder: Path, cells: Sequence[str], **how: Any) -> CsvColumn:
    """Reads a column; a second one of texts makes no row blank."""
    return table_of(folder, {"a": cells, "other": ["x"] * len(cells)}, **how).columns[0]


NUMBERS = [str(number) for number in range(40)]


@pytest.mark.parametrize(
    ("cells", "kind", "notation", "first", "note"),
    [
        (NUMBERS, "number", "", 0, ""),
        (["1,5", "2,5"], "number", "1234,5", 1.5, "written 1234,5"),
        (["1.200 €", "7,5 €"], "number", "1.234,5 €", 1200, "written 1.234,5 €"),
        (["12 %", "7.5 %"], "number", "1234.5 %", 12, "percent: 12 % is 12"),
        (["ja", "Nein"], "yes/no", "ja/nein", True, ""),
        (["oui", "non"], "yes/no", "oui/non", True, ""),
        (["예", "아니오"], "yes/no", "예/아니오", True, ""),
        (["O", "X"], "text", "", "O", ""),
        (["31.12.2024", "1.1.2024"], "date", "%d.%m.%Y", None, "written 31.12.2024"),
        (["20241231", "20240101"], "number", "", 20241231, ""),
        (["red", "blue", "red"], "category", "", "red", ""),
    ],
)
def test_kind_and_notation_are_found(
    tmp_path: Path, cells: list[str], kind: str, notation: str, first: Any, note: str
) -> None:
    found = column(tmp_path, cells)
    assert (found.kind, found.notation, found.note) == (kind, notation, note)
    assert first is None or found.values[0] == first
    assert not found.missing.any()
    assert found.distinct == len({*cells})


def names(count: int, words: int) -> list[str]:
    return [" ".join(f"w{n}" for _ in range(words)) for n in range(count)]


@pytest.mark.parametrize(
    ("cells", "kind"),
    [
        (names(60, 1) + names(40, 1), "category"),  # towns, most of them once
        (names(60, 2) + names(40, 2), "category"),
        (names(60, 6) + names(40, 6), "text"),
        (names(100, 1), "text"),  # all different: no category
        (names(40, 9) * 3, "category"),  # the answers of a form
        (names(150, 9) * 3, "text"),
        (["x" * 70 + str(n) for n in range(150)] * 3, "text"),
        (["u", "v"] * 50, "category"),
    ],
)
def test_texts_are_categories_if_they_are_names_or_few(
    tmp_path: Path, cells: list[str], kind: str
) -> None:
    assert column(tmp_path, cells).kind == kind


@pytest.mark.parametrize(
    ("words", "kind"),
    [
        (["unknown"], "number"),
        (["unknown", "10+"], "number"),
        (["unknown"] * 10, "number"),  # one word among many numbers
        (["10+"] * 10, "category"),  # may be a number
        (["a", "b", "c", "d", "e", "f"], "text"),
        (["unknown"] * 60, "category"),  # more than numbers
        (["low", "high"] * 10, "category"),
    ],
)
def test_words_among_numbers_are_missing_if_they_are_few(
    tmp_path: Path, words: list[str], kind: str
) -> None:
    found = column(tmp_path, NUMBERS + words)
    assert found.kind == kind
    assert found.missing.sum() == (len(words) if kind == "number" else 0)
    if kind == "number":
        assert np.isnan(found.values[-1])
        assert found.note.endswith(
            f"in {len(words)} cell{'s' if len(words) > 1 else ''} read as missing"
        )


def test_words_among_dates_are_missing_if_they_are_few(tmp_path: Path) -> None:
    days = [f"2020-01-{day:02d}" for day in range(1, 29)]
    found = column(tmp_path, [*days, "unknown"])
    assert (found.kind, found.missing.sum(), found.values[0]) == (
        "date",
        1,
        np.datetime64("2020-01-01"),
    )
    assert found.note == '"unknown" in 1 cell read as missing'
    assert column(tmp_path, [*days, "a", "b", "c"]).kind == "text"
    assert column(tmp_path, [*days, "unknown"], target="a").kind == "text"


@pytest.mark.parametrize(
    ("form", "month", "other"),
    [("{m}/01/2020", 12, "31/12/2024"), ("01/{m}/2020", 12, "12/31/2024")],
)
def test_what_is_counted_up_to_twelve_is_the_month(
    tmp_path: Path, form: str, month: int, other: str
) -> None:
    found = column(tmp_path, [form.format(m=f"{m:02d}") for m in range(1, 13)])
    assert found.values[-1].item().month == month
    assert found.note.endswith(f"it may be {other}")


def test_zeros_in_front_are_noted(tmp_path: Path) -> None:
    note = 'zeros in front; for codes: kind "category"'
    assert column(tmp_path, ["01234", "99999"]).note == note
    assert column(tmp_path, ["0", "0.5"]).note == ""


def test_words_of_the_target_are_never_missing(tmp_path: Path) -> None:
    found = column(tmp_path, [*NUMBERS, "unknown"], target="a")
    assert (found.kind, found.missing.any(), found.odd.tolist().index(True)) == (
        "number",
        False,
        40,
    )


def test_words_declared_as_values_are_values(tmp_path: Path) -> None:
    dialect = Dialect(sep=";", not_missing=["Unknown"])
    assert column(tmp_path, [*NUMBERS, "unknown"], dialect=dialect).kind == "text"


def test_marks_for_missing_values_are_found(tmp_path: Path) -> None:
    marks = ["", "NA", "n/a", "null", "None", "-", "--", "?", "#N/A", "missing", "NaN", "결측"]
    found = column(tmp_path, ["1", "2.5", *marks])
    assert found.missing.tolist() == [False, False, *[True] * len(marks)]
    found = column(tmp_path, ["red", "red", *marks])
    assert (found.kind, found.missing.sum()) == ("category", len(marks))
    found = column(tmp_path, ["-999", "-999.0", "5"], dialect=Dialect(sep=";", missing=["-999"]))
    assert found.missing.tolist() == [True, True, False]


def test_column_without_values_is_one_of_numbers(tmp_path: Path) -> None:
    found = column(tmp_path, ["", "NA"])
    assert (found.kind, found.missing.all(), found.distinct) == ("number", True, 0)


@pytest.mark.parametrize(
    ("others", "number", "is_ambiguous"),
    [
        ({}, 100_000, True),
        ({"b": ["1.5", "2.25"]}, 100_000, False),
        ({"b": ["1,5", "2,25"]}, 100, False),
        ({"b": ["1.234,5", "7"]}, 100, False),
        ({"b": ["1,234.5", "7"]}, 100_000, False),
        ({"b": ["1,5", "2,25"], "c": ["1.5", "2.25"]}, 100_000, True),
        ({"b": ["1,5", "2,25"], "c": ["1.000", "2.000"]}, 100, False),
    ],
)
def test_other_columns_decide_between_two_readings(
    tmp_path: Path, others: dict[str, list[str]], number: float, is_ambiguous: bool
) -> None:
    table = table_of(tmp_path, {"a": ["100,000", "200,000"], **others})
    found = table.columns[0]
    assert (found.values[0], found.ambiguous) == (number, is_ambiguous)
    fault = found.ambiguity_fault()
    if is_ambiguous:
        assert '"100,000" is read as 100000; it may be 100' in found.note
        assert fault is not None
        assert fault.text.startswith(
            'line 2, column "a": "100,000" is 100 with decimal = ",", or 100000 with thousands'
        )
        assert (table.found.decimal, table.found.thousands) == (".", ",")
        assert not read_table(table.path, table.found).columns[0].ambiguous
    else:
        assert fault is None
        assert (table.found.decimal, table.found.thousands) == (None, None)


def test_note_on_two_readings_shows_a_cell_that_differs(tmp_path: Path) -> None:
    found = column(tmp_path, ["", "x", "3", *["3,400"] * 99])
    assert '"3,400" is read as 3400; it may be 3.4; "x" in 1 cell read as missing' in found.note


def test_points_group_digits_in_a_file_of_decimal_commas(tmp_path: Path) -> None:
    cells = {"a": ["1.234", "7"], "b": ["1,5", "2,5"], "c": ["0.5", "1"]}
    with_commas = table_of(tmp_path, {"a": cells["a"], "b": cells["b"]})
    assert with_commas.columns[0].values.tolist() == [1234, 7]
    with_both = table_of(tmp_path, cells)
    assert with_both.columns[0].values.tolist() == [1.234, 7]
    alone = table_of(tmp_path, {"a": cells["a"], "x": ["u", "v"]})
    assert alone.columns[0].values.tolist() == [1.234, 7]


def test_declared_signs_are_obeyed(tmp_path: Path) -> None:
    cells = ["100,000", "200,000"]
    for dialect, number in (
        (Dialect(sep=";", decimal=","), 100),
        (Dialect(sep=";", thousands=","), 100_000),
    ):
        found = column(tmp_path, cells, dialect=dialect)
        assert (found.values[0], found.ambiguous) == (number, False)
    found = column(tmp_path, ["1,5", "2,5"], dialect=Dialect(sep=";", decimal="."))
    assert found.kind != "number"


@pytest.mark.parametrize(
    ("cells", "kind", "notation", "first"),
    [
        (["1", "2"], "category", "", "1"),
        (["1", "2"], "text", "", "1"),
        (["1", "0"], "yes/no", "1/0", True),
        (["O", "X"], "yes/no", "o/x", True),
        (["20241231", "20240101"], "date", "%Y%m%d", None),
        (["1,5", "NA"], "number", "1234,5", 1.5),
        (["red", "red"], "text", "", "red"),
    ],
)
def test_declared_kind_is_obeyed(
    tmp_path: Path, cells: list[str], kind: ColumnKind, notation: str, first: Any
) -> None:
    found = column(tmp_path, cells, kinds={"a": kind})
    assert (found.kind, found.notation) == (kind, notation)
    assert first is None or found.values[0] == first


@pytest.mark.parametrize(
    ("cells", "kind", "line", "cell"),
    [
        (["1", "2", "abc"], "number", 4, "abc"),
        (["red", "blue"], "number", 2, "red"),
        (["2024-01-01", "soon"], "date", 3, "soon"),
        (["soon", "2024-01-01"], "date", 2, "soon"),
        (["31.01.2024", "31.02.2024"], "date", 3, "31.02.2024"),
        (["yes", "no", "maybe"], "yes/no", 4, "maybe"),
        (["maybe", "no"], "yes/no", 2, "maybe"),
    ],
)
def test_cell_that_is_not_of_the_declared_kind_is_named(
    tmp_path: Path, cells: list[str], kind: ColumnKind, line: int, cell: str
) -> None:
    words = f'kind: a = {kind}, but line {line} holds "{cell}"; correct it, declare another kind'
    with pytest.raises(DataError, match=words) as caught:
        column(tmp_path, cells, kinds={"a": kind})
    assert "\n" not in str(caught.value)


def test_declared_dates_with_two_readings_begin_with_the_month(tmp_path: Path) -> None:
    found = column(tmp_path, ["01/03/2020", "02/03/2020"], kinds={"a": "date"})
    assert found.values[0].item().month == 1
    assert found.note == "written 12/31/2024; it may be 31/12/2024"


@dataclass(frozen=True)
class Known:
    """How a column was read for training."""

    kind: ColumnKind
    notation: str = ""


NAN = float("nan")


@pytest.mark.parametrize(
    ("known", "cells", "values", "note"),
    [
        (Known("number"), ["1.5", "NA"], [1.5, NAN], ""),
        (Known("number", "1.234,5 €"), ["1.234", "2,5 €"], [1234, 2.5], ""),
        (Known("number", "1234,5"), ["1.5", "2.5"], [1.5, 2.5], ""),  # written otherwise now
        (Known("number"), ["1", "x", "y"], [1, NAN, NAN], 'line 3: "x" is no number (and 1 more)'),
        (Known("number"), ["12 %", "7 %"], [NAN, NAN], 'line 2: "12 %" is no number'),
        (Known("number", "1234.5 %"), ["12,5 %", "7 %"], [12.5, 7], ""),
        (Known("yes/no", "ja/nein"), ["Ja", "nein"], [True, False], ""),
        (Known("yes/no", "ja/nein"), ["ja", "?", "oho"], [True, False, False], 'line 4: "oho"'),
        (Known("yes/no"), ["True", "false"], [True, False], ""),  # was of a frame
        (Known("yes/no", "yes/no"), ["1", "0"], [True, False], ""),
        (Known("category"), ["1", ""], ["1", None], ""),
        (Known("text"), ["1", "2"], ["1", "2"], ""),
    ],
)
def test_column_is_read_as_it_was_for_training(
    tmp_path: Path, known: Known, cells: list[str], values: list[Any], note: str
) -> None:
    found = column(tmp_path, cells, like={"a": known})
    assert found.kind == known.kind
    np.testing.assert_array_equal(found.values, np.array(values, dtype=found.values.dtype))
    assert found.note.startswith(note)
    assert bool(found.note) == bool(note)


def test_dates_are_read_as_they_were_for_training(tmp_path: Path) -> None:
    known = {"a": Known("date", "%d/%m/%Y")}
    found = column(tmp_path, ["01/02/2020", "soon"], like=known)
    assert found.values[0] == np.datetime64("2020-02-01")
    assert found.missing.tolist() == [False, True]
    assert found.note == 'line 3: "soon" is no date: read as missing'
    other = column(tmp_path, ["2020-02-01", "2020-02-03"], like=known)
    assert other.values[0] == np.datetime64("2020-02-01")


def test_numbers_with_two_readings_are_read_by_the_other_columns_in_any_chunk(
    tmp_path: Path,
) -> None:
    cells = {"a": ["1,234.5", "1,234", "9,876"], "b": ["1.5", "2.5", "3"], "c": ["1,5", "2", "3"]}
    path = write(tmp_path, cells)
    known = Known("number")
    chunks = list(iter_tables(path, like={"a": known, "b": known}, rows=2))
    assert [chunk.columns[0].values.tolist() for chunk in chunks] == [[1234.5], [1234, 9876]]
    _, alone = iter_tables(path, like={"a": known}, rows=2)
    assert alone.columns[0].ambiguous


def test_chunks_hold_known_columns_only(tmp_path: Path) -> None:
    path = write(tmp_path, {"a": ["1,5", "2,5", "x"], "b": ["u", "v", "w"]})
    chunks = list(iter_tables(path, like={"a": Known("number", "1234,5")}, rows=2))
    assert [chunk.names for chunk in chunks] == [["a"], ["a"]]
    assert chunks[0].columns[0].values.tolist() == [1.5]
    assert chunks[1].columns[0].note == 'line 4: "x" is no number: read as missing'


def test_rows_that_fit_into_memory_are_estimated(tmp_path: Path) -> None:
    path = tmp_path / "own.csv"
    path.write_text("a,b\n" + "1.25,2.50\n" * 20_000)
    assert rows_that_fit(path, 2**30) is None
    fitting = rows_that_fit(path, 150_000)
    assert fitting is not None
    assert 900 < fitting < 1_100
    packed = tmp_path / "own.csv.gz"
    packed.write_bytes(gzip.compress(path.read_bytes()))
    assert rows_that_fit(packed, 2**30) is None
    assert rows_that_fit(packed, 150_000) == fitting


def test_file_that_memory_cannot_hold_is_sampled(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "own.csv"
    path.write_text("a,b\n" + "1.25,2.50\n" * 20_000)
    assert len(read_table(path)) == 20_000
    memory = SimpleNamespace(total=300_000)
    monkeypatch.setattr(psutil, "virtual_memory", lambda: memory)
    table = read_table(path)
    assert 900 < len(table) < 1_100
    assert table.notes == (f"a sample of {len(table):,} of the 20,000 rows is read",)
