"""Warnings of columns that give the target away, and of rows that stand in several parts."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from tuner.data import Splits, functions, load, load_splits
from tuner.spec import CsvDataset

N = 300
RANDOM = np.random.default_rng(0)
NOISE = RANDOM.normal(size=N)
AGE = RANDOM.integers(18, 90, N)
CITY = RANDOM.choice(["Ulm", "Köln", "Bonn"], N)
CLASSES = RANDOM.choice(["sick", "well", "dead"], N, p=[0.3, 0.6, 0.1])


def loaded(monkeypatch: pytest.MonkeyPatch, y: Any, **columns: Any) -> Splits:
    frame = pd.DataFrame({"age": AGE, "city": CITY, "noise": NOISE, **columns})
    monkeypatch.setattr(functions, "import_function", lambda *_: lambda: (frame, pd.Series(y)))
    return load_splits("my:load_data", Path())


def warnings_of(monkeypatch: pytest.MonkeyPatch, y: Any, **columns: Any) -> tuple[str, ...]:
    schema = loaded(monkeypatch, y, **columns).schema
    assert schema is not None
    return schema.warnings


@pytest.mark.parametrize(
    ("y", "column"),
    [
        (CLASSES, CLASSES),
        (CLASSES, np.array([f"code {len(name)}{name[0]}" for name in CLASSES], dtype=object)),
        (CLASSES, pd.Series(CLASSES).map({"sick": 3.0, "well": np.nan, "dead": 7.5})),
        (CLASSES == "sick", (CLASSES == "sick") * 1.0 + NOISE / 100),
        (NOISE > 1, pd.to_datetime("2020-01-01") + pd.to_timedelta((NOISE > 1) * 90 + 1, unit="D")),
        (NOISE**3, -1000 * NOISE**3),
        (np.exp(NOISE), 5 * NOISE),
    ],
)
def test_column_that_gives_the_target_away_is_named(
    y: Any, column: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    noise = RANDOM.normal(size=N)
    found = warnings_of(monkeypatch, y, noise=noise, leak=column)
    assert len(found) == 1
    assert found[0].startswith('column "leak" alone gives the target away (')
    assert found[0].endswith("drop it")


@pytest.mark.parametrize(
    ("y", "column"),
    [
        (CLASSES, CITY),
        (NOISE > 0, NOISE + RANDOM.normal(size=N) / 5),
        (NOISE, NOISE + RANDOM.normal(size=N) / 10),
        (NOISE, [f"row {n}" for n in range(N)]),
    ],
)
def test_good_columns_are_not_suspected(
    y: Any, column: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    noise = RANDOM.normal(size=N)
    assert warnings_of(monkeypatch, y, noise=noise, good=column) == ()


def test_the_only_feature_may_be_a_perfect_one(monkeypatch: pytest.MonkeyPatch) -> None:
    frame = pd.DataFrame({"x": NOISE})
    monkeypatch.setattr(functions, "import_function", lambda *_: lambda: (frame, 2 * NOISE))
    schema = load_splits("my:load_data", Path()).schema
    assert schema is not None
    assert schema.warnings == ()


def test_rows_in_training_and_test_are_counted(tmp_path: Path) -> None:
    frame = pd.DataFrame({"age": AGE, "city": CITY, "noise": NOISE, "y": CLASSES})
    repeated = pd.concat([frame, frame.iloc[:100]])
    repeated.to_csv(tmp_path / "own.csv", index=False)
    dataset = CsvDataset(csv="own.csv", target="y")
    data = load_splits(dataset, tmp_path)
    known = {tuple(row) for part in (data.train, data.validation) for row in rows_of(part)}
    again = sum(tuple(row) in known for row in rows_of(data.test))
    assert again > 20
    assert data.schema is not None
    (warning,) = data.schema.warnings
    assert warning.startswith(f"{again} of 80 test rows ({100 * again / 80:.0f} %) stand among ")
    assert load(dataset, tmp_path).describe()["schema"]["warnings"] == [warning]
    plain = dataset.model_copy(update={"drop": ["city"]})
    schema = load_splits(plain, tmp_path).schema  # an array
    assert schema is not None
    assert schema.warnings == (warning,)


def rows_of(part: Any) -> list[list[Any]]:
    frame: pd.DataFrame = part.x.assign(y=part.y)
    return frame.astype({"city": object}).to_numpy().tolist()
