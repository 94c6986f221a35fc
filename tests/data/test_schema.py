"""Typed columns of files and frames, what is decided about them, and how it is stored."""

from __future__ import annotations

import datetime as dt
import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from tuner.bundle.info import DataInfo
from tuner.data import functions, load
from tuner.data.schema import Schema
from tuner.data.table import Column, from_frame
from tuner.data.table_file import read_table
from tuner.spec import CsvDataset
from tuner.storage.attributes import StoredData

DAYS = [f"2020-01-{day:02d}" for day in range(1, 13)]


def column_of(folder: Path, cells: list[str]) -> Column:
    """Returns the column that a file of these cells has."""
    path = folder / "own.csv"
    path.write_text("\n".join(["a;b", *(f'"{cell}";1' for cell in cells)]), encoding="utf-8")
    return read_table(path).columns[0]


@pytest.mark.parametrize(
    ("cells", "kind", "values", "notation"),
    [
        (["1", "NA", "2.5", ""], "number", [1, np.nan, 2.5, np.nan], ""),
        (["7", "8", "9"], "number", [7, 8, 9], ""),
        (["yes", "No", "?", "no"], "yes/no", [True, False, False, False], "yes/no"),
        (["TRUE", "FALSE", "TRUE"], "yes/no", [True, False, True], "true/false"),
        (["2020-01-31", "", "2020-02-01"], "date", ["2020-01-31", "NaT", "2020-02-01"], "ISO8601"),
        (["31.01.2020", "01.02.2020"], "date", ["2020-01-31", "2020-02-01"], "%d.%m.%Y"),
        (["31/01/2020", "01/02/2020"], "date", ["2020-01-31", "2020-02-01"], "%d/%m/%Y"),
        (["01/31/2020", "01/02/2020"], "date", ["2020-01-31", "2020-01-02"], "%m/%d/%Y"),
        (["red", "blue", "red", "NA", "red"], "category", ["red", "blue", "red", None, "red"], ""),
        (["a film", "a dog", "NA"], "text", ["a film", "a dog", None], ""),
        (["yes", "no", "maybe"], "text", ["yes", "no", "maybe"], ""),
    ],
)
def test_column_of_a_file_has_kind_values_and_missing(
    cells: list[str], kind: str, values: list[Any], notation: str, tmp_path: Path
) -> None:
    column = column_of(tmp_path, cells)
    assert (column.kind, column.notation) == (kind, notation)
    assert column.missing.tolist() == [cell in ("", "NA", "?") for cell in cells]
    expected = np.array(values, dtype=column.values.dtype)
    np.testing.assert_array_equal(column.values, expected)


@pytest.mark.parametrize(
    ("values", "kind", "typed"),
    [
        ([1, 2, 3], "number", [1, 2, 3]),
        (pd.Series([1, None, 3], dtype="Int64"), "number", [1, np.nan, 3]),
        (pd.Series([1.5, None, 3], dtype="Float64"), "number", [1.5, np.nan, 3]),
        (pd.Series([1.5, None, 3], dtype=object), "number", [1.5, np.nan, 3]),
        ([True, False, True], "yes/no", [True, False, True]),
        (pd.Series([True, None, False], dtype="boolean"), "yes/no", [True, False, False]),
        (pd.to_datetime(["2020-01-31", None, "2020-02-01"]), "date", None),
        (pd.Series(pd.period_range("2020-01", periods=3, freq="M")), "date", None),
        (pd.Series([True, None, False], dtype=object), "yes/no", [True, False, False]),
        (pd.Series([dt.date(2020, 1, 31), None, dt.date(2020, 2, 1)]), "date", None),
        (pd.to_datetime(["2020-01-31", None, "2020-02-01"], utc=True).astype(object), "date", None),
        (["u", "v", "u", "v"], "category", ["u", "v", "u", "v"]),
        (pd.Categorical(["u", "u", None]), "category", ["u", "u", None]),
        (["a film", None, "a dog"], "text", ["a film", None, "a dog"]),
        ([[1], [2]], "text", [[1], [2]]),
    ],
)
def test_column_of_a_frame_has_kind_values_and_missing(values: Any, kind: str, typed: Any) -> None:
    frame = pd.DataFrame({"a": values})
    (column,) = from_frame(frame)
    assert (column.name, column.kind) == ("a", kind)
    assert column.missing.tolist() == frame["a"].isna().tolist()
    if typed is None:
        assert column.values.dtype.kind == "M"
    elif column.values.dtype == object:
        assert column.values.tolist() == typed
    else:
        np.testing.assert_array_equal(column.values, typed)


@pytest.mark.parametrize("zone", [None, "UTC"])
def test_dates_of_a_frame_may_be_far_away(zone: str | None) -> None:
    days = pd.Series(pd.to_datetime(["9999-12-31", "0001-01-01"])).dt.tz_localize(zone)
    (column,) = from_frame(pd.DataFrame({"a": days}))
    days = np.array(["9999-12-31", "0001-01-01"], dtype="datetime64[us]")
    np.testing.assert_array_equal(column.values, days)


@pytest.fixture
def described(tmp_path: Path) -> dict[str, Any]:
    """What a study stores about a file of all kinds of columns, of which one is a feature."""
    rows = [
        f"P{n};{DAYS[n % 12]};{'yes' if n % 3 else 'no'};{'' if n % 4 else 'red'};{n / 7};{n % 2}"
        for n in range(40)
    ]
    text = "\n".join(["id;day;smoker;colour;dose;y", *rows])
    (tmp_path / "own.csv").write_text(text, encoding="cp1252")
    dropped = ["id", "day", "smoker", "colour"]
    dataset = CsvDataset(
        csv="own.csv", target="y", drop=dropped, task="classification", encoding="cp1252"
    )
    data = load(dataset, tmp_path)
    assert data.development.schema is not None
    return data.describe()


def test_schema_of_a_file_says_what_was_found_and_decided(described: dict[str, Any]) -> None:
    dropped = {"treatment": "drop", "declared": True}
    assert described["feature_names"] == ["dose"]
    assert described["schema"] == {
        "columns": [
            {"name": "id", "kind": "text", **dropped},
            {"name": "day", "kind": "date", "notation": "ISO8601", **dropped},
            {"name": "smoker", "kind": "yes/no", "notation": "yes/no", **dropped},
            {"name": "colour", "kind": "category", "missing": 30, **dropped},
            {"name": "dose", "kind": "number", "treatment": "number"},
            {"name": "y", "kind": "number", "treatment": "target"},
        ],
        "target": {
            "column": "y",
            "task": "binary",
            "declared": True,
            "class_names": ["0", "1"],
        },
        "dialect": {"sep": ";", "encoding": "cp1252"},
        "rows": 40,
    }


def test_schema_is_read_back_from_study_and_bundle(described: dict[str, Any]) -> None:
    stored = json.loads(json.dumps(described))
    schema = Schema.model_validate(stored["schema"])
    assert schema.to_dict() == described["schema"]
    assert StoredData.model_validate(stored).table == stored["schema"]
    assert DataInfo.model_validate(stored).table == stored["schema"]
    del stored["schema"]  # as an older study or bundle
    assert StoredData.model_validate(stored).table is None
    assert DataInfo.model_validate(stored).table is None


def test_schema_of_a_frame_has_its_columns(monkeypatch: pytest.MonkeyPatch) -> None:
    frame = pd.DataFrame({"dose": np.arange(40.0), "flag": np.arange(40) % 3 == 0})
    y = pd.Series(["u", "v"] * 20, name="side")
    for returned in ((frame, y), [(frame, y)] * 3):
        monkeypatch.setattr(functions, "import_function", lambda *_, r=returned: lambda: r)
        schema = load("own:load_data", Path()).development.schema
        assert schema is not None
        assert [(c.name, c.kind, c.treatment) for c in schema.columns] == [
            ("dose", "number", "number"),
            ("flag", "yes/no", "number"),
        ]
        assert schema.target.column == "side"
        assert (schema.target.task, schema.target.class_names) == ("binary", ("u", "v"))
        assert schema.dialect is None


def test_data_that_are_no_table_of_columns_have_no_schema() -> None:
    assert "schema" not in load("xor", Path()).describe()
