"""Keeps the workers of one run going: sends them for trials, watches, kills, replaces them.

The supervisor imports no learner's runtime and never calls ``ask`` or ``tell``: workers do.
Whatever goes wrong with a worker has one consequence: it is killed, its trial is requeued or
failed with the cause, and another is started (see ``outcomes.py``). Ctrl-C and the end of the time
allowed are no different.
"""

from __future__ import annotations

import signal
import time
from collections.abc import Callable
from multiprocessing.connection import wait
from typing import Any

import optuna

from tuner.errors import StorageError
from tuner.learners.registry import doing
from tuner.storage.database import Database
from tuner.studies.provenance import require_same_data
from tuner.studies.recovery import GONE
from tuner.workers.ending import Ending, StopRequests
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
from tuner.workers.outcomes import Outcomes
from tuner.workers.pool import Pool
from tuner.workers.process import WorkerProcess
from tuner.workers.remaining import Remaining
from tuner.workers.setbacks import Setbacks

_TICK_SECONDS = 0.2
_RECOUNT_SECONDS = 2.0
_HEARTBEAT_SECONDS = 15.0


class Supervisor:
    """Runs one study to its wanted number of trials with ``n_workers`` processes.

    Attributes:
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
            observer: Is called for everything that happens.
            prepare: Called once, with the description of the data, when all workers have loaded
                the same: creates or resumes the study.
            setbacks: What has gone wrong in earlier runs of the study, to be counted on.
            waits: Whether the run lasts until the last trials have ended that others run: they may
                come back to the queue.
        """
        self._job = job
        self._database = database
        self.pool = Pool(job, n_workers)
        self._observer = observer
        self._prepare = prepare
        timeout = job.spec.budget.timeout
        self._stops = StopRequests(database, timeout, job.at_least, observer.note)
        self._limits = Limits(job.spec.budget.trial)
        self._waits = waits
        self._remaining = Remaining(job, database)
        self._outcomes = Outcomes(
            *(job, database, self.pool, self._remaining, observer, setbacks or Setbacks())
        )
        self._heartbeats_at = 0.0
        self._starting = False

    @property
    def _study(self) -> optuna.Study | None:
        return self._outcomes.study

    @property
    def n_ended(self) -> int:
        """Trials that have ended here, however they did."""
        return self._outcomes.n_ended

    def run(self) -> Ending:
        """Runs until enough trials are finished, the time is over, or Ctrl-C.

        Raises:
            TunerError: A worker refused the study, or the study cannot be continued.
        """
        with interrupts(self._on_signal):
            self._database.retry.over = lambda: self._stops.interrupted
            try:
                spec = self._job.spec
                self._observer.note(doing("starting workers", spec.model, spec.base))
                self.start()
                while not (ending := self.step()):
                    wait(self.pool.readable, _TICK_SECONDS)
                return ending
            except StorageError:
                self._database.retry.over = lambda: True  # it was waited for long enough
                raise
            finally:
                self.close()

    def start(self) -> None:
        """Starts the workers; Ctrl-C does not wait until the first one has loaded its runtime."""
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
        self._receive()
        self._enforce_limits()
        self._dispatch()
        self._write_heartbeats()
        self._observer.tick()
        return None

    def close(self) -> None:
        """Ends the workers; trials that still run go back to the queue."""
        try:
            self._outcomes.stop_all()
        finally:
            self._observer.close()

    def drain(self) -> None:
        """Begins no further trial; the run ends with those that are under way."""
        self._stops.draining = True

    def _ending(self) -> Ending | None:
        if ending := self._stops.ending(self._study):
            return ending
        if self._study is None or self.pool.is_busy:
            return None
        if self._stops.draining:
            return "drained"
        if self._remaining.is_waiting:
            return None
        self._recount()
        # What another run left behind while this one ran is under way no longer.
        if self._remaining.open > 0 or self._outcomes.return_abandoned(GONE):
            return None
        if self._waits and self._remaining.others_run(self._study, self._observer.note):
            return None
        return "done"

    def _receive(self) -> None:
        for worker in self.pool:
            for line in worker.printed():
                self._observer.note(line)
            try:
                for message in worker.receive():
                    self._handle(worker, message)
            except EOFError:
                self._outcomes.replace_dead(worker)

    def _handle(self, worker: WorkerProcess, message: FromWorker) -> None:
        match message:
            case Ready():
                if self._study is None:
                    self._begin()
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
                self._observer.trial_lost(number, "it was ended from outside, or taken over")
            case Finished(number=number, state=state, values=values, reason=reason):
                self._recount()
                if message.violation:
                    self._observer.trial_violates(number, message.violation)
                counts = not message.was_refused
                self._outcomes.finish(number, state, values, reason, counts=counts)

    def _begin(self) -> None:
        """Stores the study, once all workers have the same data and one has tried the model."""
        loaded = [worker.data for worker in self.pool if worker.data]
        if len(loaded) == self.pool.size:
            require_same_data(loaded)
            tried = next(data for data in loaded if "baseline" in data)  # by the one that checks
            self._outcomes.study = self._prepare(tried)
            self._recount()

    def _dispatch(self) -> None:
        if self._study is None or self._stops.draining:
            return
        if self._remaining.age > _RECOUNT_SECONDS:
            self._recount()
        for worker in self.pool:
            if self._remaining.open > 0 and worker.data and not worker.asked:
                if worker.is_worn_out:
                    worker.retire()
                    self._outcomes.replace(worker)
                else:
                    worker.run_trial()
                    self._remaining.open -= 1

    def _write_heartbeats(self) -> None:
        """Writes heartbeats, by which other machines see that the trials here are run."""
        if time.monotonic() - self._heartbeats_at > _HEARTBEAT_SECONDS:
            self._database.beat([worker.trial.trial_id for worker in self.pool if worker.trial])
            self._outcomes.kill_lost()
            self._heartbeats_at = time.monotonic()

    def _recount(self) -> None:
        assert self._study is not None
        self._remaining.recount(self._study, self.pool.n_beginning)
        self._observer.counted(self._remaining.finished)

    def _enforce_limits(self) -> None:
        self._limits.look()
        for worker in self.pool:
            reason = self._limits.broken(worker)
            if reason and worker.trial:
                self._outcomes.kill(worker, worker.trial, reason)

    def _on_signal(self, _number: signal.Signals) -> None:
        """Ctrl-C only asks the run to end, once its workers start."""
        self._stops.interrupted = True
        if self._starting:
            self._starting = False
            raise KeyboardInterrupt
