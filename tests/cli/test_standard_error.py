"""Runs continue when standard error cannot be written."""

from __future__ import annotations

import errno
import io
import os
import sys

import pytest

from tuner.cli.progress import LiveProgress, PlainProgress
from tuner.cli.standard_error import standard_error
from tuner.spec import Objective


class Broken(io.StringIO):
    """A file of which every write fails."""

    def __init__(self, number: int) -> None:
        super().__init__()
        self.n_tried = 0
        self._number = number

    def write(self, text: str) -> int:
        self.n_tried += 1
        raise OSError(self._number, os.strerror(self._number))

    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize("number", [errno.EIO, errno.ENOSPC], ids=["no terminal", "disk full"])
@pytest.mark.parametrize("kind", [LiveProgress, PlainProgress])
def test_progress_ignores_a_closed_terminal_and_a_full_disk(
    monkeypatch: pytest.MonkeyPatch,
    kind: type[LiveProgress] | type[PlainProgress],
    number: int,
) -> None:
    broken = Broken(number)
    monkeypatch.setattr(sys, "stderr", broken)
    progress = kind(standard_error(), Objective(metric="loss", direction="minimize"))
    progress.started("title", 0, 3, 1, None)
    progress.note("a line")
    progress.tick()
    progress.close()
    assert broken.n_tried > 0


def test_closed_pipe_ends_a_run(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stderr", Broken(errno.EPIPE))
    with pytest.raises(BrokenPipeError, match="Broken pipe"):
        standard_error().file.write("a line\n")
