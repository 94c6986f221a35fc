"""The limits of one trial, time and memory: a worker whose trial breaks one is killed."""

from __future__ import annotations

import time

from tuner.spec.models import TrialLimits
from tuner.units import duration, format_bytes
from tuner.workers.process import WorkerProcess

_MEMORY_CHECK_SECONDS = 0.5


class Limits:
    """Watches the workers of one run."""

    def __init__(self, limits: TrialLimits) -> None:
        self._limits = limits
        self._checked_at = 0.0
        self._check_memory = False

    def look(self) -> None:
        """Begins a look at all workers: to ask for a process's memory takes time, so not always."""
        self._check_memory = time.monotonic() - self._checked_at > _MEMORY_CHECK_SECONDS
        if self._check_memory:
            self._checked_at = time.monotonic()

    def broken(self, worker: WorkerProcess) -> str | None:
        """Which limit the worker's trial has broken, in words; None if it keeps to them."""
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
