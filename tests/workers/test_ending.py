"""What asks a run to end, and which request comes first."""

from __future__ import annotations

import optuna
import pytest

from tuner.storage.attributes import QueueEntry
from tuner.storage.database import Database
from tuner.studies import queue
from tuner.workers.ending import StopRequests


@pytest.fixture
def database(tmp_path):
    opened = Database(f"sqlite:///{tmp_path}/a.db")
    yield opened
    opened.close()


@pytest.fixture
def study(database):
    return optuna.create_study(storage=database.storage, study_name="s")


def test_run_continues_without_requests(database, study):
    stops = StopRequests(database, None)
    assert stops.ending(None) is None
    assert stops.ending(study) is None


@pytest.mark.parametrize("status", ["paused", "stopped"])
def test_status_in_the_queue_ends_a_run(database, study, status):
    queue.store_entry(study, database, QueueEntry(status=status))
    assert StopRequests(database, None).ending(study) == status


def test_interrupt_comes_before_the_timeout_and_the_timeout_before_the_queue(database, study):
    queue.store_entry(study, database, QueueEntry(status="paused"))
    stops = StopRequests(database, -1.0)
    assert stops.ending(study) == "timeout"
    stops.interrupted = True
    assert stops.ending(study) == "interrupted"


def test_draining_ends_a_run_at_once_only_before_there_is_a_study(database, study):
    stops = StopRequests(database, None)
    stops.draining = True
    assert stops.ending(None) == "drained"
    assert stops.ending(study) is None


def test_time_waits_for_complete_trials_that_are_wanted_at_least(database, study):
    notes = []
    stops = StopRequests(database, -1.0, 1, notes.append)
    assert (stops.ending(None), stops.ending(study)) == (None, None)
    assert notes == ["the time is over, but no model is ready yet: the first is waited for"]
    study.tell(study.ask(), state=optuna.trial.TrialState.FAIL)
    assert stops.ending(study) is None
    study.tell(study.ask(), 1.0)
    assert stops.ending(study) == "timeout"
