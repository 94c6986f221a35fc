"""A small disk of a test's own, which is filled and freed."""

from __future__ import annotations

import subprocess
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import psutil

_FIRST_PAGE = 4096  # bytes; a write-ahead log is longer


class Disk:
    """A file system of a test's own where one may be mounted, else an ordinary folder.

    Attributes:
        folder: Where its files are.
        is_mounted: Whether it is a file system of its own.
    """

    def __init__(self, folder: Path, *, is_mounted: bool) -> None:
        self.folder = folder
        self.is_mounted = is_mounted
        self._filling = folder / "filling"

    def fill(self, processes: Iterable[psutil.Process] = ()) -> None:
        """Leaves not a byte on it.

        Args:
            processes: What writes to it. An ordinary folder cannot be filled; instead these
                processes cannot make a file longer from now on.
        """
        if not self.is_mounted:
            for process in processes:
                process.rlimit(psutil.RLIMIT_FSIZE, (_FIRST_PAGE, _FIRST_PAGE))
            return
        with self._filling.open("ab", buffering=0) as file, suppress(OSError):
            while file.write(b"x" * 4096):
                pass

    def free(self) -> None:
        """Removes the files that fill it."""
        self._filling.unlink(missing_ok=True)


@contextmanager
def small_disk(folder: Path, n_bytes: int) -> Iterator[Disk]:
    """A disk of that size."""
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", f"size={n_bytes}", "tmpfs", str(folder)]
    is_mounted = subprocess.run(mount, capture_output=True).returncode == 0
    try:
        yield Disk(folder, is_mounted=is_mounted)
    finally:
        if is_mounted:
            subprocess.run(["umount", "--lazy", str(folder)], check=True)
