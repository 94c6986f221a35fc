"""A pseudo-terminal of which a process is the foreground job, as in a person's own window."""

from __future__ import annotations

import contextlib
import fcntl
import os
import pty
import re
import select
import struct
import subprocess
import sys
import termios
import threading
import time
from pathlib import Path

from processes import WAIT_SECONDS

# The terminal becomes the controlling one of the new session: its Ctrl-C then reaches all of it.
_START = """
import fcntl, termios
fcntl.ioctl(0, termios.TIOCSCTTY, 0)
from tuner.cli import main
main()
"""
_CONTROL = re.compile(r"\x1b\[[0-9;?]*[a-zA-Z]|\r")


class Terminal:
    """``tuner`` with its input and its standard error in a terminal, its results in a pipe."""

    def __init__(self, folder: Path, *words: str) -> None:
        self._master, slave = pty.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 100, 0, 0))
        self.process = subprocess.Popen(
            [sys.executable, "-c", _START, *words],
            cwd=folder,
            stdin=slave,
            stdout=subprocess.PIPE,
            stderr=slave,
            text=True,
            start_new_session=True,
            env=os.environ | {"TERM": "xterm-256color"},
        )
        os.close(slave)
        self._is_open = True
        self.raw = ""
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def __enter__(self) -> Terminal:
        return self

    def __exit__(self, *_: object) -> None:
        self.process.kill()
        self.process.wait()
        self.close()
        if self.process.stdout:
            self.process.stdout.close()

    @property
    def text(self) -> str:
        """Everything that was shown, without colours and movements."""
        return _CONTROL.sub("", self.raw)

    def wait_for(self, pattern: str) -> None:
        """Waits until something was shown."""
        deadline = time.monotonic() + WAIT_SECONDS
        while not re.search(pattern, self.text):
            assert self.process.poll() is None, f"ended without {pattern!r}: {self.text}"
            assert time.monotonic() < deadline, f"no {pattern!r} in: {self.text}"
            time.sleep(0.05)

    def press_ctrl_c(self) -> None:
        """Types Ctrl-C: the terminal sends SIGINT to every process of the job."""
        os.write(self._master, b"\x03")

    def close(self) -> None:
        """Closes the window: its processes get SIGHUP, and to write to the terminal is an error."""
        if self._is_open:
            self._is_open = False
            self._reader.join(WAIT_SECONDS)  # as long as it reads, the terminal stays open
            os.close(self._master)

    def ended(self) -> tuple[int, str]:
        """Waits for the end; returns exit status and standard output."""
        out, _ = self.process.communicate(timeout=WAIT_SECONDS)
        self._reader.join(WAIT_SECONDS)
        return self.process.returncode, out

    def _read(self) -> None:
        with contextlib.suppress(OSError):  # reading a terminal without processes is an error
            while self._is_open:
                if select.select([self._master], [], [], 0.1)[0]:
                    self.raw += os.read(self._master, 65536).decode(errors="replace")
