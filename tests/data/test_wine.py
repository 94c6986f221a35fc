from __future__ import annotations

import gzip
import hashlib
import json
import subprocess
import sys
from pathlib import Path

import numpy as np

import tuner.data
from tuner.data import load

TABLES = Path(tuner.data.__file__).parent / "tables"


def test_wine_as_the_notes_divide_it() -> None:
    wine = load("wine", Path())
    assert wine.task == "multiclass"
    assert wine.class_names == ("red", "white")
    assert wine.input_shape == (12,)
    assert wine.feature_names[0] == "fixed acidity"
    assert wine.feature_names[-1] == "quality"
    assert [len(part) for part in (wine.train, wine.validation, wine.test)] == [3897, 1300, 1300]
    for part in (wine.train, wine.validation, wine.test):
        assert abs(np.mean(part.y == 0) - 1599 / 6497) < 0.001


def test_wine_is_raw() -> None:
    assert load("wine", Path()).train.x.max() > 100  # sulfur dioxide in mg/l, not scaled


def test_wine_never_changes() -> None:
    # A new number here means another test split: results of older studies cannot be compared.
    expected = "daa09742e51346e24714a8fc018dbdf1e74145f2735c8d97269f07c79ba95e2b"
    assert load("wine", Path()).fingerprint == expected


def test_tables_are_what_their_provenance_says() -> None:
    provenance = json.loads((TABLES / "provenance.json").read_text("utf-8"))
    assert {f"{name}.csv.gz" for name in provenance} == {file.name for file in TABLES.glob("*.gz")}
    for name, entry in provenance.items():
        content = gzip.decompress((TABLES / f"{name}.csv.gz").read_bytes())
        assert hashlib.sha256(content).hexdigest() == entry["sha256_of_csv"]
        assert content.count(b"\n") == entry["rows"] + 1
        assert entry["source"]
        assert entry["licence"]


def test_data_stays_light() -> None:
    code = (
        "import sys; import tuner.data;"
        "print([m for m in ('tensorflow', 'keras', 'pandas', 'sklearn') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
