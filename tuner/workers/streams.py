"""The streams of a worker process, which a study's own code may close or replace."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout, suppress
from typing import TextIO


@contextmanager
def own_streams() -> Iterator[None]:
    """Lets the block close or replace ``sys.stdout`` and ``sys.stderr``, which are restored.

    Only for a process whose streams are its file descriptors 1 and 2. The block's own streams are
    flushed and stay open afterwards: a logging handler may have kept one.
    """
    out, err = _stream(1, sys.stdout), _stream(2, sys.stderr)
    try:
        with redirect_stdout(out), redirect_stderr(err):
            yield
    finally:
        for stream in (out, err):
            with suppress(OSError, ValueError):  # it is closed
                stream.flush()


def _stream(descriptor: int, now: TextIO) -> TextIO:
    try:
        return open(
            descriptor, "w", buffering=1, encoding="utf-8", errors="backslashreplace", closefd=False
        )
    except OSError:  # a trial before has closed the descriptor itself
        return now
