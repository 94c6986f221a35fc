"""What a worker prints, as lines: a bounded amount at a time, however much a trial prints."""

from __future__ import annotations

import os
import time
from collections import deque
from multiprocessing.connection import Connection

_CHUNK_BYTES = 2**16
_READ_BYTES = 2**20
"""The most that is read at once: to take it apart costs the supervisor some milliseconds."""

_LINE_BYTES = 4096
_BURST_LINES = 200.0
_LINES_A_SECOND = 20.0
_LAST_LINES = 20


class Output:
    """Reads the pipe that a worker prints to.

    All of it is read, so that a trial never waits for the display, but not all of it is shown:
    a burst of 200 lines (a long traceback), then 20 a second. A line counts how many were left
    out. Of a progress bar, which rewrites its line, the newest state is kept.

    Attributes:
        last: The last lines that were read, shown or not.
    """

    def __init__(self, pipe: Connection) -> None:
        self._pipe = pipe
        self._partial = b""
        self._allowance = _BURST_LINES
        self._refilled_at = time.monotonic()
        self._n_dropped = 0
        self.last: deque[str] = deque(maxlen=_LAST_LINES)

    @property
    def pipe(self) -> Connection | None:
        """What to wait on; None once everything has been read and the writer is gone."""
        return None if self._pipe.closed else self._pipe

    def lines(self) -> list[str]:
        """The lines to show of what was printed since the last call."""
        return self._limited(self._read())

    def close(self) -> None:
        """Reads no further."""
        self._pipe.close()

    def _read(self) -> list[bytes]:
        lines: list[bytes] = []
        n_read = 0
        while n_read < _READ_BYTES and not self._pipe.closed and self._pipe.poll():
            chunk = os.read(self._pipe.fileno(), _CHUNK_BYTES)
            n_read += len(chunk)
            if not chunk:
                self._pipe.close()
                chunk = b"\n" if self._partial else b""
            first, *others = chunk.split(b"\n")
            self._keep(first)
            if others:
                lines += [self._partial, *others[:-1]]
                self._partial = b""
                self._keep(others[-1])
        return lines

    def _keep(self, piece: bytes) -> None:
        """Adds to the line that has not ended yet, up to the length that is shown."""
        line = self._partial + piece
        if b"\r" in line:
            text = line.rstrip(b"\r")
            line = text.rpartition(b"\r")[2] + line[len(text) :]
        self._partial = line[: _LINE_BYTES + 1]

    def _limited(self, lines: list[bytes]) -> list[str]:
        now = time.monotonic()
        refill = (now - self._refilled_at) * _LINES_A_SECOND
        self._allowance = min(_BURST_LINES, self._allowance + refill)
        self._refilled_at = now
        shown = [_text(line) for line in lines[: int(self._allowance)]]
        self._allowance -= len(shown)
        is_all = len(shown) == len(lines)
        self.last.extend(shown if is_all else [_text(line) for line in lines[-_LAST_LINES:]])
        self._n_dropped += len(lines) - len(shown)
        if self._n_dropped and is_all and self._allowance >= 1:
            shown.insert(0, f"… {self._n_dropped} lines that a trial printed are not shown")
            self._allowance -= 1
            self._n_dropped = 0
        return shown


def _text(line: bytes) -> str:
    """A line as it is shown: of several states of a progress bar the last one."""
    line = line.rstrip(b"\r").rpartition(b"\r")[2]
    text = line[:_LINE_BYTES].decode(errors="replace").rstrip()
    if len(line) > _LINE_BYTES:
        text += f" … (cut: a line longer than {_LINE_BYTES} bytes)"
    return text
