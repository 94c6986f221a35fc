"""Random faults in one study with two workers on PostgreSQL; at the end nothing is lost or wrong.

A short form runs with the tests. The long one, which also repeats the single faults of the other
files here: TUNER_CHAOS_FAULTS=20 pytest tests/chaos
"""

from __future__ import annotations

import os
import random
import signal
import subprocess
import time
from collections.abc import Callable
from contextlib import ExitStack, suppress
from pathlib import Path

import psutil
import pytest
from disks import Disk, small_disk
from faulted import FAULTS
from laboratory import CALM, Laboratory
from optuna.trial import TrialState
from processes import program, running
from servers import Postgres

from tuner.storage.database import Database
from tuner.storage.retrying import RetryPolicy

SEED = int(os.environ.get("TUNER_CHAOS_SEED", "0"))
WANTED = 4 * FAULTS
SECONDS = 120 + 25 * FAULTS
DISK_BYTES = 256 * 1024


class Workers:
    """Two `tuner worker` processes; one that ends is restarted, as by a service manager."""

    def __init__(self, laboratory: Laboratory, checkpoints: Path, stack: ExitStack) -> None:
        self._command = [*program("tuner"), "worker", "--storage", laboratory.url]
        self._command += ["--allow-code", "--workers", "1", "--grace", "0.5s"]
        self._folder = laboratory.folder
        self._environment = os.environ | {"TUNER_CHECKPOINTS": str(checkpoints)}
        self._stack = stack
        self._log = stack.enter_context((laboratory.folder / "workers.log").open("w"))
        self.supervisors = [self._start() for _ in range(2)]

    def _start(self) -> subprocess.Popen[str]:
        options = {"stdout": self._log, "stderr": self._log, "env": self._environment}
        return self._stack.enter_context(running(self._command, self._folder, **options))

    def look_after(self) -> None:
        for i, process in enumerate(self.supervisors):
            if process.poll() is not None:
                self.supervisors[i] = self._start()

    def processes(self) -> list[psutil.Process]:
        """The worker processes, which the fork servers have forked."""
        found = []
        for supervisor in self.supervisors:
            if supervisor.poll() is None:
                for server in psutil.Process(supervisor.pid).children():
                    found += server.children()
        return found

    @property
    def log(self) -> str:
        return (self._folder / "workers.log").read_text()


def faults(
    workers: Workers, server: Postgres, disk: Disk, chance: random.Random
) -> dict[str, Callable[[], None]]:
    """What may happen, by name."""

    def to_a_worker(number: int) -> None:
        if found := workers.processes():
            with suppress(psutil.NoSuchProcess):
                chance.choice(found).send_signal(number)

    def to_a_supervisor(number: int) -> None:
        chance.choice(workers.supervisors).send_signal(number)

    def stopped_for_a_while() -> None:
        of = [psutil.Process(one.pid) for one in workers.supervisors if one.poll() is None]
        process = chance.choice([*workers.processes(), *of])
        with suppress(psutil.NoSuchProcess):
            process.suspend()
            time.sleep(chance.uniform(1, 4))
            process.resume()

    def database_restarted() -> None:
        server.stop()
        time.sleep(chance.uniform(0, 3))
        server.start()

    def disk_full() -> None:
        if disk.is_mounted:  # a whole machine's disk is not to be filled
            disk.fill()
            time.sleep(3)
            disk.free()

    return {
        "a worker is killed": lambda: to_a_worker(signal.SIGKILL),
        "a supervisor is killed": lambda: to_a_supervisor(signal.SIGKILL),
        "Ctrl-C": lambda: to_a_supervisor(signal.SIGINT),
        "a process stands still": stopped_for_a_while,
        "the database is restarted": database_restarted,
        "the disk of the checkpoints is full": disk_full,
    }


@pytest.mark.slow
@pytest.mark.timeout(2 * SECONDS)
def test_random_faults_lose_no_trial(
    laboratory: Laboratory, server: Postgres, tmp_path: Path
) -> None:
    chance = random.Random(SEED)
    laboratory.behave("slow")
    laboratory.add('\n[training]\ncheckpoint = "0.4s"\n')
    laboratory.url = server.new_database()
    laboratory.submit(n_trials=WANTED)
    database = Database(laboratory.url, retry=RetryPolicy(60))
    study = database.study("scripted")
    happened: list[str] = []
    seen: dict[int, float] = {}
    with small_disk(tmp_path / "checkpoints", DISK_BYTES) as disk, ExitStack() as stack:
        workers = Workers(laboratory, disk.folder, stack)
        possible = faults(workers, server, disk, chance)
        # Each at least once if there are enough of them, in any order.
        planned = [*possible][:FAULTS] + chance.choices(
            [*possible], k=max(0, FAULTS - len(possible))
        )
        chance.shuffle(planned)
        until = time.monotonic() + SECONDS
        next_fault = time.monotonic() + 10
        while len(seen) < WANTED:
            assert time.monotonic() < until, (happened, database.counts(study), workers.log)
            workers.look_after()
            finished = {t.number: t.value for t in study.trials if t.state is TrialState.COMPLETE}
            assert seen.items() <= finished.items(), f"a finished trial was lost after {happened}"
            seen = finished
            if planned and time.monotonic() > next_fault and database.running(study):
                happened.append(planned.pop())
                possible[happened[-1]]()
                next_fault = time.monotonic() + chance.uniform(1, 6)
            time.sleep(0.2)
        for process in workers.supervisors:
            process.send_signal(signal.SIGTERM)
            process.wait(60)
    counts = database.counts(study)
    assert counts[TrialState.COMPLETE] == WANTED, (happened, workers.log)
    assert counts[TrialState.RUNNING] == 0
    assert not planned, f"the study was done before these came: {planned}"
    database.close()

    calm = laboratory.run(workers=2, study_name="calm", n_trials=max(seen) + 1, settings=CALM)
    values = {row.number: row.value for row in calm.trials}
    assert seen == {number: pytest.approx(values[number], rel=1e-6) for number in seen}
    assert "Traceback" not in workers.log
