"""The supervisor's side of one worker process."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from multiprocessing.connection import Connection
from typing import Any

import psutil

from tuner.workers.forkserver import start_process
from tuner.workers.messages import (
    EpochDone,
    Finished,
    FromWorker,
    Job,
    Lost,
    NothingOpen,
    Ready,
    RunTrial,
    Started,
)
from tuner.workers.output import Output

_KILL_SECONDS = 10.0
_TRIALS_A_PROCESS = 500
_GROWTH_A_PROCESS = 768 * 2**20  # bytes
_GROWTH_OF_SHIPPED = 2**31
"""Of a process without code of a user's own: TensorFlow and the folds of a table, loaded late."""


class WorkerProcess:
    """A worker as the supervisor sees it.

    Attributes:
        checks: Whether it is the one that tries the user's model before any trial.
        data: Describes the data that the worker has loaded; None before.
        trial: The trial that it runs, None between trials.
        asked: Whether it was asked for a trial that it has not finished.
        epoch: Epochs that the running trial has finished.
        trials_done: Trials since the process began.
    """

    def __init__(self, job: Job) -> None:
        self._process, self._messages, printed = start_process(job)
        self._output = Output(printed)
        self._trial_since = 0.0
        self._most_growth = _GROWTH_A_PROCESS if job.spec.own_code else _GROWTH_OF_SHIPPED
        self.checks = job.check
        self.data: dict[str, Any] | None = None
        self.trial: Started | None = None
        self.asked = False
        self.epoch = 0
        self.trials_done = 0
        self._first_memory = 0

    @property
    def readable(self) -> list[Connection]:
        """What to wait on: its messages and what it prints."""
        messages = [] if self._messages.closed else [self._messages]
        return messages + ([self._output.pipe] if self._output.pipe else [])

    @property
    def pid(self) -> int | None:
        """Of the process."""
        return self._process.pid

    @property
    def trial_seconds(self) -> float:
        """Seconds since the running trial began."""
        return time.monotonic() - self._trial_since if self.trial else 0.0

    @property
    def exitcode(self) -> int | None:
        """Exit status, negative for a signal, None while it lives."""
        return self._process.exitcode

    def memory(self) -> int:
        """Resident memory in bytes, what it shares with the fork server included."""
        try:
            return int(psutil.Process(self._process.pid).memory_info().rss)
        except psutil.NoSuchProcess:
            return 0

    @property
    def grown(self) -> int:
        """Bytes of resident memory that it has taken since its first trial ended."""
        return self.memory() - self._first_memory if self.trials_done > 1 else 0

    @property
    def is_worn_out(self) -> bool:
        """Whether a fresh process should take its place: users' networks may leak.

        That costs a tenth of a second, and the traced graphs that it has kept; where a learner
        loads TensorFlow late, some seconds.
        """
        return self.trials_done >= _TRIALS_A_PROCESS or self.grown > self._most_growth

    def run_trial(self) -> None:
        """Asks it to run a trial. That a worker died meanwhile is noticed by its messages."""
        self.asked = True
        try:
            self._messages.send(RunTrial())
        except OSError:
            self.asked = False

    def receive(self) -> Iterator[FromWorker]:
        """The messages that have arrived.

        Raises:
            EOFError: The process is gone, and all its messages have been read.
        """
        # A process that the trial has forked may hold the pipe open for longer.
        is_gone = self._process.exitcode is not None
        while True:
            try:
                if not self._messages.poll():
                    if is_gone:
                        raise EOFError
                    return
                message: FromWorker = self._messages.recv()
            except ConnectionError as exc:
                raise EOFError from exc
            self._note(message)
            yield message

    def printed(self) -> list[str]:
        """The lines to show of what it has printed since the last call."""
        return self._output.lines()

    @property
    def last_words(self) -> Sequence[str]:
        """The last lines that it printed."""
        return self._output.last

    def retire(self) -> None:
        """Lets it end by itself: it finds its supervisor's end of the pipe closed."""
        self._messages.close()
        self._output.close()

    def kill(self) -> None:
        """Ends it now, wherever it is; returns when it is gone."""
        self._process.kill()
        self._process.join(_KILL_SECONDS)
        self.printed()
        self.retire()

    def _note(self, message: FromWorker) -> None:
        match message:
            case Ready(data=data):
                self.data = data
            case NothingOpen():
                self.asked = False
            case Started():
                self.trial, self.epoch, self._trial_since = message, 0, time.monotonic()
            case EpochDone(epoch=epoch):
                self.epoch = epoch
            case Lost():
                self.trial, self.asked = None, False
            case Finished():
                self.trial, self.asked = None, False
                self.trials_done += 1
                if self.trials_done == 1:
                    self._first_memory = self.memory()
