"""A PostgreSQL server that stops during a run, and restarts or does not."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

import optuna
import psycopg
import pytest
import sqlalchemy as sa
from laboratory import CALM, Laboratory, Recorder
from optuna.trial import TrialState
from servers import PORT, Postgres

from tuner.errors import StorageError
from tuner.search import Judging
from tuner.storage.database import Database
from tuner.storage.retrying import RetryPolicy
from tuner.trials.reporting import Reporter


@pytest.mark.slow
def test_run_survives_a_restart_of_its_database(laboratory: Laboratory, server: Postgres):
    laboratory.behave("slow")
    laboratory.url = server.new_database()
    restarts: list[threading.Thread] = []

    def restart() -> None:
        server.stop()
        time.sleep(3)
        server.start()

    def in_the_middle(number: int, epoch: int) -> None:
        if number == 1 and not restarts:
            restarts.append(threading.Thread(target=restart))
            restarts[0].start()

    recorder = Recorder()
    recorder.on_epoch = in_the_middle
    run = laboratory.run(workers=2, recorder=recorder)
    restarts[0].join()
    assert run.ending == "done"
    assert run.counts["complete"] == 4
    assert [event for event in recorder.events if event[0] in ("fail", "returned")] == []
    database = Database(laboratory.url)
    assert database.running(database.study("scripted")) == []
    calm = laboratory.run(workers=1, study_name="calm", n_trials=4, settings=CALM)
    database.close()
    found = {row.number: row.value for row in run.trials}
    assert found == pytest.approx({row.number: row.value for row in calm.trials}, rel=1e-6)


@pytest.mark.slow
def test_report_waits_for_its_database(server: Postgres):
    database = Database(server.new_database(), retry=RetryPolicy(60))
    study = optuna.create_study(storage=database.storage, study_name="s")
    trial = study.ask()
    reporter = Reporter(trial, Judging(lambda epoch: epoch > 1, False), database, 10)
    is_back = threading.Event()

    def start() -> None:
        is_back.set()
        server.start()

    server.stop()
    back = threading.Timer(0.5, start)
    back.start()
    try:
        assert not reporter.pruned(1, 0.5)
        assert not is_back.is_set(), "nothing was to be stored yet"
        assert not reporter.pruned(2, 0.25)
        assert is_back.is_set()
    finally:
        back.join()
    assert study.trials[0].intermediate_values == {1: 0.5, 2: 0.25}
    database.close()


@pytest.mark.slow
def test_outage_longer_than_the_policy_is_an_error(server: Postgres):
    asked: list[None] = []

    def over() -> bool:
        asked.append(None)
        return len(asked) > 3

    database = Database(server.new_database(), retry=RetryPolicy(0.5))
    interrupted = Database(server.new_database(), retry=RetryPolicy(60, over))
    server.stop()
    try:
        since = time.monotonic()
        for one in (database, interrupted):
            with pytest.raises(StorageError, match="is the server running"):
                one.study_names()
        assert 0.2 < time.monotonic() - since < 30
    finally:
        server.start()
    assert database.study_names() == []
    database.close()
    interrupted.close()


@pytest.mark.parametrize("step", ["begin", "take", "write", "end"])
def test_transaction_is_not_repeated_when_its_commit_is_lost(
    server: Postgres, monkeypatch: pytest.MonkeyPatch, step: str
):
    """The connection breaks after the commit, before the server's answer to it arrives."""
    database = Database(
        server.new_database(), lease={"host": "a", "pid": 1}, wanted=1, retry=RetryPolicy(30)
    )
    database.upgrade()
    study = optuna.create_study(storage=database.storage, study_name="s")
    if step == "take":
        study.enqueue_trial({"x": 0.5})
    lose = _losing_a_commit(database, monkeypatch)
    if step in ("begin", "take"):
        lose()
    trial = study.ask()
    if step == "write":
        lose()
    with database.together():
        trial.suggest_float("x", 0, 1)
        trial.set_user_attr("seed", 1)
    if step == "end":
        lose()
    study.tell(trial, 0.25)
    assert [one.state for one in study.trials if one.state is not TrialState.WAITING] == [
        TrialState.COMPLETE
    ]
    assert study.best_value == 0.25
    assert database.running(study) == []
    database.close()


def test_give_back_is_acknowledged_when_its_commit_is_lost(
    server: Postgres, monkeypatch: pytest.MonkeyPatch
):
    lease = {"host": "a", "pid": 1}
    database = Database(server.new_database(), lease=lease, retry=RetryPolicy(30))
    study = optuna.create_study(storage=database.storage, study_name="s")
    trial = study.ask()
    _losing_a_commit(database, monkeypatch)()
    assert database.give_back(trial._trial_id, lease)
    assert study.trials[0].state is TrialState.WAITING
    database.close()


def test_lost_claim_without_a_lease_requeues_no_trial_of_another_program(
    server: Postgres, monkeypatch: pytest.MonkeyPatch
):
    database = Database(server.new_database(), retry=RetryPolicy(30))
    study = optuna.create_study(storage=database.storage, study_name="s")
    of_another = study.ask()
    _losing_a_commit(database, monkeypatch)()
    study.ask()
    assert study.trials[of_another.number].state is TrialState.RUNNING
    database.close()


def _losing_a_commit(database: Database, monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    """Returns what makes the next commit succeed and look like a broken connection."""
    dialect = database.storage.engine.dialect
    commit = dialect.do_commit
    armed = [False]

    def do_commit(connection: sa.engine.interfaces.DBAPIConnection) -> None:
        commit(connection)
        if armed[0]:
            armed[0] = False
            raise psycopg.OperationalError("server closed the connection unexpectedly")

    monkeypatch.setattr(dialect, "do_commit", do_commit)
    return lambda: armed.__setitem__(0, True)


def test_each_wrong_part_of_a_url_has_its_advice(server: Postgres):
    url = server.url()
    for wrong, said in {
        server.url("nothing_here"): "create it first",
        url.replace("tuner@", "nobody@"): "is the user right",
        url.replace(f"port={PORT}", "port=54328"): "is the server running",
        "postgresql+psycopg://u:p@no-such-host.invalid/db": "is the name of the host right",
    }.items():
        with pytest.raises(StorageError, match=said) as error:
            Database(wrong)
        assert "\n" not in str(error.value)
        assert ":p@" not in str(error.value)
