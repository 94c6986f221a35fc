"""Retries calls while a database server does not answer: it may only be restarting."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

import optuna
import sqlalchemy as sa
from tenacity import RetryCallState, Retrying, retry_if_exception, wait_random_exponential

from tuner.storage.error_mapping import ProxyError, database_error
from tuner.storage.troubles import CROWDED, UNREACHABLE, trouble_of

T = TypeVar("T")

OUTAGE_SECONDS = 300.0
"""How long a run waits for its database: a restart takes seconds, a change of machines minutes."""

CROWDED_SECONDS = 60.0
"""How long any command waits for a free connection, also one that only reads."""

_log = logging.getLogger(__name__)
_FIRST_PAUSE, _LONGEST_PAUSE = 0.2, 5.0
_STEP = 0.1  # seconds between two looks at ``over``


@dataclass
class RetryPolicy:
    """How long the calls to one storage are retried.

    Attributes:
        seconds: From the first failure on; 0 tries once, unless only a connection is missing.
        over: Called while waiting; True gives up at once. None never does.
    """

    seconds: float = 0.0
    over: Callable[[], bool] | None = None
    _calling: bool = False

    def call(self, attempt: Callable[[bool], T]) -> T:
        """Calls until the database answers; for one thread, an inner call belongs to the outer one.

        Args:
            attempt: Gets False the first time. With True, an earlier attempt may have been stored:
                the server may have failed after its commit and before its answer.
        """
        if self._calling:
            return attempt(False)
        self._calling = True
        try:
            return _Outage(self).call(attempt)
        finally:
            self._calling = False

    @property
    def is_over(self) -> bool:
        """Whether to give up."""
        return self.over is not None and self.over()


class _Outage:
    """One call with its retries."""

    def __init__(self, policy: RetryPolicy) -> None:
        self._policy = policy
        self._since: float | None = None
        self._failure: BaseException | None = None
        self._shown = ""

    def call(self, attempt: Callable[[bool], T]) -> T:
        retrying = Retrying(
            retry=retry_if_exception(self._is_worth_it),
            after=self._note,
            # Not all workers at the same moment, when the server answers again.
            wait=wait_random_exponential(multiplier=_FIRST_PAUSE, max=_LONGEST_PAUSE),
            stop=self._is_enough,
            sleep=self._sleep,
            reraise=True,
        )
        for one in retrying:
            if self._failure is not None and self._policy.is_over:
                raise self._failure
            with one:
                answer = attempt(one.retry_state.attempt_number > 1)
        if self._shown:
            _log.warning("the database answers again")
        return answer

    def _seconds(self, error: BaseException) -> float:
        is_crowded = _waiting_for(error) == CROWDED.waiting
        return max(self._policy.seconds, CROWDED_SECONDS if is_crowded else 0.0)

    def _is_worth_it(self, error: BaseException) -> bool:
        return bool(_waiting_for(error)) and self._seconds(error) > 0

    def _note(self, state: RetryCallState) -> None:
        assert state.outcome is not None
        self._failure = state.outcome.exception()
        assert self._failure is not None
        self._since = self._since or time.monotonic()
        waiting = _waiting_for(self._failure)
        if waiting != self._shown:
            _log.warning("%s; it is tried again", waiting)
            self._shown = waiting

    def _is_enough(self, state: RetryCallState) -> bool:
        assert self._failure is not None
        assert self._since is not None
        ends = time.monotonic() + state.upcoming_sleep
        return ends > self._since + self._seconds(self._failure) or self._policy.is_over

    def _sleep(self, seconds: float) -> None:
        """Sleeps; returns early when the policy is over, which no sleep of tenacity's can poll."""
        until = time.monotonic() + seconds
        while (left := until - time.monotonic()) > 0 and not self._policy.is_over:
            time.sleep(min(left, _STEP))


def _waiting_for(exc: BaseException) -> str:
    """What to log while the call is retried; empty if a retry cannot help."""
    if isinstance(exc, ProxyError):
        return UNREACHABLE.waiting if exc.may_pass else ""
    if not isinstance(exc, sa.exc.SQLAlchemyError | optuna.exceptions.StorageInternalError):
        return ""
    trouble = trouble_of(database_error(exc))
    return trouble.waiting if trouble else ""
