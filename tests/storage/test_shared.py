"""Several processes at one study: each trial is claimed once, none beyond those wanted."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import optuna
import pytest
from optuna.trial import TrialState
from servers import proxy_here

from tuner.storage.database import Database
from tuner.storage.taker import NoneOpen

Open = Callable[..., Database]
RATE = {"rate": 0.5}


@pytest.fixture(params=["sqlite", "proxy"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """SQLite, or a proxy in front of PostgreSQL: in front of SQLite, Optuna's locks nothing."""
    if request.param == "proxy":
        with proxy_here(request.getfixturevalue("server").new_database()) as address:
            yield address
    else:
        yield f"sqlite:///{tmp_path}/shared.db"


@pytest.fixture
def database(url: str) -> Iterator[Open]:
    """Opens the database again, as another process does."""
    opened: list[Database] = []

    def open_again(wanted: int | None = None) -> Database:
        opened.append(Database(url, wanted=wanted))
        return opened[-1]

    first = open_again()
    optuna.create_study(study_name="s", storage=first.storage)
    yield open_again
    for one in opened:
        one.close()


def states(database: Database) -> list[str]:
    return [trial.state.name for trial in database.study("s").get_trials()]


def ask(database: Database) -> int | None:
    try:
        return database.study("s").ask().number
    except NoneOpen:
        return None


def at_once(number: int, act: Callable[[int], object]) -> list[object]:
    with ThreadPoolExecutor(number) as pool:
        return list(pool.map(act, range(number)))


def test_no_more_trials_than_wanted_are_claimed(database: Open) -> None:
    one, other = database(wanted=2), database(wanted=2)
    assert [ask(one), ask(other), ask(one), ask(other)] == [0, 1, None, None]
    assert states(one) == ["RUNNING", "RUNNING"]


def test_a_failed_trial_makes_room_and_a_finished_one_does_not(database: Open) -> None:
    one = database(wanted=2)
    study = one.study("s")
    study.tell(study.ask(), state=TrialState.FAIL)
    study.tell(study.ask(), 1.0)
    assert [ask(one), ask(one)] == [2, None]


def test_a_waiting_trial_stays_in_the_queue_when_enough_run(database: Open) -> None:
    one = database(wanted=1)
    one.enqueue_references(one.study("s"), {"first": RATE, "second": RATE})
    assert [ask(one), ask(one)] == [0, None]
    assert states(one) == ["RUNNING", "WAITING"]


def test_wanted_trials_are_claimed_once_when_all_ask_together(database: Open) -> None:
    everyone = [database(wanted=5) for _ in range(8)]
    everyone[0].enqueue_references(everyone[0].study("s"), {"first": RATE, "second": RATE})
    taken = [number for number in at_once(8, lambda i: ask(everyone[i])) if number is not None]
    assert sorted(taken) == [0, 1, 2, 3, 4]
    # Through a proxy trials queued in the meantime stay in the queue.
    assert [state for state in states(everyone[0]) if state != "WAITING"] == 5 * ["RUNNING"]


def test_references_are_queued_once_by_several_runs(database: Open) -> None:
    references = {"first": RATE, "second": {"rate": 0.25}}
    everyone = [database() for _ in range(6)]
    at_once(6, lambda i: everyone[i].enqueue_references(everyone[i].study("s"), references))
    trials = everyone[0].study("s").get_trials()
    queued = [trial for trial in trials if trial.state is TrialState.WAITING]
    assert [trial.user_attrs["origin"] for trial in queued] == ["first", "second"]
    # Through a proxy nothing can be locked: the second run withdraws the trials that it has queued.
    assert {t.user_attrs["reason"].split(",")[0] for t in trials if t not in queued} <= {
        "queued twice"
    }
    asked = everyone[0].study("s").ask()
    assert (asked.number, asked.suggest_float("rate", 0, 1)) == (0, 0.5)
