"""Opens a database: its tables, its file, and the end of a command that uses it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import optuna

from tuner.errors import RequestError, StorageError, WorkError
from tuner.storage.backend import Storage
from tuner.storage.error_mapping import storage_errors
from tuner.storage.retrying import RetryPolicy
from tuner.storage.sql.engine import open_sql
from tuner.storage.taker import Taker
from tuner.storage.url import PROXY, file_of, masked, parse_url, require_file

# Optuna's own log repeats what tuner logs in its own words.
optuna.logging.set_verbosity(optuna.logging.ERROR)


class OpenDatabase:
    """One open database, whatever is asked of it.

    Attributes:
        url: The storage URL, with its password.
        storage: What Optuna's functions take as ``storage``.
        retry: How long calls to a server that does not answer any more are retried.
        begun: Whether trials have been run with it: what fails from then on is work.
    """

    def __init__(
        self,
        url: str,
        *,
        must_exist: bool = False,
        lease: Mapping[str, Any] | None = None,
        wanted: int | None = None,
        at_once: int | None = None,
        retry: RetryPolicy | None = None,
    ) -> None:
        """Opens the database and creates Optuna's tables where they are missing.

        Args:
            url: An Optuna storage URL, e.g. ``sqlite:///tuner.db``, or ``grpc://HOST:PORT`` of
                Optuna's proxy.
            must_exist: Refuse to create a new SQLite file.
            lease: Is written to every trial that is claimed through this object.
            wanted: How many trials of a study may be finished or running; to claim another
                raises :class:`tuner.storage.taker.NoneOpen`.
            at_once: How many trials of a study may be running; likewise.
            retry: See above; by default nothing is retried.

        Raises:
            StorageError: The URL is wrong, or what it names cannot be used.
        """
        parsed = parse_url(url)
        if must_exist:
            require_file(parsed)
        self.url = url
        self.retry = retry or RetryPolicy()
        self.begun = False
        self._lease = lease
        with storage_errors(url):
            self.storage = _open(url, Taker(lease, wanted, at_once), self.retry)
        self._file = file_of(parsed)
        self._identity = self._found()

    def __str__(self) -> str:
        return masked(self.url)

    def require_same_file(self) -> None:
        """Makes sure that a SQLite file is the one that was opened.

        A process that has a deleted file open can read and write it; all of that is lost when the
        process ends.

        Raises:
            StorageError: It is not; the exit status is that of failed work, not of a request.
        """
        now = self._found()
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
        error = StorageError(f"storage {self} {what}")
        error.exit_code = WorkError.exit_code
        raise error

    def _found(self) -> tuple[int, int] | None:
        """Device and inode of a SQLite file; None of a server, a proxy or a missing file."""
        try:
            found = self._file.stat() if self._file else None
        except OSError:
            return None
        return (found.st_dev, found.st_ino) if found else None

    def final(self, error: RequestError) -> RequestError:
        """The error with which a command ends after this one.

        Once trials have been run, it is that of failed work, not of a wrong request.
        """
        try:
            self.require_same_file()
        except StorageError as gone:
            error = gone
        if self.begun:
            error.exit_code = WorkError.exit_code
        return error

    def upgrade(self) -> None:
        """Creates the tables of our own or brings them to their newest form, before a study is run.

        Raises:
            StorageError: They are of a newer version of tuner, or cannot be written.
        """
        with storage_errors(self.url):
            self.storage.prepare(str(self))

    def require_known_tables(self) -> None:
        """Makes sure that the tables of our own, if they are there, are not of a newer tuner.

        Raises:
            StorageError: They are.
        """
        with storage_errors(self.url):
            self.storage.check(str(self))

    def close(self) -> None:
        """Closes the connections; a closed database must not be used again."""
        self.storage.close()


def _open(url: str, taker: Taker, retry: RetryPolicy) -> Storage:
    if parse_url(url).get_backend_name() == PROXY:
        from tuner.storage.proxy.proxied import open_proxied  # imports gRPC

        return open_proxied(url, taker, retry)
    return open_sql(url, taker, retry)
