"""How many trials of a study are left to begin, and what there is still to wait for."""

from __future__ import annotations

import time
from collections.abc import Callable

import optuna
from optuna.trial import TrialState

from tuner import search
from tuner.storage.database import Database
from tuner.storage.error_mapping import storage_errors
from tuner.studies.queue import n_finished
from tuner.units import count
from tuner.workers.messages import Job

_WAIT_SECONDS = 1.0


class Remaining:
    """The trials wanted of a study, less those that are finished or under way.

    Trials under way elsewhere count too: several runs may share a study. Two of them may find the
    same trial open; the worker that comes second finds that nothing is.

    Attributes:
        open: Trials that may begin.
        finished: Trials that count towards what is wanted.
        wanted: Finished trials wanted in total.
        waits_for: Trials of others whose end is waited for.
    """

    def __init__(self, job: Job, database: Database) -> None:
        self._job = job
        self._database = database
        self._counted_at = 0.0
        self._left = search.left_counter(job.spec)  # None unless it may run out
        self.wanted = job.n_trials
        self.open = 0
        self.finished = 0
        self.waits_for = 0

    @property
    def age(self) -> float:
        """Seconds since the last count."""
        return time.monotonic() - self._counted_at

    @property
    def is_waiting(self) -> bool:
        """Whether the trials of others are waited for, and were looked at a moment ago."""
        return self.waits_for > 0 and self.age < _WAIT_SECONDS

    def recount(self, study: optuna.Study, asked: int) -> None:
        """Counts anew.

        Args:
            study: The study as it is stored.
            asked: Workers here that were asked for a trial and have not begun one yet.

        Raises:
            UnknownNameError: The study has been deleted.
        """
        counts = self._database.counts(study)
        if not any(counts.values()):
            self._database.study(self._job.study_name)
        under_way = counts[TrialState.RUNNING] + asked
        self.finished = n_finished(counts)
        self.open = self.wanted - self.finished - under_way
        if self._job.at_once is not None:
            self.open = min(self.open, self._job.at_once - under_way)
        with storage_errors(self._database.url):
            left = search.count_left(self._left, study)
        if left:
            self.open = min(self.open, left.may_begin - asked)
        if self.open > 0:
            self.waits_for = 0
        self._counted_at = time.monotonic()

    def others_run(self, study: optuna.Study, note: Callable[[str], None]) -> bool:
        """Whether others run what is wanted; those that tuner does not run are never waited for.

        Args:
            study: The study, just counted.
            note: Called once with a line, when waiting begins.
        """
        if self.finished >= self.wanted:
            return False
        others = sum(trial.lease is not None for trial in self._database.running(study))
        if others and not self.waits_for:
            note(f"waiting for {count(others, 'trial')} under way elsewhere")
        self.waits_for = others
        return others > 0
