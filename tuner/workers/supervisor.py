"""Keeps the workers of one run going: sends them for trials, watches, kills, replaces them.

The supervisor never imports TensorFlow and never asks or tells: workers do. Whatever befalls
a worker has one consequence: it is killed, its trial is put back in the queue or failed with
the cause, and another is started. Ctrl-C and the end of the time allowed are no different.
"""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from multiprocessing.connection import wait
from typing import Any, Literal

import optuna
from optuna.trial import TrialState

from tuner.checkpoints import remove_of
from tuner.errors import StudyError
from tuner.runner import FINISHED, fail_trial, return_abandoned
from tuner.storage.database import Database
from tuner.units import duration, format_bytes
from tuner.workers.messages import (
    EpochDone,
    Finished,
    FromWorker,
    Job,
    NothingOpen,
    Ready,
    Refused,
    Started,
)
from tuner.workers.observer import Observer
from tuner.workers.process import WorkerProcess

Ending = Literal["done", "timeout", "interrupted"]
"""Why a run ended."""

_TICK_SECONDS = 0.2
_MEMORY_CHECK_SECONDS = 0.5
_RECOUNT_SECONDS = 2.0
_BEAT_SECONDS = 15.0
# Users' networks may leak; a fresh worker costs a tenth of a second, and the graphs it had kept.
_TRIALS_A_PROCESS = 500
_GROWTH_A_PROCESS = 768 * 2**20
_DEATHS_ALLOWED = 3
_FAILURES_ALLOWED = 10


class Supervisor:
    """Runs one study to its wanted number of trials with ``n_workers`` processes."""

    def __init__(
        self,
        job: Job,
        database: Database,
        n_workers: int,
        observer: Observer,
        prepare: Callable[[dict[str, Any]], optuna.Study],
    ) -> None:
        """Prepares a run; nothing is started yet.

        Args:
            job: What each worker is given; its spec's budget limits run and trials.
            database: The open storage.
            n_workers: Number of processes.
            observer: Told of everything that happens.
            prepare: Called once, with the description of the data, when the first worker has
                loaded them: creates or resumes the study.
        """
        self._job = job
        self._database = database
        self._n_workers = n_workers
        self._observer = observer
        self._prepare = prepare
        budget = job.spec.budget
        self._deadline = time.monotonic() + budget.timeout if budget.timeout else None
        self._limits = budget.trial
        self._workers: list[WorkerProcess] = []
        self._study: optuna.Study | None = None
        self._n_trials = job.n_trials
        self._open = 0
        self._counted_at = 0.0
        self._memory_checked_at = 0.0
        self._beaten_at = 0.0
        self._deaths_in_a_row = 0
        self._failures = 0
        self._n_finished = 0
        self._interrupted = False
        self._starting = False

    def run(self) -> Ending:
        """Runs until enough trials are finished, the time is over, or Ctrl-C.

        Raises:
            TunerError: A worker refused the study, or the study cannot go on.
        """
        with self._interrupts():
            self._database.patience.over = lambda: self._interrupted
            try:
                self._observer.note("starting workers; TensorFlow takes some seconds to load")
                self._start_all()
                while not (ending := self._ending()):
                    self._listen()
                    self._enforce_limits()
                    self._dispatch()
                    self._beat()
                    self._observer.tick()
                return ending
            finally:
                try:
                    self._stop_all()
                finally:
                    self._observer.close()

    def _start_all(self) -> None:
        """Starts the workers; Ctrl-C does not wait until the first one has loaded TensorFlow."""
        self._starting = True
        try:
            for i in range(self._n_workers):
                self._workers.append(self._start(check=i == 0))
            self._starting = False
        except KeyboardInterrupt:
            pass  # noted by the handler of the signal

    def _ending(self) -> Ending | None:
        if self._interrupted:
            return "interrupted"
        if self._deadline is not None and time.monotonic() > self._deadline:
            return "timeout"
        if self._study and not any(worker.asked for worker in self._workers):
            self._recount()
            # What another run left behind while this one ran is under way no longer.
            if self._open <= 0 and not self._return_abandoned(self._study, "its process is gone"):
                return "done"
        return None

    def _start(self, *, check: bool = False) -> WorkerProcess:
        return WorkerProcess(replace(self._job, check=check))

    def _listen(self) -> None:
        wait([end for worker in self._workers for end in worker.readable], _TICK_SECONDS)
        for worker in list(self._workers):
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
            case Finished(number=number, state=state, value=value, reason=reason):
                self._deaths_in_a_row = 0
                self._recount()
                self._finish(number, state, value, reason)

    def _dispatch(self) -> None:
        if self._study is None:
            return
        if time.monotonic() - self._counted_at > _RECOUNT_SECONDS:
            self._recount()
        for worker in list(self._workers):
            if self._open > 0 and worker.ready and not worker.asked:
                if worker.trials_done >= _TRIALS_A_PROCESS or worker.grown > _GROWTH_A_PROCESS:
                    worker.retire()
                    self._replace(worker)
                else:
                    worker.run_trial()
                    self._open -= 1

    def _beat(self) -> None:
        """Tells other machines that the trials here are run, however long their epochs take."""
        if time.monotonic() - self._beaten_at > _BEAT_SECONDS:
            self._database.beat([worker.trial.trial_id for worker in self._workers if worker.trial])
            self._beaten_at = time.monotonic()

    def _recount(self) -> None:
        """How many more trials may begin: what is wanted, less what is finished or under way.

        Trials under way elsewhere count too: several runs may share a study. Two of them may
        find the same trial open; the worker that comes second finds that nothing is.
        """
        assert self._study is not None
        counts = self._database.counts(self._study)
        under_way = counts[TrialState.RUNNING]
        under_way += sum(worker.asked and worker.trial is None for worker in self._workers)
        self._n_finished = sum(counts[state] for state in FINISHED)
        self._open = self._n_trials - self._n_finished - under_way
        self._counted_at = time.monotonic()
        self._observer.counted(self._n_finished)

    def _enforce_limits(self) -> None:
        self._check_memory = time.monotonic() - self._memory_checked_at > _MEMORY_CHECK_SECONDS
        if self._check_memory:
            self._memory_checked_at = time.monotonic()
        for worker in list(self._workers):
            reason = self._broken_limit(worker)
            if reason and worker.trial:
                self._kill_for(worker, worker.trial.number, reason)

    def _broken_limit(self, worker: WorkerProcess) -> str | None:
        if worker.trial is None:
            return None
        seconds, memory = self._limits.timeout, self._limits.memory
        if seconds is not None and worker.trial_seconds > seconds:
            return f"timeout: took longer than {duration(seconds)}"
        if memory is not None and self._check_memory:
            used = worker.memory()
            if used > memory:
                return f"memory: used {format_bytes(used)}, the limit is {format_bytes(memory)}"
        return None

    def _kill_for(self, worker: WorkerProcess, number: int, reason: str) -> None:
        assert self._study is not None
        # Failed first: of a dead process another run would put the trial back in the queue.
        if fail_trial(self._database, self._study, number, reason):
            worker.kill()
            self._replace(worker)
            self._finish_for_it(self._study, number, reason)

    def _bury(self, worker: WorkerProcess) -> None:
        """A worker died by itself: its trial is retried, unless it has killed too many."""
        worker.kill()
        cause = _cause_of_death(worker.exitcode)
        if self._study is None or not self._return_abandoned(self._study, cause):
            self._deaths_in_a_row += 1
        if self._deaths_in_a_row >= _DEATHS_ALLOWED * self._n_workers:
            raise StudyError(
                f"the workers die before they can run a trial ({cause}); what they printed last: "
                f"{' / '.join(worker.last_words) or 'nothing'}"
            )
        self._replace(worker)

    def _return_abandoned(self, study: optuna.Study, cause: str) -> bool:
        """Puts back what runs in processes that are gone; False if there was nothing."""
        returned = return_abandoned(self._database, study, cause)
        for trial in returned:
            if trial.failed:
                self._finish_for_it(study, trial.number, trial.failed)
            else:
                self._observer.trial_returned(trial.number, cause)
        return bool(returned)

    def _finish_for_it(self, study: optuna.Study, number: int, reason: str) -> None:
        """Ends what a worker that is dead began, once the trial has been failed."""
        remove_of(self._database, study, number, self._job.checkpoints)
        self._finish(number, "fail", None, reason)

    def _finish(self, number: int, state: str, value: float | None, reason: str | None) -> None:
        self._observer.trial_finished(number, state, value, reason)
        self._failures = self._failures + 1 if state == "fail" else 0
        # A study that has shown that it can work is given more, but no run fails for ever.
        allowed = _FAILURES_ALLOWED
        allowed = max(allowed, self._n_trials) if self._n_finished else allowed
        if self._failures >= allowed:
            which = "the last" if self._n_finished else "the first"
            raise StudyError(
                f"{which} {self._failures} trials failed, the last one with: {reason}. "
                f"See them with: tuner trials {self._job.study_name}"
            )

    def _replace(self, worker: WorkerProcess) -> None:
        check = self._study is None  # whoever comes first must try the user's model
        self._workers[self._workers.index(worker)] = self._start(check=check)

    def _stop_all(self) -> None:
        """Ends every worker; what still runs goes back to the queue, not counted against it."""
        for worker in self._workers:
            worker.kill()
        if self._study is not None:
            return_abandoned(self._database, self._study)

    @contextmanager
    def _interrupts(self) -> Iterator[None]:
        """While the run lasts, Ctrl-C and SIGTERM only ask it to end, once its workers start."""
        if threading.current_thread() is not threading.main_thread():
            yield
            return

        def interrupt(_signal: int, _frame: object) -> None:
            self._interrupted = True
            if self._starting:
                self._starting = False
                raise KeyboardInterrupt

        signals = (signal.SIGINT, signal.SIGTERM)
        before = [signal.signal(number, interrupt) for number in signals]
        try:
            yield
        finally:
            for number, handler in zip(signals, before, strict=True):
                signal.signal(number, handler)


def _cause_of_death(exitcode: int | None) -> str:
    if exitcode is not None and exitcode < 0:
        return f"the worker was killed by {signal.Signals(-exitcode).name}"
    return f"the worker ended with status {exitcode}"
