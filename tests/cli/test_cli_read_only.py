"""Folders and databases that may not be written or entered, though root ignores such rights."""

from __future__ import annotations

import importlib
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from commands import Command, contents
from laboratory import Laboratory

NOBODY = 65534
LAZY = ("pandas", "tuner.api", "tuner.bundle", "tuner.cli.progress")
"""Modules that commands import late, which the user ``nobody`` may be unable to read."""


@contextmanager
def rights(folder: Path, mode: int) -> Iterator[None]:
    """The folder has these rights; the superuser runs the command as ``nobody``, whom they bind."""
    folder.chmod(mode)
    is_root = os.geteuid() == 0
    if is_root:
        os.setresuid(NOBODY, NOBODY, 0)
    try:
        yield
    finally:
        if is_root:
            os.setresuid(0, 0, 0)
        folder.chmod(0o755)


@pytest.fixture
def folder(command: Command, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder that everybody may enter, with a stored study; the working directory."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        folder.chmod(0o755)
        monkeypatch.chdir(folder)
        Laboratory(folder).store("complete")
        for module in LAZY:
            importlib.import_module(module)
        yield folder


def test_results_are_read_from_a_read_only_folder(folder: Path, command: Command) -> None:
    before = (folder / "tuner.db").read_bytes()
    questions = ("trials scripted", "best scripted --json", "show scripted", "studies")
    answers = [command(*words.split()) for words in questions]
    with rights(folder, 0o555):
        assert [command(*words.split()) for words in questions] == answers
        command("run", "scripted", "--storage", "sqlite:///new.db").refused(
            2, r"sqlite:///new\.db: unable to open database file: .* may you write in it\?"
        )
        command("export", "scripted", "-o", "best.toml").refused(
            1, r"cannot write best\.toml: Permission denied; nothing was left behind"
        )
    assert {answer.status for answer in answers} == {0}
    assert (folder / "tuner.db").read_bytes() == before
    assert not list(folder.glob("*.db-*"))


def test_unreadable_folder_is_refused(folder: Path, command: Command) -> None:
    (folder / "secret").mkdir()
    (folder / "secret" / "tuner.db").write_bytes((folder / "tuner.db").read_bytes())
    url = "sqlite:///secret/tuner.db"
    with rights(folder / "secret", 0o000):
        command("best", "scripted", "--storage", url).refused(2, "there is no database secret/tun")
        command("run", "scripted", "--storage", url).refused(
            2, r"secret/tuner\.db: unable to open database file: does the folder exist, and may y"
        )
        table = 'dataset={ csv = "secret/a.csv", target = "a" }'
        command("run", "scripted", "--set", table).refused(
            2, r"scripted\.toml: dataset: .*secret/a\.csv.*: Permission denied"
        )
        command("run", "secret/study.toml").refused(2, r"secret/study\.toml")
        command("predict", "secret", "rows.csv").refused(2, "path 'secret' is not readable")
        command("train", "secret/best.toml", "-o", "m").refused(2, r"secret/best\.toml")
    assert sorted(path.name for path in (folder / "secret").iterdir()) == ["tuner.db"]


@pytest.mark.slow
def test_run_on_a_read_only_database_is_refused(command: Command, laboratory: Laboratory) -> None:
    laboratory.store("complete", study_name="another")
    before = contents(laboratory.database)
    url = "sqlite:///file:tuner.db?mode=ro&uri=true"
    command("run", "scripted", "--storage", url).refused(
        2, r"attempt to write a readonly database: the file or its folder cannot be written; copy"
    )
    assert contents(laboratory.database) == before
