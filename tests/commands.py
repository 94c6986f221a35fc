"""Calls the command line in this process, and checks its refusals."""

from __future__ import annotations

import re
import sqlite3
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from tuner.cli import main

# What a run prints before its workers have checked the data.
_NOTES = re.compile(
    r"(starting workers|training|replaying trial \d+)(; TensorFlow takes some seconds to load)?"
    r"|note: the opening of the test split is not recorded: .*"
)


@dataclass(frozen=True)
class Answer:
    """The exit status and the output of a command."""

    status: int
    out: str
    err: str

    def refused(self, status: int, match: str) -> None:
        """Asserts one clear line on standard error, nothing else anywhere, and the status."""
        lines = [line for line in self.err.splitlines() if not _NOTES.fullmatch(line)]
        assert "Traceback" not in self.err
        assert len(lines) == 1, self.err
        assert re.search(match, lines[0]), f"{lines[0]!r} does not match {match!r}"
        assert lines[0].startswith("tuner")
        assert (self.status, self.out) == (status, "")


class Command:
    """``command("best", "wine")`` types ``tuner best wine``, in this process: fast."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> None:
        self._monkeypatch = monkeypatch
        self._capfd = capfd

    def __call__(self, *words: str | Path) -> Answer:
        self._capfd.readouterr()
        self._monkeypatch.setattr(sys, "argv", ["tuner", *map(str, words)])
        with pytest.raises(SystemExit) as ended:
            main()
        return Answer(int(ended.value.code or 0), *self._capfd.readouterr())


def contents(database: Path) -> list[str]:
    """The whole content of a SQLite database as SQL, to compare it before and after a command."""
    connection = sqlite3.connect(database)
    try:
        return list(connection.iterdump())
    finally:
        connection.close()
