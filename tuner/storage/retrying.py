"""Retries calls while a database server does not answer: it may only be restarting."""

from __future__ import annotations

import functools
import logging
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Concatenate, ParamSpec, Protocol, TypeVar

import optuna
import sqlalchemy as sa
from tenacity import RetryCallState, Retrying, retry_if_exception, wait_random_exponential

from tuner.storage.error_mapping import ProxyError, database_error
from tuner.storage.troubles import CROWDED, UNREACHABLE, trouble_of

P = ParamSpec("P")
S = TypeVar("S", bound="Retried")
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
        seconds: From the first attempt on; 0 tries once, unless only a connection is missing.
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
        shown = ""
        failure: BaseException | None = None

        def log(state: RetryCallState) -> None:
            nonlocal shown, failure
            failure = _failure(state)
            if (waiting := _waiting_for(failure)) != shown:
                _log.warning("%s; it is tried again", waiting)
                shown = waiting

        self._calling = True
        try:
            for one in Retrying(
                retry=retry_if_exception(lambda error: bool(_waiting_for(error))),
                stop=self._is_enough,
                # Not all workers at the same moment, when the server answers again.
                wait=wait_random_exponential(multiplier=_FIRST_PAUSE, max=_LONGEST_PAUSE),
                before_sleep=log,
                sleep=self._sleep,
                reraise=True,
            ):
                if failure and self._is_over():  # another attempt may take long to fail
                    raise failure
                with one:
                    answer = attempt(one.retry_state.attempt_number > 1)
        finally:
            self._calling = False
        if shown:
            _log.warning("the database answers again")
        return answer

    def _is_enough(self, state: RetryCallState) -> bool:
        is_crowded = _waiting_for(_failure(state)) == CROWDED.waiting
        seconds = max(self.seconds, CROWDED_SECONDS if is_crowded else 0.0)
        ends = (state.seconds_since_start or 0.0) + state.upcoming_sleep
        return ends > seconds or self._is_over()

    def _is_over(self) -> bool:
        return self.over is not None and self.over()

    def _sleep(self, seconds: float) -> None:
        """Sleeps until the policy is over, which no sleep of tenacity's can poll."""
        until = time.monotonic() + seconds
        while (left := until - time.monotonic()) > 0 and not self._is_over():
            time.sleep(min(left, _STEP))


class Retried(Protocol):
    """An object with a policy of its own."""

    retry: RetryPolicy


def retried(method: Callable[Concatenate[S, P], T]) -> Callable[Concatenate[S, P], T]:
    """Retries a method by its object's policy; a second call must change nothing more."""

    @functools.wraps(method)
    def call(self: S, /, *args: P.args, **options: P.kwargs) -> T:
        return self.retry.call(lambda _again: method(self, *args, **options))

    return call


def _failure(state: RetryCallState) -> BaseException | None:
    return state.outcome.exception() if state.outcome else None


def _waiting_for(exc: BaseException | None) -> str:
    """What to log while the call is retried; empty if a retry cannot help."""
    if isinstance(exc, ProxyError):
        return UNREACHABLE.waiting if exc.may_pass else ""
    if not isinstance(exc, sa.exc.SQLAlchemyError | optuna.exceptions.StorageInternalError):
        return ""
    trouble = trouble_of(database_error(exc))
    return trouble.waiting if trouble else ""
