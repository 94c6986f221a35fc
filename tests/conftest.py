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

from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from alembic.config import Config
from alembic.script import ScriptDirectory
from commands import Command
from hypothesis import settings
from laboratory import Laboratory
from servers import Postgres, postgres, programs

from tuner.data import Split, Splits

# A slow machine is no defect of the code. Here, before any test module makes settings of its own.
settings.register_profile("tuner", deadline=None)
settings.load_profile("tuner")

GOOD, BAD = ("great", "lovely", "moving"), ("dull", "awful", "boring")


@pytest.hookimpl(trylast=True)  # of what -m and -k leave
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begins every process's share with slow tests, so that no long one is left for the end.

    pytest-xdist divides the list into one part for each process; a process that has finished its
    part takes tests from the end of another's.
    """
    slow = [item for item in items if item.get_closest_marker("slow")]
    slow.sort(key=lambda item: item.get_closest_marker("timeout") is None)  # the longest have one
    fast = [item for item in items if not item.get_closest_marker("slow")]
    parts = int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1"))
    left = len(items)
    items.clear()
    for part in range(parts):
        size = left // (parts - part)
        left -= size
        share = slow[part::parts]
        n_fast = max(0, size - len(share))
        items += share + fast[:n_fast]
        del fast[:n_fast]
    items += fast


@pytest.fixture(autouse=True)
def _no_storage_of_mine(monkeypatch: pytest.MonkeyPatch) -> None:
    """Removes settings of the person who runs the tests, which must not decide the outcome.

    One of them is the width of the terminal, which pytest-xdist passes to its processes.
    """
    ours = ("STORAGE", "CHECKPOINTS", "DASHBOARD_TOKEN", "DEBUG")
    for name in ("OPTUNA_STORAGE", "COLUMNS", *(f"TUNER_{one}" for one in ours)):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture(scope="session", autouse=True)
def _migrations_read_once() -> Iterator[None]:
    """Reads each folder of migrations once.

    Alembic executes all files of the folder for each database that Optuna opens: 40 ms of CPU time,
    many hundred times in these tests, for what cannot change meanwhile.
    """
    read, found = ScriptDirectory.from_config, dict[str | None, ScriptDirectory]()

    def read_once(config: Config) -> ScriptDirectory:
        folder = config.get_main_option("script_location")
        if folder not in found:
            found[folder] = read(config)
        return found[folder]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ScriptDirectory, "from_config", staticmethod(read_once))
        yield


@pytest.fixture(scope="session")
def server() -> Iterator[Postgres]:
    """A PostgreSQL server."""
    found = programs()
    if found is None:
        pytest.skip("PostgreSQL is not installed: apt-get install postgresql")
    with postgres(found) as running:
        yield running


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


def in_three(x: np.ndarray, y: np.ndarray, task: str, name: str) -> Splits:
    return Splits(*(Split(x[i::3], y[i::3]) for i in range(3)), task=task, name=name)  # type: ignore[arg-type]


@pytest.fixture
def make_images() -> Callable[..., Splits]:
    """Images with a bright stripe, whose position is the class."""

    def make(task: str = "multiclass", rows: int = 24, shape=(8, 7, 1)) -> Splits:
        rng = np.random.default_rng(0)
        y = rng.permutation(np.arange(3 * rows) % (2 if task == "binary" else 3))
        x = rng.integers(0, 80, (3 * rows, *shape), dtype=np.uint8)
        x[np.arange(3 * rows), 2 * y] = 255
        return in_three(x, y, task, "stripes")

    return make


@pytest.fixture
def make_texts() -> Callable[..., Splits]:
    """Sentences with a good or a bad word, some longer than others."""

    def make(task: str = "binary", rows: int = 24) -> Splits:
        rng = np.random.default_rng(0)
        y = rng.permutation(np.arange(3 * rows) % 2)
        words = [rng.choice(GOOD if label else BAD) for label in y]
        fill = [" ".join(rng.choice(["a", "the", "Film,"], size=rng.integers(2, 6))) for _ in y]
        x = np.array(
            [f"{a}, {b}! <br /> café" for a, b in zip(fill, words, strict=True)], dtype=object
        )
        return in_three(x, y, task, "reviews")

    return make


@pytest.fixture
def make_kind(make_splits, make_images, make_texts) -> Callable[..., Splits]:
    """Data that a family reads, of a task."""

    def make(family: str, task: str) -> Splits:
        makers = {"cnn": make_images, "embedding": make_texts}
        return makers.get(family, make_splits)(task)

    return make
