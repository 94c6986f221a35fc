"""Whether a SQLite file is still the one that was opened.

A process that has a deleted file open reads and writes it as if nothing had happened, and all of it
is lost when the process ends.
"""

from __future__ import annotations

import sqlalchemy as sa

from tuner.errors import StorageError, WorkError
from tuner.storage.url import file_of


class OpenedFile:
    """The SQLite file of a database, by device and inode; nothing of a server or a proxy."""

    def __init__(self, url: sa.URL) -> None:
        """Takes the file as it is now, when the database has just been opened."""
        self._file = file_of(url)
        self._identity = self._now()

    def require_same(self, shown: str) -> None:
        """Makes sure that it is still this file; ``shown`` is the database, as errors name it.

        Raises:
            StorageError: It is not; no request was wrong, so the exit status is that of work.
        """
        now = self._now()
        if now == self._identity:
            return
        if now is None:
            what = (
                "was deleted or moved while it was in use, and its trials with it: put it or a "
                "copy of it back; without one they are lost, and the same command begins again"
            )
        else:
            what = (
                "was replaced by another file while it was in use: what was stored since is lost, "
                "and the same command goes on with what the new file holds"
            )
        error = StorageError(f"storage {shown} {what}")
        error.exit_code = WorkError.exit_code
        raise error

    def _now(self) -> tuple[int, int] | None:
        try:
            found = self._file.stat() if self._file else None
        except OSError:
            return None
        return (found.st_dev, found.st_ino) if found else None
