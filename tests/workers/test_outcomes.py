"""Outcomes of trials whose workers are killed or die: a real database and scripted workers."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from types import SimpleNamespace
from typing import Any

import optuna
import pytest
from laboratory import Laboratory, Recorder
from optuna.trial import TrialState

from tuner.errors import StorageError
from tuner.storage.database import Database
from tuner.storage.lease import own_lease
from tuner.studies import recovery
from tuner.workers import outcomes
from tuner.workers.messages import Started
from tuner.workers.outcomes import Outcomes


class FakeWorker:
    """A worker process that only records that it was killed."""

    def __init__(self, trial: Started | None, pid: int = 2**22) -> None:
        self.trial = trial
        self.pid = pid
        self.exitcode = -9
        self.last_words: Sequence[str] = ()
        self.killed = False

    def kill(self) -> None:
        self.killed = True


class FakePool:
    """A pool that replaces no workers."""

    size = 1

    def __init__(self) -> None:
        self.workers: list[FakeWorker] = []

    def __iter__(self) -> Iterator[FakeWorker]:
        return iter(list(self.workers))

    def replace(self, worker: FakeWorker, *, check: bool) -> None:
        self.workers.remove(worker)


class Bench:
    """A stored study with trials that a process of another pid has taken here."""

    def __init__(self, laboratory: Laboratory) -> None:
        laboratory.store()
        self.lease = own_lease()
        self.database = Database(laboratory.url, lease=self.lease)
        self.study = self.database.study("scripted")
        self.recorder = Recorder()
        self.pool = FakePool()
        job: Any = SimpleNamespace(study_name="scripted", checkpoints=str(laboratory.folder))
        remaining: Any = SimpleNamespace(wanted=4, finished=1)
        setbacks: Any = SimpleNamespace(ended=lambda *_: None, died=lambda *_: None)
        pool: Any = self.pool
        self.outcomes = Outcomes(job, self.database, pool, remaining, self.recorder, setbacks)
        self.outcomes.study = self.study

    def worker(self) -> FakeWorker:
        trial = self.study.ask()
        started = Started(trial._trial_id, trial.number, 3, self.lease)
        self.pool.workers.append(FakeWorker(started))
        return self.pool.workers[-1]

    def kill(self, worker: FakeWorker) -> None:
        any_worker: Any = worker
        assert worker.trial is not None
        self.outcomes.kill(any_worker, worker.trial, "timeout: took longer than 1 s")

    def state(self, number: int) -> TrialState:
        return self.study.trials[number].state


@pytest.fixture
def bench(laboratory: Laboratory) -> Iterator[Bench]:
    made = Bench(laboratory)
    yield made
    made.database.close()


def test_a_trial_over_a_limit_fails_and_its_worker_is_replaced(bench: Bench) -> None:
    worker = bench.worker()
    bench.kill(worker)
    assert (worker.killed, bench.pool.workers) == (True, [])
    assert bench.recorder.events == [("fail", 0, "timeout: took longer than 1 s")]
    assert bench.state(0) is TrialState.FAIL
    assert bench.study.trials[0].constraints == {"failed": 1.0}, "the sampler learns of it"


@pytest.mark.parametrize("state", [TrialState.FAIL, TrialState.COMPLETE])
def test_a_worker_over_a_limit_is_killed_though_its_trial_was_ended_from_outside(
    bench: Bench, state: TrialState
) -> None:
    worker = bench.worker()
    bench.study.tell(0, 0.5 if state is TrialState.COMPLETE else None, state=state)
    bench.kill(worker)
    assert (worker.killed, bench.pool.workers) == (True, [])
    (event,) = bench.recorder.events
    assert event == ("lost", 0, "timeout: took longer than 1 s; it was ended from outside before")
    assert bench.state(0) is state


def test_a_worker_over_a_limit_is_killed_if_the_database_is_gone(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> bool:
        raise StorageError("the database is gone")

    monkeypatch.setattr(outcomes, "fail_trial", fail)
    worker = bench.worker()
    with pytest.raises(StorageError, match="the database is gone"):
        bench.kill(worker)
    assert worker.killed


def test_a_worker_is_killed_when_its_trial_stays_ended_from_outside(bench: Bench) -> None:
    kept, lost = bench.worker(), bench.worker()
    bench.outcomes.kill_lost()
    bench.study.tell(1, state=TrialState.FAIL)
    bench.outcomes.kill_lost()
    assert not lost.killed, "it may have ended the trial itself, and not have said so yet"
    bench.outcomes.kill_lost()
    assert (kept.killed, lost.killed) == (False, True)
    assert bench.pool.workers == [kept]
    assert bench.recorder.events == [("lost", 1, "it was ended from outside")]


def dead(bench: Bench, pid: int, **lease: object) -> int:
    """Stores a running trial whose process is gone; returns its number."""
    gone = Database(bench.database.url, lease={**own_lease(), "pid": pid, "started": 0, **lease})
    number = gone.study("scripted").ask().number
    gone.close()
    return number


def attrs(study: optuna.Study, number: int) -> dict[str, object]:
    stored = study.get_trials()[number].user_attrs
    return {key: stored[key] for key in ("attempts", "left_behind", "reason") if key in stored}


def test_attempts_count_only_workers_that_died_in_this_run(bench: Bench) -> None:
    mine, others = dead(bench, 2**22), dead(bench, 2**22 - 1)
    worker: Any = FakeWorker(None, pid=2**22)
    bench.pool.workers.append(worker)
    bench.outcomes.replace_dead(worker)
    assert attrs(bench.study, mine) == {"attempts": 1}
    assert attrs(bench.study, others) == {"left_behind": 1}
    assert bench.state(mine) is bench.state(others) is TrialState.WAITING


def test_trial_found_without_its_process_fails_after_ten_requeues(bench: Bench) -> None:
    for _ in range(recovery.LEFT_BEHIND_ALLOWED):
        assert dead(bench, 2**22) == 0
        (returned,) = recovery.return_abandoned(bench.database, bench.study, "its process is gone")
    reason = "its process was gone 10 times before it ended; its process is gone"
    assert returned.failed == reason
    assert attrs(bench.study, 0) == {"left_behind": 9, "reason": reason}


def test_a_trial_that_was_stopped_on_purpose_is_not_counted(bench: Bench) -> None:
    number = dead(bench, 2**22)
    assert recovery.return_abandoned(bench.database, bench.study)
    assert attrs(bench.study, number) == {}
