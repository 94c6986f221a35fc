"""The supervisor's side of one worker process."""

from __future__ import annotations

import os
import time
from collections import deque
from collections.abc import Iterator
from multiprocessing.connection import Connection

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

_LAST_WORDS = 20
_KILL_SECONDS = 10.0


class WorkerProcess:
    """A worker as the supervisor sees it.

    Attributes:
        checks: Whether it is the one that tries the user's model before any trial.
        ready: Whether the worker has loaded its data.
        trial: The trial that it runs, None between trials.
        asked: Whether it was sent for a trial that it has not finished.
        epoch: Epochs that the running trial has finished.
        trials_done: Trials since the process began.
        last_words: The last lines that it printed.
    """

    def __init__(self, job: Job) -> None:
        self._process, self._messages, self._output = start_process(job)
        self._partial = b""
        self._trial_since = 0.0
        self.checks = job.check
        self.ready = False
        self.trial: Started | None = None
        self.asked = False
        self.epoch = 0
        self.trials_done = 0
        self._first_memory = 0
        self.last_words: deque[str] = deque(maxlen=_LAST_WORDS)

    @property
    def readable(self) -> list[Connection]:
        """What to wait on: its messages and what it prints."""
        return [end for end in (self._messages, self._output) if not end.closed]

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

    def run_trial(self) -> None:
        """Sends it for a trial. A worker that died meanwhile is noticed by its messages."""
        self.asked = True
        try:
            self._messages.send(RunTrial())
        except OSError:
            self.asked = False

    def receive(self) -> Iterator[FromWorker]:
        """The messages that have arrived.

        Raises:
            EOFError: The process is gone, and all that it said has been read.
        """
        while True:
            try:
                if not self._messages.poll():
                    return
                message: FromWorker = self._messages.recv()
            except ConnectionError as exc:
                raise EOFError from exc
            self._note(message)
            yield message

    def printed(self) -> list[str]:
        """The lines that it has printed since the last call."""
        lines: list[bytes] = []
        while not self._output.closed and self._output.poll():
            chunk = os.read(self._output.fileno(), 65536)
            if not chunk:
                self._output.close()
                break
            *whole, self._partial = (self._partial + chunk).split(b"\n")
            lines += whole
        text = [line.decode(errors="replace").rstrip() for line in lines]
        self.last_words.extend(text)
        return text

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
            case Ready():
                self.ready = True
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
