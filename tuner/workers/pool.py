"""The worker processes of one run."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from multiprocessing.connection import Connection

from tuner.workers.messages import Job
from tuner.workers.process import WorkerProcess


class Pool:
    """A fixed number of processes: one that ends is replaced."""

    def __init__(self, job: Job, size: int) -> None:
        """Prepares; nothing is started yet.

        Args:
            job: What each worker is given.
            size: Number of processes.
        """
        self._job = job
        self._workers: list[WorkerProcess] = []
        self._replaced: list[WorkerProcess] = []
        self.size = size

    def __iter__(self) -> Iterator[WorkerProcess]:
        """The workers as they are now; they may be replaced on the way."""
        return iter(list(self._workers))

    @property
    def readable(self) -> list[Connection]:
        """What to wait on: messages and printed lines of the workers."""
        return [end for worker in self._workers for end in worker.readable]

    @property
    def is_busy(self) -> bool:
        """Whether a trial is under way here, or about to begin."""
        return any(worker.asked for worker in self._workers)

    @property
    def n_running(self) -> int:
        """Trials that are under way here."""
        return sum(worker.trial is not None for worker in self._workers)

    @property
    def n_beginning(self) -> int:
        """Workers that were asked for a trial and have not begun one yet."""
        return sum(worker.asked and worker.trial is None for worker in self._workers)

    def start(self) -> None:
        """Starts the processes, of which the first tries the user's model."""
        for i in range(self.size):
            self._workers.append(self._started(check=i == 0))

    def replace(self, worker: WorkerProcess, *, check: bool) -> None:
        """Replaces a process that is gone by another one.

        A retired one ends by itself, unless a thread that a trial has started keeps it alive: those
        of earlier calls are killed.

        Args:
            worker: Killed, retired or dead.
            check: Whether the new one tries the user's model.
        """
        for earlier in self._replaced:
            earlier.kill()
        self._replaced = [worker]
        self._workers[self._workers.index(worker)] = self._started(check=check)

    def kill(self) -> None:
        """Ends all processes, now."""
        for worker in self._workers + self._replaced:
            worker.kill()

    def _started(self, *, check: bool) -> WorkerProcess:
        return WorkerProcess(replace(self._job, check=check))
