"""Standard error, where progress is shown: a failure to write to it never ends a run."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, TextIO, cast

from rich.console import Console


class _Lasting:
    """A file to which writing never fails, unless its reader has gone away (``| head``).

    A run does not end because its terminal was closed, or because its log lies on a full disk.
    """

    def __init__(self, file: TextIO) -> None:
        self._file = file

    def __getattr__(self, name: str) -> Any:
        return getattr(self._file, name)

    def write(self, text: str) -> int:
        with _failures_ignored():
            self._file.write(text)
        return len(text)

    def flush(self) -> None:
        with _failures_ignored():
            self._file.flush()


@contextmanager
def _failures_ignored() -> Iterator[None]:
    try:
        yield
    except BrokenPipeError:
        raise
    except OSError:
        pass


def standard_error() -> Console:
    """The console of standard error."""
    return Console(file=cast(TextIO, _Lasting(sys.stderr)))
