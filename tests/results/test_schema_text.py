"""The table of columns that people see before the first trial."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tuner.data import load
from tuner.results.schema_text import schema_text
from tuner.spec import CsvDataset


def text_of(folder: Path, rows: list[str], *, everything: bool = False, **keys: object) -> str:
    (folder / "own.csv").write_text("\n".join(rows), encoding="utf-8")
    dataset = CsvDataset.model_validate({"csv": "own.csv", "target": "y", **keys})
    return schema_text(load(dataset, folder), everything=everything)


def test_schema_is_shown_as_a_table_then_target_rows_notes_and_warnings(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    random = np.random.default_rng(0)
    colours, doses = random.choice(["red", "blue", ""], 80), random.normal(size=80)
    target = random.choice(["sick", "well"], 80).tolist()
    target[3] = "NA"
    rows = [
        f"{n + 1},{colours[n]},{doses[n]:.3f},{int(target[n] == 'sick')},{target[n]}"
        for n in range(80)
    ]
    shown = text_of(tmp_path, ["number,colour,dose,copy,y", *rows], kind={"dose": "number"})
    assert max(map(len, shown.splitlines())) <= 80
    lines = [" ".join(line.split()) for line in shown.splitlines()]
    assert lines[0] == "column holds used as missing note"
    assert lines[2] == "number number dropped numbers the rows"
    assert lines[3].startswith("colour category category, 2 levels ")
    assert lines[4] == "dose number number as declared"
    assert lines[6] == "y category target"
    assert "target y: 2 classes (sick, well)" in lines
    assert "rows 79: 63 to learn from, 16 for the test" in lines
    assert any(line.startswith('note 1 row without a value of "y" left out') for line in lines)
    assert any(line.startswith('WARNING column "copy" alone gives the') for line in lines)


def test_first_columns_and_those_with_a_note_stand_for_a_wide_table(tmp_path: Path) -> None:
    random = np.random.default_rng(0)
    names = [f"c{n}" for n in range(40)]
    values = random.normal(size=(50, 40)).round(3).astype(str)
    values[:, 38] = "same"
    rows = [",".join([*row, str(n / 7)]) for n, row in enumerate(values)]
    written = [",".join([*names, "y"]), *rows]
    shown = text_of(tmp_path, written).splitlines()
    assert [line.split()[0] for line in shown[2:26]] == [*names[:22], "c38", "y"]
    assert shown[26] == "… and 17 more columns: 17 number"
    assert "target    y: a quantity" in shown
    assert len(text_of(tmp_path, written, everything=True).splitlines()) == len(shown) + 16


def test_note_that_the_table_cuts_off_is_below_it(tmp_path: Path) -> None:
    rows = [f"{n + 1},250;{n};{n % 2}" for n in range(20)]
    shown = text_of(tmp_path, ["a;b;y", *rows], select="useful")
    assert 'written 1,234.5; "1,250" is read as 125…' in shown
    said = 'note column "a": written 1,234.5; "1,250" is read as 1250; it may be 1.25'
    assert said in " ".join(shown.split())


def test_data_that_are_no_table_have_no_text() -> None:
    assert schema_text(load("xor", Path())) == ""
