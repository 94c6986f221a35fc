"""Which study a free worker turns to, and what people may ask of a study."""

from __future__ import annotations

import optuna
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tuner.errors import RequestError
from tuner.storage.database import Database
from tuner.studies import queue
from tuner.studies.queue import Demand, Place, choose


def demand(name, running=0, *, finished=0, wanted=10, priority=0, most=None, served=0.0):
    place = Place("open", wanted, priority, most)
    return Demand(name, place, finished, running, served)


def test_the_fewest_under_way_come_first_then_who_waited_longest():
    assert choose([demand("a", 2), demand("b", 1)]) == "b"
    assert choose([demand("a", served=2.0), demand("b", served=1.0)]) == "b"
    assert choose([demand("a", 2, priority=1), demand("b", 0)]) == "a"
    assert choose([]) is None


def test_nothing_begins_beyond_what_is_wanted_or_allowed():
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
    assert queue.place_of(study.user_attrs, "s") == Place("unlisted")
    queue.submit(study, database, 7, 2, 3)
    assert queue.place_of(study.user_attrs, "s") == Place("open", 7, 2, 3)
    queue.pause(study, database)
    assert queue.standing_of(study, database) == "paused"
    with pytest.raises(RequestError, match="tuner resume s"):
        queue.require_unpaused(study, database)
    assert queue.resume(study, database) == Place("open", 7, 2, 3)
    with pytest.raises(RequestError, match="up for work already"):
        queue.resume(study, database)
    queue.stop(study, database, "it cannot work")
    assert queue.place_of(study.user_attrs, "s") == Place("stopped", 7, 2, 3, "it cannot work")
    assert queue.resume(study, database) == Place("open", 7, 2, 3)


def test_what_a_later_version_stores_does_not_hide_the_rest():
    stored = {"standing": "open", "n_trials": 3, "owner": "somebody"}
    assert queue.place_of({queue.KEY: stored}, "s") == Place("open", 3)


def test_a_run_by_hand_may_be_paused_too_and_begins_anew_after_a_stop(stored):
    study, database = stored
    with pytest.raises(RequestError, match="is not paused"):
        queue.resume(study, database)
    queue.pause(study, database)
    assert queue.resume(study, database).standing == "unlisted"
    queue.stop(study, database)
    queue.require_unpaused(study, database)
    assert queue.standing_of(study, database) == "unlisted"
