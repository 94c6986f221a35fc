"""`tuner run` in a process of its own, for tests that break into it.

The scripted study takes about ten seconds with two workers; ``WANTED`` trials are wanted.
"""

from __future__ import annotations

import os
import re
import signal
import subprocess
import time
from collections.abc import Callable
from contextlib import suppress
from types import TracebackType

import psutil
from laboratory import Laboratory
from processes import WAIT_SECONDS, program

FAULTS = int(os.environ.get("TUNER_CHAOS_FAULTS", "6"))
WANTED = 6
WORDS = ("run", "scripted", "--n-trials", str(WANTED), "--workers", "2")

_REPORTED = re.compile(r"^\[\d+/\d+\] trial (\d+) complete", re.MULTILINE)
_ORPHAN_SECONDS = 30  # workers without a supervisor end after ten


class FaultedRun:
    """A run whose processes and output a test can see; as a context manager it is started.

    Attributes:
        process: The supervisor.
    """

    def __init__(self, laboratory: Laboratory, *words: str, name: str = "run") -> None:
        self._command = [*program("tuner"), *(words or WORDS), *storage(laboratory)]
        self._folder = laboratory.folder
        self._log = laboratory.folder / f"{name}.log"

    def __enter__(self) -> FaultedRun:
        with self._log.open("w") as log:
            self.process = subprocess.Popen(
                self._command, cwd=self._folder, stdout=log, stderr=log, start_new_session=True
            )
        self._seen = [psutil.Process(self.process.pid)]
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if error is not None:
            error.add_note(f"output of {self._log.name}:\n{self.output}")
        self.kill()
        self.process.wait()

    @property
    def output(self) -> str:
        """Everything that was printed."""
        return self._log.read_text()

    @property
    def reported(self) -> set[int]:
        """The numbers of the trials that the run has reported as complete."""
        return {int(number) for number in _REPORTED.findall(self.output)}

    def processes(self) -> list[psutil.Process]:
        """The supervisor first, then its fork server and the workers, as far as they live."""
        with suppress(psutil.NoSuchProcess):
            for process in self._seen[0].children(recursive=True):
                if process not in self._seen:
                    self._seen.append(process)
        return [one for one in self._seen if _lives(one)]

    def workers(self) -> list[psutil.Process]:
        """The processes that run trials: the fork server has forked them."""
        _, *below = self.processes()
        return [one for one in below if _parent(one) != self.process.pid]

    def wait_for_trials(self, number: int) -> None:
        """Waits until so many trials are complete."""
        self.wait_for(lambda: len(self.reported) >= number)

    def wait_for(self, happened: Callable[[], bool]) -> None:
        """Waits until the condition holds, while the run continues."""
        until = time.monotonic() + 2 * WAIT_SECONDS
        while not happened():
            assert self.process.poll() is None, f"ended with status {self.process.returncode}"
            assert time.monotonic() < until, "nothing happened"
            time.sleep(0.05)

    def kill(self) -> None:
        """Ends all processes of the run at once."""
        for process in self.processes():
            with suppress(psutil.NoSuchProcess):
                process.send_signal(signal.SIGKILL)

    def ended(self) -> int:
        """Waits until no process of the run is left; returns the exit status."""
        self.processes()
        status = self.process.wait(2 * WAIT_SECONDS)
        _, alive = psutil.wait_procs(self._seen, timeout=_ORPHAN_SECONDS)
        assert not [one for one in alive if _lives(one)], "processes are left"
        return status


def storage(laboratory: Laboratory) -> list[str]:
    """The options that name the laboratory's database; none for the usual file."""
    usual = laboratory.url == f"sqlite:///{laboratory.folder}/tuner.db"
    return [] if usual else ["--storage", laboratory.url]


def _lives(process: psutil.Process) -> bool:
    try:
        return bool(process.status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False


def _parent(process: psutil.Process) -> int | None:
    try:
        return process.ppid()
    except psutil.NoSuchProcess:
        return None


def repetitions() -> range:
    """How often each fault is tried: once with the tests, more often in the long form."""
    return range(max(1, FAULTS // 6))
