"""Workbooks and Parquet files as tables."""

from __future__ import annotations

import datetime as dt
import importlib.util
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from workbooks import Cell, write_workbook

from tuner.data.table_file import Table, iter_tables, read_table
from tuner.errors import DataError

ROWS: list[list[Cell]] = [
    ["size", "day", "price", "kind", "smoker", "note"],
    [1.5, dt.date(2024, 1, 31), "1.234,5 €", "red", True, "NA"],
    [2, dt.date(2024, 2, 1), "7 €", "blue", False, None],
    [None, dt.date(2024, 2, 2), "8,5 €", "red", True, "12"],
    [3, None, "9 €", "blue", False, "13"],
]


def kinds(table: Table) -> dict[str, str]:
    return {column.name: column.kind for column in table.columns}


def values(table: Table, name: str) -> list[Any]:
    values: list[Any] = next(c for c in table.columns if c.name == name).values.tolist()
    return values


def test_sheet_is_read_as_people_write_it(tmp_path: Path) -> None:
    table = read_table(write_workbook(tmp_path / "own.xlsx", {"Data": ROWS}))
    assert kinds(table) == {
        "size": "number",
        "day": "date",
        "price": "number",
        "kind": "category",
        "smoker": "yes/no",
        "note": "number",
    }
    np.testing.assert_array_equal(values(table, "size"), [1.5, 2, np.nan, 3])
    assert values(table, "price") == [1234.5, 7, 8.5, 9]
    assert values(table, "day")[:2] == [dt.datetime(2024, 1, 31), dt.datetime(2024, 2, 1)]
    assert values(table, "smoker") == [True, False, True, False]
    np.testing.assert_array_equal(values(table, "note"), [np.nan, np.nan, 12, 13])
    assert table.notes == ()


def test_sheet_is_chosen_by_its_name(tmp_path: Path) -> None:
    path = write_workbook(
        tmp_path / "own.xlsx", {"Notes": [["hello"], ["you"]], "Data": [[], [None, "a"], [None, 1]]}
    )
    table = read_table(path, sheet="Data")
    assert values(table, "a") == [1]
    assert table.notes == ('read the sheet "Data" of 2 sheets',)
    assert read_table(path).names == ["hello"]
    with pytest.raises(DataError, match=r'own.xlsx has no sheet "data"; did you mean Data\?'):
        read_table(path, sheet="data")


def test_rows_of_a_sheet_are_counted_as_excel_does(tmp_path: Path) -> None:
    rows: list[list[Cell]] = [["a", "b"], [1, 2], [], [3, "x"]]
    path = write_workbook(tmp_path / "own.xlsx", {"Data": rows})
    with pytest.raises(DataError, match=r'kind: b = number, but row 4 holds "x"; correct it'):
        read_table(path, kinds={"b": "number"})


def test_sample_and_chunks_of_a_sheet(tmp_path: Path) -> None:
    path = write_workbook(tmp_path / "own.xlsx", {"Data": [["a"], *([n] for n in range(50))]})
    table = read_table(path, most_rows=5)
    assert (len(table), table.rows_in_file) == (5, 50)
    assert table.notes == ("a sample of 5 of the 50 rows is read",)
    assert values(table, "a") == sorted(values(table, "a"))
    like = {column.name: column for column in read_table(path).columns}
    chunks = list(iter_tables(path, like=like, rows=20))
    assert [len(chunk) for chunk in chunks] == [20, 20, 10]
    assert values(chunks[2], "a") == list(range(40, 50))


def test_unusable_workbooks_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write_workbook(tmp_path / "own.xlsx", {"Data": [["", None]]})
    with pytest.raises(DataError, match=r'sheet "Data" of .*own.xlsx is empty; the first row must'):
        read_table(path)
    broken = tmp_path / "broken.xlsx"
    broken.write_bytes(path.read_bytes().replace(b"sheetData", b"sheetDate"))
    with pytest.raises(DataError, match=r"broken.xlsx cannot be read as a workbook"):
        read_table(broken)
    (tmp_path / "old.xls").write_bytes(b"\xd0\xcf\x11\xe0 and so on")
    with pytest.raises(DataError, match=r"old.xls cannot be read as a workbook"):
        read_table(tmp_path / "old.xls")
    csv = tmp_path / "own.csv"
    csv.write_text("a\n1\n")
    with pytest.raises(DataError, match=r'is no workbook, so that it has no sheet "Data"; leave'):
        read_table(csv, sheet="Data")
    monkeypatch.setattr(importlib.util, "find_spec", lambda _: None)
    with pytest.raises(DataError, match=r"install the extra: pip install 'tuner\[excel\]'"):
        read_table(path)


FRAME = pd.DataFrame(
    {
        "whole": [1, 2, 3, 4],
        "gap": [1.5, None, 3, 4],
        "kind": pd.Categorical(["u", "v", None, "w"]),
        "text": ["1,5", "2,5", "NA", None],
        "day": pd.to_datetime(["2020-01-01", None, "2020-01-03", "2020-01-04"]),
        "flag": [True, False, True, True],
    }
)


def parquet(folder: Path, frame: pd.DataFrame = FRAME) -> Path:
    path = folder / "own.parquet"
    frame.to_parquet(path)
    return path


def test_columns_of_a_parquet_file_keep_their_types(tmp_path: Path) -> None:
    table = read_table(parquet(tmp_path))
    assert kinds(table) == {
        "whole": "number",
        "gap": "number",
        "kind": "category",
        "text": "number",
        "day": "date",
        "flag": "yes/no",
    }
    assert values(table, "whole") == [1, 2, 3, 4]
    np.testing.assert_array_equal(values(table, "text"), [1.5, 2.5, np.nan, np.nan])
    assert values(table, "kind") == ["u", "v", None, "w"]
    missing = {column.name: column.missing.sum() for column in table.columns}
    assert missing == {"whole": 0, "gap": 1, "kind": 1, "text": 2, "day": 1, "flag": 0}
    cells = {column.name: column.cells.tolist() for column in table.columns}
    assert cells["whole"] == ["1", "2", "3", "4"]
    assert cells["gap"] == ["1.5", "", "3.0", "4.0"]
    assert cells["kind"] == ["u", "v", "", "w"]


def test_kinds_of_typed_columns_can_be_declared(tmp_path: Path) -> None:
    path = parquet(tmp_path)
    table = read_table(path, kinds={"whole": "category", "flag": "text", "day": "category"})
    assert values(table, "whole") == ["1", "2", "3", "4"]
    assert values(table, "flag") == ["True", "False", "True", "True"]
    assert values(table, "day")[:2] == ["2020-01-01", None]
    with pytest.raises(DataError, match=r'kind: day = number, but row 1 holds "2020-01-01"'):
        read_table(path, kinds={"day": "number"})


def test_index_of_a_frame_becomes_columns(tmp_path: Path) -> None:
    frame = FRAME.set_index("whole")
    assert read_table(parquet(tmp_path, frame)).names[0] == "whole"
    assert "index" not in read_table(parquet(tmp_path, FRAME.iloc[[0, 2]])).names


def test_sample_and_chunks_of_a_parquet_file(tmp_path: Path) -> None:
    frame = pd.DataFrame({"a": range(200_000), "b": ["x", "y"] * 100_000})
    path = parquet(tmp_path, frame)
    table = read_table(path, most_rows=1_000)
    assert (len(table), table.rows_in_file) == (1_000, 200_000)
    assert values(table, "a") == sorted(values(table, "a"))
    assert 80_000 < np.mean(values(table, "a")) < 120_000
    assert table.text.line(0) == values(table, "a")[0] + 1
    like = {column.name: column for column in table.columns if column.name == "a"}
    chunks = list(iter_tables(path, like=like, rows=150_000))
    assert sum(map(len, chunks)) == 200_000
    assert [n for chunk in chunks for n in values(chunk, "a")] == list(range(200_000))


def test_unusable_parquet_files_are_refused(tmp_path: Path) -> None:
    path = parquet(tmp_path)
    path.write_bytes(path.read_bytes()[:-40])
    with pytest.raises(DataError, match=r"own.parquet cannot be read as a Parquet file .*; get it"):
        read_table(path)
    with pytest.raises(DataError, match=r"own.parquet has no columns"):
        read_table(parquet(tmp_path, pd.DataFrame()))
    empty = read_table(parquet(tmp_path, FRAME.iloc[:0]))
    assert (len(empty), empty.names) == (0, list(FRAME))
