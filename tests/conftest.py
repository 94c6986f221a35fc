"""Settings that every test shares; they must be made before TensorFlow is imported."""

from __future__ import annotations

import os

os.environ["KERAS_BACKEND"] = "tensorflow"
os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
os.environ["CUDA_VISIBLE_DEVICES"] = "-1"
# One thread, as workers have: floating-point sums come in one order, and small nets are faster.
os.environ["TF_NUM_INTRAOP_THREADS"] = "1"
os.environ["TF_NUM_INTEROP_THREADS"] = "1"
os.environ["OMP_NUM_THREADS"] = "1"

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from commands import Command
from laboratory import Laboratory

from tuner.data import Split, Splits


@pytest.fixture(autouse=True)
def _no_storage_of_mine(monkeypatch: pytest.MonkeyPatch) -> None:
    """What the person who runs the tests has set must not decide what they find."""
    for name in ("TUNER_STORAGE", "OPTUNA_STORAGE"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def laboratory(tmp_path: Path) -> Laboratory:
    """A folder with a scripted study; see :mod:`laboratory`."""
    return Laboratory(tmp_path)


@pytest.fixture
def command(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> Command:
    """``command("run", "wine")`` as in a terminal whose working directory is ``tmp_path``."""
    monkeypatch.chdir(tmp_path)
    return Command(monkeypatch, capfd)


@pytest.fixture
def make_splits() -> Callable[..., Splits]:
    """Small learnable data of any task: ``make_splits("binary", rows=60, features=3)``."""

    def make(task: str = "binary", rows: int = 60, features: int = 3) -> Splits:
        rng = np.random.default_rng(0)
        x = rng.uniform(-5.0, 40.0, size=(3 * rows, features)).astype(np.float32)
        slope = x @ np.linspace(1.0, -1.0, features)
        if task == "regression":
            y = slope / 10
        else:
            classes = 2 if task == "binary" else 3
            y = np.searchsorted(np.quantile(slope, np.arange(1, classes) / classes), slope)
        parts = [Split(x[i::3], y[i::3]) for i in range(3)]
        return Splits(*parts, task=task, name="blobs")  # type: ignore[arg-type]

    return make
