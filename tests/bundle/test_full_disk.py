from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from made_configurations import MakeConfiguration

from tuner.bundle import train
from tuner.errors import BundleError
from tuner.results.configuration_file import write

FULL = """
import resource, sys
from pathlib import Path
import tuner.bundle.write
from tuner.bundle import export, train
from tuner.errors import TunerError
from tuner.results.configuration_file import read
import keras

configuration = read(Path(sys.argv[1]))
out = Path(sys.argv[2])
for work, path, limit in (
    (train, out / "a" / "model", 200),
    (export, out / "best.py", 200),
    (train, out / "a" / "model", 15_000),
):
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, resource.RLIM_INFINITY))
    try:
        work(configuration, path)
    except TunerError as error:
        print(error.exit_code, type(error).__name__, error)
"""


@pytest.mark.slow
def test_write_beyond_a_size_limit_leaves_nothing(
    tmp_path: Path, make_configuration: MakeConfiguration
) -> None:
    """The kernel itself refuses: no file may grow beyond a few bytes, or a few kilobytes."""
    write(make_configuration(), tmp_path / "best.toml")
    out = tmp_path / "out"
    out.mkdir()

    done = subprocess.run(
        [sys.executable, "-c", FULL, tmp_path / "best.toml", out],
        capture_output=True,
        text=True,
        env=os.environ | {"PYTHONDONTWRITEBYTECODE": "1"},
    )

    first, script, second = done.stdout.splitlines()
    for bundle in (first, second):
        assert bundle.startswith(f"1 BundleError cannot write {out}/a/model: File too large; not")
    assert script.startswith(f"1 BundleError cannot write {out}/best-data.npz: File too large; no")
    assert list(out.iterdir()) == []


@pytest.mark.slow
@pytest.mark.skipif(os.getuid() != 0, reason="only root can mount a disk")
def test_train_on_a_full_disk_leaves_nothing(
    tmp_path: Path, make_configuration: MakeConfiguration
) -> None:
    disk = tmp_path / "disk"
    disk.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=16k", "tmpfs", disk]).returncode:
        pytest.skip("mounting is not permitted here")
    try:
        with pytest.raises(BundleError, match="No space left on device; nothing was left behind"):
            train(make_configuration(), disk / "model")
        assert list(disk.iterdir()) == []
    finally:
        subprocess.run(["umount", disk], check=True)
