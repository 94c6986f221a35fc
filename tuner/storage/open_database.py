"""Opens a database: its tables, its file, and the end of a command that uses it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import optuna

from tuner.errors import RequestError, StorageError, WorkError
from tuner.storage.error_mapping import storage_errors
from tuner.storage.identity import OpenedFile
from tuner.storage.opening import open_backend
from tuner.storage.retrying import Patience
from tuner.storage.taking import Taker
from tuner.storage.url import masked, parse_url, require_file

# Optuna's own log repeats what tuner says in its own words.
optuna.logging.set_verbosity(optuna.logging.ERROR)


class OpenDatabase:
    """One open database, whatever is asked of it.

    Attributes:
        url: The storage URL, with its password.
        storage: What Optuna's functions take as ``storage``.
        patience: How long a server that was there and does not answer is tried again.
        begun: Whether trials have been run with it, so that what fails from then on is work.
    """

    def __init__(
        self,
        url: str,
        *,
        must_exist: bool = False,
        lease: Mapping[str, Any] | None = None,
        wanted: int | None = None,
        at_once: int | None = None,
        patience: Patience | None = None,
    ) -> None:
        """Opens the database and creates Optuna's tables where they are missing.

        Args:
            url: An Optuna storage URL, e.g. ``sqlite:///tuner.db``, or ``grpc://HOST:PORT`` of
                Optuna's proxy.
            must_exist: Refuse to create a new SQLite file.
            lease: Stands in every trial that is taken through this object.
            wanted: How many trials of a study may be finished or under way; to take another
                raises :class:`tuner.storage.taking.NoneOpen`.
            at_once: How many trials of a study may be under way; likewise.
            patience: See above; by default a server is not tried again.

        Raises:
            StorageError: The URL is wrong, or what it names cannot be used.
        """
        parsed = parse_url(url)
        if must_exist:
            require_file(parsed)
        self.url = url
        self.patience = patience or Patience()
        self.begun = False
        self._lease = lease
        with storage_errors(url):
            taker = Taker(lease, wanted, at_once)
            self._backend, self.storage = open_backend(url, taker, self.patience)
        self._file = OpenedFile(parsed)

    def __str__(self) -> str:
        return masked(self.url)

    def require_same_file(self) -> None:
        """Makes sure that a SQLite file is the one that was opened: it may have been deleted.

        Raises:
            StorageError: It is not.
        """
        self._file.require_same(str(self))

    def final(self, error: RequestError) -> RequestError:
        """The error with which a command ends that has met this one.

        It is work that has failed, not a wrong request, once there have been trials.
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
            self._backend.prepare(str(self))

    def require_known_tables(self) -> None:
        """Makes sure that the tables of our own, if they are there, are not of a newer tuner.

        Raises:
            StorageError: They are.
        """
        with storage_errors(self.url):
            self._backend.check(str(self))

    def close(self) -> None:
        """Closes the connections; a closed database must not be used again."""
        self._backend.close()
