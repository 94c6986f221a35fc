"""Counts failures in a row: a run tolerates some of them, too many end it."""

from __future__ import annotations

import shlex
from collections.abc import Sequence

from tuner.errors import StudyError, WorkerError

_DEATHS_ALLOWED = 3
_FAILURES_ALLOWED = 10


class Setbacks:
    """Workers that died and trials that failed, one after another."""

    def __init__(self) -> None:
        self._deaths = 0
        self._failures = 0

    def ended(self, study: str, state: str, reason: str | None, wanted: int, finished: int) -> None:
        """Counts a trial that ended.

        Args:
            study: Its study.
            state: ``"complete"``, ``"pruned"`` or ``"fail"``.
            reason: Why it failed, if it did.
            wanted: Trials that the run wants.
            finished: Trials of the study that are finished.

        Raises:
            StudyError: Too many failed in a row.
        """
        self._deaths = 0
        self._failures = self._failures + 1 if state == "fail" else 0
        # A study with finished trials has shown that it can work, and may fail more often.
        allowed = max(_FAILURES_ALLOWED, wanted) if finished else _FAILURES_ALLOWED
        if self._failures >= allowed:
            which = "the last" if finished else "the first"
            raise StudyError(
                f"{which} {self._failures} trials failed, the last one with: {reason}. "
                f"See them with: tuner trials {shlex.quote(study)}"
            )

    def died(self, cause: str, last_words: Sequence[str], n_workers: int) -> None:
        """Counts a worker that died before it ran a trial.

        Raises:
            WorkerError: Too many did.
        """
        self._deaths += 1
        if self._deaths >= _DEATHS_ALLOWED * n_workers:
            raise WorkerError(
                f"the workers die before they can run a trial ({cause}); what they printed last: "
                f"{' / '.join(last_words) or 'nothing'}"
            )
