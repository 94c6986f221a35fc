"""Tries again while a database server does not answer: it may only be starting again."""

from __future__ import annotations

import logging
import random
import sqlite3
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TypeVar

import optuna
import sqlalchemy as sa

from tuner.storage.errors import ProxyError

T = TypeVar("T")

PATIENT_SECONDS = 300.0
"""How long a run waits for its database: a restart takes seconds, a change of machines minutes."""

_log = logging.getLogger(__name__)
_FIRST_PAUSE, _LONGEST_PAUSE = 0.1, 5.0
_STEP = 0.1  # how soon ``over`` is obeyed


@dataclass
class Patience:
    """How long one storage is tried again.

    Attributes:
        seconds: From the first failure on; 0 tries once.
        over: Asked while waiting; True gives up at once.
    """

    seconds: float = 0.0
    over: Callable[[], bool] = field(default=lambda: False)
    _trying: bool = False

    def call(self, attempt: Callable[[bool], T]) -> T:
        """Calls until the database answers; for one thread, calls within calls belong to the first.

        Args:
            attempt: Gets False the first time. With True it must stand that an earlier attempt has
                been stored: the server may have gone after it and before it could say so.
        """
        if self._trying or not self.seconds:
            return attempt(False)
        self._trying = True
        try:
            return self._call(attempt)
        finally:
            self._trying = False

    def _call(self, attempt: Callable[[bool], T]) -> T:
        deadline, pause = None, _FIRST_PAUSE
        while True:
            try:
                answer = attempt(deadline is not None)
            except (sa.exc.SQLAlchemyError, optuna.exceptions.StorageInternalError) as exc:
                if not _may_pass(exc):
                    raise
                if deadline is None:
                    deadline = time.monotonic() + self.seconds
                    _log.warning("the database does not answer; it is tried again")
                if time.monotonic() + pause > deadline or not self._waited(pause):
                    raise
                # Not all workers at the same moment, when the server is there again.
                pause = min(pause * random.uniform(1.5, 2.5), _LONGEST_PAUSE)
            else:
                if deadline is not None:
                    _log.warning("the database answers again")
                return answer

    def _waited(self, seconds: float) -> bool:
        until = time.monotonic() + seconds
        while (left := until - time.monotonic()) > 0:
            if self.over():
                return False
            time.sleep(min(left, _STEP))
        return True


def _may_pass(exc: BaseException) -> bool:
    """Whether the server is away, full or in a deadlock, rather than asked for what it has not."""
    if isinstance(exc, ProxyError):
        return exc.may_pass
    error = exc if isinstance(exc, sa.exc.SQLAlchemyError) else exc.__cause__
    if not isinstance(error, sa.exc.DBAPIError) or isinstance(error.orig, sqlite3.Error):
        return False
    return error.connection_invalidated or isinstance(
        error, (sa.exc.OperationalError, sa.exc.InterfaceError)
    )
