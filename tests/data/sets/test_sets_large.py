"""The large sets as they really are; each is skipped on a machine that does not have it."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from tuner.data import DATASETS, Splits

# Taken while this is imported: the tests themselves are given an empty data folder.
REAL = {name: os.environ.get(name) for name in ("TUNER_DATA_HOME", "KERAS_HOME")}
DEBIAN = Path("/usr/share/datasets/fashion-mnist")

pytestmark = pytest.mark.slow


@pytest.fixture
def real(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], Splits]:
    """Loads a set from where this machine has it."""

    def load(name: str) -> Splits:
        for variable, value in REAL.items():
            if value is None:
                monkeypatch.delenv(variable)
            else:
                monkeypatch.setenv(variable, value)
        monkeypatch.setattr("tuner.data.sets.digits.DEBIAN", DEBIAN)
        if DATASETS[name].status().state != "have":
            pytest.skip(f"all of {name} is not on this machine; scripts/get_large_sets.sh gets it")
        return DATASETS[name].load()

    return load


@pytest.mark.parametrize("name", ["mnist", "fashion-mnist"])
def test_mnist_has_its_published_parts(real: Callable[[str], Splits], name: str) -> None:
    data = real(name)
    parts = (data.train, data.validation, data.test)
    assert [len(part) for part in parts] == [48_000, 12_000, 10_000]
    assert data.train.x.dtype == np.uint8
    assert data.train.x.max() == 255
    assert data.note == ""
    if name == "fashion-mnist":
        assert [np.bincount(part.y).tolist() for part in parts] == [
            [4800] * 10,
            [1200] * 10,
            [1000] * 10,
        ]


def test_imdb_has_its_published_parts(real: Callable[[str], Splits]) -> None:
    data = real("imdb")
    parts = (data.train, data.validation, data.test)
    assert [len(part) for part in parts] == [20_000, 5_000, 25_000]
    assert [int(part.y.sum()) for part in parts] == [10_000, 2_500, 12_500]
