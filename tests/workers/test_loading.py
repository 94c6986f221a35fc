"""TensorFlow cannot be loaded: the run ends with one line, and nothing is stored."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from tuner.errors import WorkerError
from tuner.quiet import load_tensorflow

BROKEN = {
    'raise ImportError("libcudart is not there")': "ImportError: libcudart is not there; ",
    'raise RuntimeError("compiled for NumPy 1")': "RuntimeError: compiled for NumPy 1; ",
}
DIES = "import os, signal; os.kill(os.getpid(), signal.SIGILL)"  # a processor without AVX


def run(laboratory, tensorflow: str) -> subprocess.CompletedProcess[str]:
    """Runs the study in a Python whose ``tensorflow`` is this line."""
    package = laboratory.folder / "broken" / "tensorflow"
    package.mkdir(parents=True)
    (package / "__init__.py").write_text(tensorflow)
    path = os.pathsep.join([str(package.parent), *sys.path])
    words = ["-c", "from tuner.cli import main; main()", "run", str(laboratory.study)]
    return subprocess.run(
        [sys.executable, *words, "--storage", laboratory.url],
        env={**os.environ, "PYTHONPATH": path},
        capture_output=True,
        text=True,
        timeout=100,
    )


@pytest.mark.slow
@pytest.mark.parametrize("tensorflow", [*BROKEN, DIES])
def test_run_without_tensorflow_ends_with_the_reason_in_one_line(laboratory, tensorflow):
    done = run(laboratory, tensorflow)
    note, line = done.stderr.splitlines()
    assert note == "starting workers; TensorFlow takes some seconds to load"
    if tensorflow == DIES:
        assert line.startswith("tuner: the process that loads TensorFlow for the workers died; ")
    else:
        assert line.startswith(f"tuner: TensorFlow cannot be loaded: {BROKEN[tensorflow]}")
    assert (done.returncode, done.stdout) == (1, "")


def test_load_tensorflow_raises_a_worker_error(monkeypatch, capfd):
    def refuse(name):
        raise ImportError("libcudart\nis not there")

    monkeypatch.setattr("importlib.import_module", refuse)
    with pytest.raises(WorkerError, match="cannot be loaded: ImportError: libcudart is not there"):
        load_tensorflow()
    assert capfd.readouterr() == ("", "")
