from __future__ import annotations

import gzip
import hashlib
import json
from pathlib import Path

import numpy as np
import pytest
from whole_table import whole

import tuner.data
from tuner.data import DATASETS
from tuner.data import load_splits as load
from tuner.errors import DataError

TABLES = Path(tuner.data.__file__).parent / "tables"


def test_wine_is_divided_as_in_the_notes() -> None:
    wine = load("wine", Path())
    assert wine.class_names == ("red", "white")
    assert wine.input_shape == (12,)
    assert (wine.feature_names[0], wine.feature_names[-1]) == ("fixed acidity", "quality")
    assert [len(part) for part in (wine.train, wine.validation, wine.test)] == [3897, 1300, 1300]
    for part in (wine.train, wine.validation, wine.test):
        assert abs(np.mean(part.y == 0) - 1599 / 6497) < 0.001
    assert wine.train.x.max() > 100  # sulfur dioxide in mg/l, not scaled


def test_pima_is_the_published_table() -> None:
    pima = load("pima", Path())
    assert pima.task == "binary"
    assert pima.class_names == ("negative", "positive")
    assert pima.feature_names[:2] == ("pregnancies", "glucose")
    assert whole(pima).y.sum() == 268
    first = np.float32([6, 148, 72, 35, 0, 33.6, 0.627, 50])
    assert (whole(pima).x == first).all(axis=1).sum() == 1


def test_birth_life_is_the_published_table() -> None:
    data = load("birth-life", Path())
    assert data.feature_names == ("fertility",)
    rows = whole(data)
    afghanistan = rows.x[:, 0] == np.float32(5.659)
    assert rows.y[afghanistan].tolist() == [np.float32(59.612)]
    assert data.note == ""


def note_file(home: Path, rows: int = 190, cell: str = "1.9") -> Path:
    path = home / "birth_life_2010.txt"
    lines = [f"Country {n}\t{1 + n / 50}\t{80 - n / 10}" for n in range(rows - 1)]
    text = "\n".join(["Country\tBirth rate\tLife expectancy", *lines, f"Last\t{cell}\t70"])
    path.write_text(text, encoding="utf-8")
    return path


@pytest.mark.parametrize("inside", ["", "birth-life"])
def test_birth_life_file_of_the_user_is_preferred(home: Path, inside: str) -> None:
    (home / inside).mkdir(exist_ok=True)
    note_file(home / inside)
    data = load("birth-life", Path())
    assert len(whole(data)) == 190
    assert data.source == "birth_life_2010.txt"
    assert "190 countries" in data.note
    assert np.sort(whole(data).x[:, 0])[:2].tolist() == pytest.approx([1, 1.02])
    assert DATASETS["birth-life"].status().rows == 190


def test_a_file_that_is_cut_off_is_refused_and_kept(home: Path) -> None:
    path = note_file(home, rows=120)
    before = path.read_bytes()
    with pytest.raises(DataError, match=r"2010.txt has 120 rows .* but 190 and 3 .* are expected"):
        load("birth-life", Path())
    assert path.read_bytes() == before
    note_file(home, cell="many")
    with pytest.raises(DataError, match=r'line 191, column "Birth rate": "many" is not a number'):
        load("birth-life", Path())


def test_tables_are_what_their_provenance_says() -> None:
    provenance = json.loads((TABLES / "provenance.json").read_text("utf-8"))
    assert {f"{name}.csv.gz" for name in provenance} == {file.name for file in TABLES.glob("*.gz")}
    for name, entry in provenance.items():
        content = gzip.decompress((TABLES / f"{name}.csv.gz").read_bytes())
        assert hashlib.sha256(content).hexdigest() == entry["sha256_of_csv"]
        assert content.count(b"\n") == entry["rows"] + 1
        assert entry["source"]
        assert entry["licence"]
