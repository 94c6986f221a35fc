"""How the trials of a run end, above all those whose workers are killed or die."""

from __future__ import annotations

import signal

import optuna

from tuner.storage.database import Database
from tuner.studies.recovery import fail_trial, return_abandoned
from tuner.trials.checkpoints import remove_of
from tuner.workers.messages import Job, Started
from tuner.workers.observer import Observer
from tuner.workers.pool import Pool
from tuner.workers.process import WorkerProcess
from tuner.workers.remaining import Remaining
from tuner.workers.setbacks import Setbacks


class Outcomes:
    """Ends workers; stores, counts and shows how their trials end.

    Attributes:
        study: Once it is stored.
        n_ended: Trials that have ended here, however they did.
    """

    def __init__(
        self,
        job: Job,
        database: Database,
        pool: Pool,
        remaining: Remaining,
        observer: Observer,
        setbacks: Setbacks,
    ) -> None:
        self._job = job
        self._database = database
        self._pool = pool
        self._remaining = remaining
        self._observer = observer
        self._setbacks = setbacks
        self._suspected: list[Started] = []
        self.study: optuna.Study | None = None
        self.n_ended = 0

    def finish(
        self,
        number: int,
        state: str,
        values: tuple[float, ...],
        reason: str | None,
        *,
        counts: bool = True,
    ) -> None:
        """Counts and reports a trial that has ended.

        Args:
            number: Of the trial.
            state: ``"complete"``, ``"pruned"`` or ``"fail"``.
            values: One for each objective; none of a failed trial.
            reason: Why it ended early, if it did.
            counts: Whether its end says anything about the study.

        Raises:
            StudyError: Too many failed in a row.
        """
        self.n_ended += 1
        self._observer.trial_finished(number, state, values, reason)
        left = self._remaining
        if counts:
            name = self._job.study_name
            self._setbacks.ended(name, state, reason, left.wanted, left.finished)

    def kill(self, worker: WorkerProcess, trial: Started, reason: str) -> None:
        """Kills a worker whose trial has broken a limit, and replaces it, whatever is stored."""
        assert self.study is not None
        failed = False
        try:
            # Failed first: of a dead process another run would requeue the trial.
            failed = fail_trial(self._database, trial.trial_id, trial.lease, reason)
        finally:
            worker.kill()
        if failed:
            # Not before it is dead: it may be writing another one.
            remove_of(self._database, self.study, trial.number, self._job.checkpoints)
        self.replace(worker)
        if failed:
            self.finish(trial.number, "fail", (), reason)
        else:
            self._observer.trial_lost(trial.number, f"{reason}; it was ended from outside before")

    def kill_lost(self) -> None:
        """Kills workers whose trials were ended from outside, or are run elsewhere by now.

        A worker notices it at its next report, but an epoch may be endless. It is killed when two
        calls in a row find it so: a worker that has just ended its trial has yet to report that.
        """
        here = [worker for worker in self._pool if worker.trial]
        if self.study is None or not here:
            return
        held = {one.trial_id: one.lease for one in self._database.running(self.study)}
        lost: list[Started] = []
        for worker in here:
            trial = worker.trial
            if trial is None or held.get(trial.trial_id) == trial.lease:
                continue
            if any(trial is before for before in self._suspected):
                worker.kill()
                self.replace(worker)
                self._observer.trial_lost(trial.number, "it was ended from outside")
            else:
                lost.append(trial)
        self._suspected = lost

    def replace_dead(self, worker: WorkerProcess) -> None:
        """Replaces a worker that died by itself; its trial is requeued, up to a limit."""
        worker.kill()
        cause = cause_of_death(worker.exitcode)
        if self.study is None or not self.return_abandoned(cause, died=worker.pid):
            self._setbacks.died(cause, worker.last_words, self._pool.size)
        self.replace(worker)

    def return_abandoned(self, cause: str, *, died: int | None = None) -> bool:
        """Requeues what runs in processes that are gone; returns False if there was nothing.

        Args:
            cause: As in :func:`tuner.studies.recovery.return_abandoned`, and ``died``, too.
        """
        assert self.study is not None
        returned = return_abandoned(
            self._database, self.study, cause, checkpoints=self._job.checkpoints, died=died
        )
        for trial in returned:
            if trial.failed:
                self.finish(trial.number, "fail", (), trial.failed)
            else:
                self._observer.trial_returned(trial.number, cause)
        return bool(returned)

    def replace(self, worker: WorkerProcess) -> None:
        """Starts another worker; one that comes before there is a study tries the model."""
        self._pool.replace(worker, check=self.study is None)

    def stop_all(self) -> None:
        """Ends every worker; what still runs is requeued, not counted as an attempt."""
        self._pool.kill()
        if self.study is not None:
            return_abandoned(self._database, self.study)


def cause_of_death(exitcode: int | None) -> str:
    """Returns how a worker process died, in words."""
    if exitcode is not None and exitcode < 0:
        return f"the worker was killed by {signal.Signals(-exitcode).name}"
    return f"the worker ended with status {exitcode}"
