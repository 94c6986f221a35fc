"""Tries again while a database server does not answer: it may only be starting again."""

from __future__ import annotations

import logging
import random
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TypeVar

import optuna
import sqlalchemy as sa

from tuner.storage.error_mapping import ProxyError, database_error
from tuner.storage.troubles import CROWDED, UNREACHABLE, trouble_of

T = TypeVar("T")

PATIENT_SECONDS = 300.0
"""How long a run waits for its database: a restart takes seconds, a change of machines minutes."""

CROWDED_SECONDS = 60.0
"""How long a free connection is waited for, also by commands that only read."""

_log = logging.getLogger(__name__)
_FIRST_PAUSE, _LONGEST_PAUSE = 0.1, 5.0
_STEP = 0.1  # how soon ``over`` is obeyed


@dataclass
class Patience:
    """How long one storage is tried again.

    Attributes:
        seconds: From the first failure on; 0 tries once, unless only a connection is missing.
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
        if self._trying:
            return attempt(False)
        self._trying = True
        try:
            return self._call(attempt)
        finally:
            self._trying = False

    def _call(self, attempt: Callable[[bool], T]) -> T:
        since, pause, said = None, _FIRST_PAUSE, ""
        while True:
            try:
                answer = attempt(since is not None)
            except (sa.exc.SQLAlchemyError, optuna.exceptions.StorageInternalError) as exc:
                waiting = _waiting_for(exc)
                seconds = max(self.seconds, CROWDED_SECONDS if waiting == CROWDED.waiting else 0)
                if not waiting or not seconds:
                    raise
                since = since or time.monotonic()
                if waiting != said:
                    _log.warning("%s; it is tried again", waiting)
                    said = waiting
                if time.monotonic() + pause > since + seconds or not self._waited(pause):
                    raise
                # Not all workers at the same moment, when the server is there again.
                pause = min(pause * random.uniform(1.5, 2.5), _LONGEST_PAUSE)
            else:
                if said:
                    _log.warning("the database answers again")
                return answer

    def _waited(self, seconds: float) -> bool:
        until = time.monotonic() + seconds
        while (left := until - time.monotonic()) > 0:
            if self.over():
                return False
            time.sleep(min(left, _STEP))
        return True


def _waiting_for(exc: BaseException) -> str:
    """What to say while the database is tried again; empty if that cannot help."""
    if isinstance(exc, ProxyError):
        return UNREACHABLE.waiting if exc.may_pass else ""
    trouble = trouble_of(database_error(exc))
    return trouble.waiting if trouble else ""
