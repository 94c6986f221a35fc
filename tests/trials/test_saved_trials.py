"""The checkpoints of one trial: writes that fail, and leases that another process has taken."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from pathlib import Path

import optuna
import pytest
from servers import proxy_here

from tuner.search import Judging
from tuner.storage.artifacts import ArtifactError, Artifacts
from tuner.storage.database import Database
from tuner.storage.taker import TrialLost
from tuner.trials import checkpoints
from tuner.trials.checkpoints import TrialCheckpoints
from tuner.trials.reporting import Reporter

EVERY = 30.0
HERE = {"host": "here", "pid": 1, "started": 0.5}
ELSEWHERE = {"host": "elsewhere", "pid": 2, "started": 1.5}


class Clock:
    """A clock that only the test advances."""

    now = 0.0

    def monotonic(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(checkpoints, "time", clock)
    return clock


@pytest.fixture
def location(tmp_path: Path) -> Path:
    return tmp_path / "checkpoints"


@pytest.fixture(params=["sqlite", "proxy"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    file = f"sqlite:///{tmp_path}/tuner.db"
    if request.param == "sqlite":
        yield file
    else:
        with proxy_here(file) as address:
            yield address


@pytest.fixture
def attempt(url: str, location: Path) -> Iterator[Callable[..., TrialCheckpoints]]:
    """Takes the next trial, as a process of that lease, with a database of its own."""
    opened: list[Database] = []

    def take(lease: dict[str, object]) -> TrialCheckpoints:
        database = Database(url, lease=lease)
        opened.append(database)
        study = optuna.create_study(storage=database.storage, study_name="s", load_if_exists=True)
        trial = study.ask()
        reporter = Reporter(trial, Judging(lambda epoch: False, False), database, 10)
        return TrialCheckpoints(trial, database, reporter, str(location), EVERY)

    yield take
    for one in opened:
        one.close()


def save(kept: TrialCheckpoints, epoch: int) -> None:
    kept.save(epoch, lambda: str(epoch).encode())


def load(kept: TrialCheckpoints) -> int | None:
    """Returns the epoch after which the checkpoint was saved."""
    return kept.load(lambda content: (int(content), int(content)))


def test_failing_store_is_retried_and_the_last_checkpoint_kept(
    attempt, location, clock, monkeypatch, caplog
):
    kept = attempt(HERE)
    working = Artifacts.write
    broken, seconds = [False], [0.0]

    def write(artifacts: Artifacts, name: str, content: bytes) -> None:
        clock.now += seconds[0]
        if broken[0]:
            raise ArtifactError("cannot write to it: no answer")
        working(artifacts, name, content)

    def after(seconds: float, epoch: int) -> None:
        """That much later a checkpoint is due, and not before."""
        clock.now += seconds - 1
        assert not kept.due()
        clock.now += 1
        assert kept.due()
        save(kept, epoch)

    def logged() -> list[str]:
        return [record.getMessage() for record in caplog.records]

    monkeypatch.setattr(Artifacts, "write", write)
    caplog.set_level(logging.WARNING, "tuner")
    after(EVERY, 1)
    (first,) = location.iterdir()
    broken[0] = True
    after(EVERY, 2)
    after(EVERY, 3)
    words = "trial 0 is not saved after epoch 2, and tried again: cannot write to it: no answer"
    assert logged() == [words]
    assert list(location.iterdir()) == [first], "the one before is still used"
    broken[0] = False
    after(EVERY, 4)
    (second,) = location.iterdir()
    assert second != first
    broken[0], seconds[0] = True, 60.0
    after(EVERY, 5)
    assert logged() == [words, words.replace("epoch 2", "epoch 5")]
    broken[0] = False
    after(600.0, 6)  # a write that takes a minute to fail is not repeated every 30 s
    assert len(logged()) == 2
    kept.remove()
    assert list(location.iterdir()) == []


def test_worker_without_the_lease_never_deletes_checkpoints(attempt, location):
    lost = attempt(HERE)
    save(lost, 1)
    (trial,) = lost._database.running(lost._trial.study)
    assert lost._database.give_back(trial.trial_id, trial.lease)
    owner = attempt(ELSEWHERE)
    assert owner._trial.number == lost._trial.number
    with pytest.raises(TrialLost, match=r"is (no longer )?run by (another|this) process"):
        save(lost, 2)
    assert load(owner) == 1
    save(owner, 3)
    with pytest.raises(TrialLost, match=r"is (no longer )?run by (another|this) process"):
        save(lost, 4)
    assert load(owner) == 3
    owner.remove()


def test_worker_without_the_lease_stores_no_pointer(attempt, location):
    lost = attempt(HERE)
    (trial,) = lost._database.running(lost._trial.study)
    lost._database.give_back(trial.trial_id, trial.lease)
    owner = attempt(ELSEWHERE)
    save(owner, 3)
    with pytest.raises(TrialLost, match=r"is (no longer )?run by (another|this) process"):
        save(lost, 1)
    assert owner._database.storage.get_trial(trial.trial_id).user_attrs["checkpoint"]["epoch"] == 3
    owner.remove()
    assert list(location.iterdir()) == []


def test_new_owner_removes_files_of_the_earlier_worker(attempt, location):
    lost = attempt(HERE)
    save(lost, 1)
    (trial,) = lost._database.running(lost._trial.study)
    lost._database.give_back(trial.trial_id, trial.lease)
    owner = attempt(ELSEWHERE)
    with pytest.raises(TrialLost, match=r"is (no longer )?run by (another|this) process"):
        save(lost, 2)
    assert len(list(location.iterdir())) == 2
    save(owner, 3)
    assert len(list(location.iterdir())) == 1
    owner.remove()
    assert list(location.iterdir()) == []
