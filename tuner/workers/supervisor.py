"""Keeps the workers of one run going: sends them for trials, watches, kills, replaces them.

The supervisor never imports TensorFlow and never asks or tells: workers do. Whatever befalls
a worker has one consequence: it is killed, its trial is put back in the queue or failed with
the cause, and another is started. Ctrl-C and the end of the time allowed are no different.
"""

from __future__ import annotations

import signal
import time
from collections.abc import Callable
from multiprocessing.connection import wait
from typing import Any, Literal

import optuna

from tuner.checkpoints import remove_of
from tuner.queue import standing_of
from tuner.runner import fail_trial, return_abandoned
from tuner.storage.database import Database
from tuner.workers.interrupts import interrupts
from tuner.workers.limits import Limits
from tuner.workers.messages import (
    EpochDone,
    Finished,
    FromWorker,
    Job,
    Lost,
    NothingOpen,
    Ready,
    Refused,
    Started,
)
from tuner.workers.observer import Observer
from tuner.workers.pool import Pool
from tuner.workers.process import WorkerProcess
from tuner.workers.remaining import Remaining
from tuner.workers.setbacks import Setbacks

Ending = Literal["done", "timeout", "interrupted", "paused", "stopped", "drained"]
"""Why a run ended: ``drained`` if it was asked to begin no further trial."""

_TICK_SECONDS = 0.2
_RECOUNT_SECONDS = 2.0
_STANDING_SECONDS = 1.0
_BEAT_SECONDS = 15.0
# Users' networks may leak; a fresh worker costs a tenth of a second, and the graphs it had kept.
_TRIALS_A_PROCESS = 500
_GROWTH_A_PROCESS = 768 * 2**20


class Supervisor:
    """Runs one study to its wanted number of trials with ``n_workers`` processes.

    Attributes:
        n_ended: Trials that have ended here, however they did.
        pool: The worker processes.
    """

    def __init__(
        self,
        job: Job,
        database: Database,
        n_workers: int,
        observer: Observer,
        prepare: Callable[[dict[str, Any]], optuna.Study],
        *,
        setbacks: Setbacks | None = None,
        waits: bool = True,
    ) -> None:
        """Prepares a run; nothing is started yet.

        Args:
            job: What each worker is given; its spec's budget limits run and trials.
            database: The open storage.
            n_workers: Number of processes.
            observer: Told of everything that happens.
            prepare: Called once, with the description of the data, when the first worker has
                loaded them: creates or resumes the study.
            setbacks: What has gone wrong in earlier runs of the study, to be counted on.
            waits: Whether the run lasts until the last trials have ended that others run: they may
                come back to the queue.
        """
        self._job = job
        self._database = database
        self.pool = Pool(job, n_workers)
        self._observer = observer
        self._prepare = prepare
        budget = job.spec.budget
        self._deadline = time.monotonic() + budget.timeout if budget.timeout else None
        self._limits = Limits(budget.trial)
        self._setbacks = setbacks or Setbacks()
        self._waits = waits
        self._study: optuna.Study | None = None
        self._remaining = Remaining(job, database)
        self._beaten_at = 0.0
        self.n_ended = 0
        self._standing_at = 0.0
        self._interrupted = False
        self._starting = False
        self._draining = False

    def run(self) -> Ending:
        """Runs until enough trials are finished, the time is over, or Ctrl-C.

        Raises:
            TunerError: A worker refused the study, or the study cannot go on.
        """
        with interrupts(self._heard):
            self._database.patience.over = lambda: self._interrupted
            try:
                self._observer.note("starting workers; TensorFlow takes some seconds to load")
                self.start()
                while not (ending := self.step()):
                    wait(self.pool.readable, _TICK_SECONDS)
                return ending
            finally:
                self.close()

    def start(self) -> None:
        """Starts the workers; Ctrl-C does not wait until the first one has loaded TensorFlow."""
        self._starting = True
        try:
            self.pool.start()
            self._starting = False
        except KeyboardInterrupt:
            pass  # noted by the handler of the signal

    def step(self) -> Ending | None:
        """Does what there is to do now, without waiting; returns why the run ends, if it does.

        Raises:
            TunerError: As in :meth:`run`.
        """
        if ending := self._ending():
            return ending
        self._listen()
        self._enforce_limits()
        self._dispatch()
        self._beat()
        self._observer.tick()
        return None

    def close(self) -> None:
        """Ends the workers; trials that still run go back to the queue."""
        try:
            self._stop_all()
        finally:
            self._observer.close()

    def drain(self) -> None:
        """Begins no further trial; the run ends with those that are under way."""
        self._draining = True

    def _ending(self) -> Ending | None:
        if self._interrupted:
            return "interrupted"
        if self._deadline is not None and time.monotonic() > self._deadline:
            return "timeout"
        if self._study is None:
            return "drained" if self._draining else None
        if time.monotonic() - self._standing_at > _STANDING_SECONDS:
            self._standing_at = time.monotonic()
            standing = standing_of(self._study, self._database)
            if standing in ("paused", "stopped"):
                return standing
        if self.pool.is_busy:
            return None
        if self._draining:
            return "drained"
        if self._remaining.is_waiting:
            return None
        self._recount()
        # What another run left behind while this one ran is under way no longer.
        if self._remaining.open > 0 or self._return_abandoned(self._study, "its process is gone"):
            return None
        if self._waits and self._remaining.others_run(self._study, self._observer.note):
            return None
        return "done"

    def _listen(self) -> None:
        for worker in self.pool:
            for line in worker.printed():
                self._observer.note(line)
            try:
                for message in worker.receive():
                    self._hear(worker, message)
            except EOFError:
                self._bury(worker)

    def _hear(self, worker: WorkerProcess, message: FromWorker) -> None:
        match message:
            case Ready(data=data):
                # Others may be ready first; nothing is stored before the model has been tried.
                if self._study is None and worker.checks:
                    self._study = self._prepare(data)
                    self._recount()
            case Refused(error=error):
                raise error
            case NothingOpen():
                self._recount()
            case Started(number=number, epochs=epochs):
                self._observer.trial_started(number, epochs)
            case EpochDone(epoch=epoch, value=value):
                if worker.trial:
                    self._observer.epoch_done(worker.trial.number, epoch, value)
            case Lost(number=number):
                self._recount()
                self._observer.trial_returned(number, "somebody else has taken it over")
            case Finished(number=number, state=state, value=value, reason=reason):
                self._recount()
                self._finish(number, state, value, reason, counts=not message.was_refused)

    def _dispatch(self) -> None:
        if self._study is None or self._draining:
            return
        if self._remaining.age > _RECOUNT_SECONDS:
            self._recount()
        for worker in self.pool:
            if self._remaining.open > 0 and worker.ready and not worker.asked:
                if worker.trials_done >= _TRIALS_A_PROCESS or worker.grown > _GROWTH_A_PROCESS:
                    worker.retire()
                    self._replace(worker)
                else:
                    worker.run_trial()
                    self._remaining.open -= 1

    def _beat(self) -> None:
        """Tells other machines that the trials here are run, however long their epochs take."""
        if time.monotonic() - self._beaten_at > _BEAT_SECONDS:
            self._database.beat([worker.trial.trial_id for worker in self.pool if worker.trial])
            self._beaten_at = time.monotonic()

    def _recount(self) -> None:
        assert self._study is not None
        self._remaining.recount(self._study, self.pool.n_beginning)
        self._observer.counted(self._remaining.finished)

    def _enforce_limits(self) -> None:
        self._limits.look()
        for worker in self.pool:
            reason = self._limits.broken(worker)
            if reason and worker.trial:
                self._kill_for(worker, worker.trial, reason)

    def _kill_for(self, worker: WorkerProcess, trial: Started, reason: str) -> None:
        assert self._study is not None
        # Failed first: of a dead process another run would put the trial back in the queue.
        if fail_trial(self._database, trial.trial_id, trial.lease, reason):
            worker.kill()
            # Not before it is dead: it may be writing another one.
            remove_of(self._database, self._study, trial.number, self._job.checkpoints)
            self._replace(worker)
            self._finish(trial.number, "fail", None, reason)

    def _bury(self, worker: WorkerProcess) -> None:
        """A worker died by itself: its trial is retried, unless it has killed too many."""
        worker.kill()
        cause = _cause_of_death(worker.exitcode)
        if self._study is None or not self._return_abandoned(self._study, cause):
            self._setbacks.died(cause, worker.last_words, self.pool.size)
        self._replace(worker)

    def _return_abandoned(self, study: optuna.Study, cause: str) -> bool:
        """Puts back what runs in processes that are gone; False if there was nothing."""
        place = self._job.checkpoints
        returned = return_abandoned(self._database, study, cause, checkpoints=place)
        for trial in returned:
            if trial.failed:
                self._finish(trial.number, "fail", None, trial.failed)
            else:
                self._observer.trial_returned(trial.number, cause)
        return bool(returned)

    def _finish(
        self,
        number: int,
        state: str,
        value: float | None,
        reason: str | None,
        *,
        counts: bool = True,
    ) -> None:
        """Takes in a trial that ended; ``counts`` unless its end says nothing about the study."""
        self.n_ended += 1
        self._observer.trial_finished(number, state, value, reason)
        left = self._remaining
        if counts:
            name = self._job.study_name
            self._setbacks.ended(name, state, reason, left.wanted, left.finished)

    def _replace(self, worker: WorkerProcess) -> None:
        # Whoever comes first must try the user's model.
        self.pool.replace(worker, check=self._study is None)

    def _stop_all(self) -> None:
        """Ends every worker; what still runs goes back to the queue, not counted against it."""
        self.pool.kill()
        if self._study is not None:
            return_abandoned(self._database, self._study)

    def _heard(self, _number: signal.Signals) -> None:
        """Ctrl-C only asks the run to end, once its workers start."""
        self._interrupted = True
        if self._starting:
            self._starting = False
            raise KeyboardInterrupt


def _cause_of_death(exitcode: int | None) -> str:
    if exitcode is not None and exitcode < 0:
        return f"the worker was killed by {signal.Signals(-exitcode).name}"
    return f"the worker ended with status {exitcode}"
