"""Why a run ends, and what asks it to end before all its trials are finished."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Literal

from optuna.trial import TrialState

from tuner.studies.queue import status_of

if TYPE_CHECKING:
    import optuna

    from tuner.storage.database import Database

Ending = Literal["done", "timeout", "interrupted", "paused", "stopped", "drained"]
"""Why a run ended: ``drained`` if it was asked to begin no further trial."""

_STATUS_SECONDS = 1.0


class StopRequests:
    """Requests to end a run: signals, its time limit, the study's status in the queue.

    Attributes:
        interrupted: Whether a signal has asked for the end.
        draining: Whether no further trial may begin; the run ends with those under way.
    """

    def __init__(
        self,
        database: Database,
        timeout: float | None,
        at_least: int = 0,
        note: Callable[[str], None] = lambda text: None,
    ) -> None:
        """Prepares; the time begins to run.

        Args:
            database: The open storage.
            timeout: Seconds that the run may take; None for any time.
            at_least: Complete trials of the study before which the time does not end the run.
            note: Called with a line for people when the time is over, and has to wait for them.
        """
        self._database = database
        self._deadline = float("inf") if timeout is None else time.monotonic() + timeout
        self._at_least = at_least
        self._note = note
        self._is_noted = False
        self._status_read_at = 0.0
        self.interrupted = False
        self.draining = False

    def ending(self, study: optuna.Study | None) -> Ending | None:
        """Returns how the run ends now, whatever is under way; None if it continues.

        Args:
            study: The study; None before it is stored.
        """
        if self.interrupted:
            return "interrupted"
        if time.monotonic() > self._deadline and self._has_enough(study):
            return "timeout"
        if study is None:
            return "drained" if self.draining else None
        if time.monotonic() - self._status_read_at > _STATUS_SECONDS:
            self._status_read_at = time.monotonic()
            status = status_of(study, self._database)
            if status in ("paused", "stopped"):
                return status
        return None

    def _has_enough(self, study: optuna.Study | None) -> bool:
        if not self._at_least:
            return True
        complete = self._database.counts(study)[TrialState.COMPLETE] if study is not None else 0
        if complete < self._at_least and not self._is_noted:
            self._is_noted = True
            self._note("the time is over, but no model is ready yet: the first is waited for")
        return complete >= self._at_least
