"""Which study a free worker turns to, and how a study's entry in the queue changes."""

from __future__ import annotations

import optuna
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tuner.errors import RequestError
from tuner.storage.attributes import QueueEntry
from tuner.storage.database import Database
from tuner.studies import queue
from tuner.studies.queue import Demand, choose


def entry(status, n_trials=None, priority=0, workers=None, reason=None):
    return QueueEntry(
        status=status, n_trials=n_trials, priority=priority, workers=workers, reason=reason
    )


def demand(name, running=0, *, finished=0, wanted=10, priority=0, most=None, served=0.0):
    return Demand(name, entry("open", wanted, priority, most), finished, running, served)


def test_choose_prefers_the_fewest_running_then_the_longest_wait():
    assert choose([demand("a", 2), demand("b", 1)]) == "b"
    assert choose([demand("a", served=2.0), demand("b", served=1.0)]) == "b"
    assert choose([demand("a", 2, priority=1), demand("b", 0)]) == "a"
    assert choose([]) is None


def test_choose_respects_n_trials_and_workers():
    assert choose([demand("a", 3, finished=7)]) is None
    assert choose([demand("a", 2, most=2)]) is None
    assert choose([demand("a", 2, most=2, priority=5), demand("b", 4)]) == "b"


@given(st.lists(st.integers(0, 3), min_size=1, max_size=5), st.integers(1, 40))
def test_free_workers_spread_evenly_over_equal_studies(running, workers):
    under_way = {f"study {i}": n for i, n in enumerate(running)}
    begun = dict.fromkeys(under_way, 0)
    for _ in range(workers):
        name = choose(demand(name, n, wanted=1000) for name, n in under_way.items())
        under_way[name] += 1
        begun[name] += 1
    grown = [n for name, n in under_way.items() if begun[name]]
    assert max(grown) - min(grown) <= 1
    assert max(grown) <= max(min(under_way.values()) + 1, max(running))


@pytest.fixture
def stored(tmp_path):
    database = Database(f"sqlite:///{tmp_path}/a.db")
    yield optuna.create_study(storage=database.storage, study_name="s"), database
    database.close()


def test_a_study_is_submitted_paused_resumed_and_stopped(stored):
    study, database = stored
    assert queue.entry_of(study.user_attrs, "s") == entry("unlisted")
    queue.store_entry(study, database, entry("open", 7, 2, 3))
    assert queue.entry_of(study.user_attrs, "s") == entry("open", 7, 2, 3)
    queue.pause(study, database)
    assert queue.status_of(study, database) == "paused"
    with pytest.raises(RequestError, match="tuner resume s"):
        queue.require_unpaused(study, database)
    assert queue.resume(study, database) == entry("open", 7, 2, 3)
    with pytest.raises(RequestError, match="open already"):
        queue.resume(study, database)
    queue.stop(study, database, "it cannot work")
    assert queue.entry_of(study.user_attrs, "s") == entry("stopped", 7, 2, 3, "it cannot work")
    assert queue.resume(study, database) == entry("open", 7, 2, 3)


def test_unknown_keys_of_an_entry_are_ignored():
    stored = {"standing": "open", "n_trials": 3, "owner": "somebody"}
    found = queue.entry_of({queue.KEY: stored}, "s")
    assert found == entry("open", 3)
    assert found.to_dict() == {
        "standing": "open",
        "n_trials": 3,
        "priority": 0,
        "workers": None,
        "reason": None,
        "is_used_up": False,
    }


def test_study_that_was_never_submitted_can_be_paused_and_stopped(stored):
    study, database = stored
    with pytest.raises(RequestError, match="is not paused"):
        queue.resume(study, database)
    queue.pause(study, database)
    assert queue.resume(study, database).status == "unlisted"
    queue.stop(study, database)
    queue.require_unpaused(study, database)
    assert queue.status_of(study, database) == "unlisted"
