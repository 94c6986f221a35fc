"""Runs through Optuna's proxy: a process of its own in front of a real PostgreSQL server."""

from __future__ import annotations

import os
import signal
import subprocess
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import optuna
import pytest
from laboratory import Laboratory, Recorder
from optuna.storages import RDBStorage
from optuna.trial import FrozenTrial, TrialState
from processes import program
from servers import Postgres, Proxy

from tuner.results import StudyResult
from tuner.storage.database import Database

REFERENCE = """
[[reference]]
name = "known"
params = { learning_rate = 0.02, epochs = 3 }
"""


@pytest.fixture
def proxy(server: Postgres) -> Iterator[Proxy]:
    started = Proxy(server.new_database())
    yield started
    started.kill()


@pytest.fixture
def behind(laboratory: Laboratory, proxy: Proxy) -> Laboratory:
    """A laboratory whose runs go through the proxy."""
    laboratory.url = proxy.url
    return laboratory


def values(run: StudyResult) -> dict[int, tuple[object, ...]]:
    return {row.number: (row.state, row.value, dict(row.params)) for row in run.trials}


def in_the_database(proxy: Proxy) -> list[FrozenTrial]:
    """The trials of the study as Optuna reads them, without tuner and without the proxy."""
    plain = RDBStorage(proxy.database)
    trials = optuna.load_study(storage=plain, study_name="scripted").trials
    plain.engine.dispose()
    return trials


def directly(laboratory: Laboratory, folder: Path, **options: object) -> StudyResult:
    laboratory.url = f"sqlite:///{folder}/direct.db"
    return laboratory.run(workers=1, **options)


@pytest.mark.slow
def test_two_runs_at_once_finish_what_is_wanted(behind: Laboratory, proxy: Proxy, tmp_path: Path):
    behind.add(REFERENCE)
    words = [*program("tuner"), "run", str(behind.study), "--storage", proxy.url, "--workers", "2"]
    pipe = subprocess.PIPE
    both = [
        subprocess.Popen([*words, "--n-trials", "9"], stdout=pipe, stderr=pipe, text=True)
        for _ in range(2)
    ]
    for process in both:
        _, said = process.communicate(timeout=240)
        assert process.returncode == 0, said
    database = Database(proxy.url)
    study = database.study("scripted")
    assert database.counts(study)[TrialState.COMPLETE] == 9
    assert database.running(study) == []
    curves = database.curves(study, 8)
    database.close()
    run = directly(behind, tmp_path, n_trials=9)
    expected = {number: row[1:] for number, row in values(run).items()}
    stored = {t.number: t for t in in_the_database(proxy) if t.state is TrialState.COMPLETE}
    # A reference that both had queued was withdrawn by one, and made up for by a later number.
    if len(stored) == max(stored) + 1:
        assert {n: (t.value, t.params) for n, t in stored.items()} == expected
    assert stored[0].user_attrs["origin"] == "known"
    assert len({t.user_attrs["worker"]["pid"] for t in stored.values()}) > 2
    direct = Database(proxy.database)
    again = direct.curves(direct.study("scripted"), 8)
    direct.close()
    assert {name: list(curve) for name, curve in again.items()} == {
        name: list(curve) for name, curve in curves.items()
    }
    assert min(again["val_loss"]) == pytest.approx(stored[8].value)


@pytest.mark.slow
def test_a_killed_worker_loses_only_its_trial(behind: Laboratory, tmp_path: Path):
    behind.behave("slow")
    killed: list[int] = []

    def kill_once(number: int, epoch: int) -> None:
        if number == 1 and epoch == 1 and not killed:
            database = Database(behind.url)
            trials = {one.number: one for one in database.running(database.study("scripted"))}
            database.close()
            lease = trials[1].lease
            assert lease
            killed.append(lease["pid"])
            os.kill(lease["pid"], signal.SIGKILL)

    recorder = Recorder()
    recorder.on_epoch = kill_once
    run = behind.run(workers=2, recorder=recorder)
    assert ("returned", 1, "the worker was killed by SIGKILL") in recorder.events
    assert run.counts == {"complete": 4, "pruned": 0, "fail": 0, "running": 0, "waiting": 0}
    assert values(run) == values(directly(behind, tmp_path))


@pytest.mark.slow
@pytest.mark.parametrize("gone", ["proxy", "database"])
def test_a_run_outlives_a_restart(
    gone: str, behind: Laboratory, proxy: Proxy, server: Postgres, tmp_path: Path
):
    behind.behave("slow")
    restarts: list[threading.Thread] = []

    def restart() -> None:
        server.stop() if gone == "database" else proxy.kill()
        time.sleep(3)
        server.start() if gone == "database" else proxy.start()

    def in_the_middle(number: int, epoch: int) -> None:
        if number == 1 and not restarts:
            restarts.append(threading.Thread(target=restart))
            restarts[0].start()

    recorder = Recorder()
    recorder.on_epoch = in_the_middle
    run = behind.run(workers=2, recorder=recorder)
    restarts[0].join()
    assert run.ending == "done"
    assert [event for event in recorder.events if event[0] in ("fail", "returned")] == []
    assert run.counts["complete"] == 4
    assert [trial.state for trial in in_the_database(proxy)] == 4 * [TrialState.COMPLETE]
    assert values(run) == values(directly(behind, tmp_path))
