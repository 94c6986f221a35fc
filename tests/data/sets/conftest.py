from __future__ import annotations

from pathlib import Path

import pytest

from tuner.data.sets import digits


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty data folder; the data sets of this machine are hidden."""
    folder = tmp_path / "home"
    folder.mkdir()
    monkeypatch.setenv("TUNER_DATA_HOME", str(folder))
    monkeypatch.setenv("KERAS_HOME", str(tmp_path / "keras"))
    monkeypatch.setattr(digits, "DEBIAN", tmp_path / "debian")
    return folder
