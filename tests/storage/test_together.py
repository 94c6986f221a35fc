"""Writes in groups, which keep Optuna's rules."""

from __future__ import annotations

import contextlib
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import optuna
import pytest
import sqlalchemy as sa
from optuna.exceptions import UpdateFinishedTrialError
from optuna.samplers import TPESampler
from optuna.storages import RDBStorage
from optuna.trial import TrialState
from servers import EVERY_BACKEND
from sqlalchemy import event

from tuner.storage.backend import Writes
from tuner.storage.database import Database
from tuner.storage.sql import engine

Open = Callable[..., Database]


@pytest.fixture
def database(open_database: Open) -> Database:
    opened = open_database()
    optuna.create_study(storage=opened.storage, study_name="s")
    return opened


@pytest.fixture
def commits(database: Database) -> list[str]:
    """Grows by one for each transaction in which something was written."""
    found: list[str] = []
    wrote: list[bool] = []

    @event.listens_for(database.storage.engine, "before_cursor_execute")
    def _executed(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        if not statement.startswith("SELECT"):
            wrote.append(True)

    @event.listens_for(database.storage.engine, "commit")
    def _committed(_connection: Any) -> None:
        if wrote:
            found.append("commit")
            wrote.clear()

    return found


def suggest(trial: optuna.Trial) -> dict[str, Any]:
    optimizer = trial.suggest_categorical("optimizer", ["adam", "sgd"])
    trial.suggest_float("rate", 1e-5, 1e-1, log=True)
    for name in ("a", "b", "c"):
        trial.suggest_int(name, 1, 9)
    if optimizer == "sgd":
        trial.suggest_float("momentum", 0.0, 1.0)
    return trial.params


def test_ask_suggest_report_and_tell_take_one_transaction_each(
    database: Database, commits: list[str]
) -> None:
    study = database.study("s")
    study.sampler = TPESampler(n_startup_trials=1, seed=0)
    study.tell(study.ask(), 1.0)
    study.pruner = optuna.pruners.SuccessiveHalvingPruner(min_resource=1)
    commits.clear()
    trial = study.ask()
    assert len(commits) == 1
    with database.together():
        suggest(trial)
        database.write_attrs(trial._trial_id, {"seed": 1, "epochs_wanted": 3})
        assert len(commits) == 1
    assert len(commits) == 2
    with database.together():
        trial.report(0.5, 1)
        trial.should_prune()
    assert len(commits) == 3
    with database.together():
        database.write_attrs(trial._trial_id, {"epochs": 3})
        database.write_curves(trial._trial_id, [{"loss": 0.5}])
        study.tell(trial, 0.5)
    assert len(commits) == 4
    stored = study.trials[-1]
    assert (stored.params, stored.values) == (trial.params, [0.5])
    assert stored.user_attrs == {"seed": 1, "epochs_wanted": 3, "epochs": 3}
    assert stored.system_attrs["completed_rung_0"] == 0.5


def test_together_reads_the_study_once(database: Database, open_database: Open) -> None:
    study, other = database.study("s"), open_database().study("s")
    asked = []
    event.listen(
        *(database.storage.engine, "before_cursor_execute"),
        lambda _connection, _cursor, statement, *_: asked.append(statement),
    )
    trial = study.ask()
    asked.clear()
    with database.together():
        first = study.get_trials(deepcopy=False)
        other.ask()
        assert len(study.get_trials(deepcopy=False)) == len(first) == 1
        assert database.storage.get_trial(trial._trial_id) == first[0]
        assert len(asked) == 2
        study.tell(trial, 0.5)  # reads the written values
        assert [one.state for one in study.get_trials()] == [
            TrialState.COMPLETE,
            TrialState.RUNNING,
        ]
    other.ask()
    assert len(study.get_trials()) == 3
    with database.together():
        assert len(study.get_trials()) == 3


@pytest.mark.slow
@pytest.mark.parametrize("url", EVERY_BACKEND, indirect=True)
def test_stored_trials_equal_those_of_optunas_storage(database: Database, tmp_path: Path) -> None:
    def trials(study: optuna.Study, together: Any) -> list[tuple[Any, ...]]:
        study.sampler = TPESampler(seed=4, n_startup_trials=3)
        study.enqueue_trial({"optimizer": "sgd", "rate": 0.01, "b": 7})
        for number in range(12):
            trial = study.ask()
            with together():
                suggest(trial)
            trial.report(number / 7, number)
            if number % 4 == 3:
                study.tell(trial, state=TrialState.PRUNED)
            else:
                study.tell(trial, trial.params["rate"])
        return [
            (one.params, one.distributions, one.values, one.intermediate_values, optunas_attrs(one))
            for one in study.trials
        ]

    def optunas_attrs(trial: optuna.trial.FrozenTrial) -> dict[str, Any]:
        return {k: v for k, v in trial.system_attrs.items() if not k.startswith("tuner:")}

    plain = optuna.create_study(storage=f"sqlite:///{tmp_path}/plain.db", study_name="s")
    ours = trials(database.study("s"), database.together)
    assert ours == trials(plain, contextlib.nullcontext)
    assert ours[0][0]["b"] == 7


@pytest.mark.parametrize("url", EVERY_BACKEND, indirect=True)
def test_grouped_writes_are_read_by_this_process_only(
    database: Database, open_database: Open
) -> None:
    trial = database.study("s").ask()
    other = open_database().study("s")
    with database.together():
        trial.suggest_float("x", 0.0, 1.0)
        trial.set_user_attr("key", "value")
        trial.report(0.5, 3)
        seen = database.study("s").trials[0]
        assert (seen.params, seen.intermediate_values) == (trial.params, {3: 0.5})
        assert database.storage.get_trial(trial._trial_id).user_attrs == {"key": "value"}
        assert other.trials[0].params == {}
    assert other.trials[0] == database.study("s").trials[0]
    assert other.trials[0].params == trial.params


@pytest.mark.parametrize("url", EVERY_BACKEND, indirect=True)
def test_group_is_all_or_nothing_and_a_requeued_trial_keeps_its_parameters(
    database: Database,
) -> None:
    study = database.study("s")
    study.sampler = optuna.samplers.RandomSampler(seed=1)
    trial = study.ask()

    def is_killed() -> None:
        with database.together():
            suggest(trial)
            raise RuntimeError("killed")

    with pytest.raises(RuntimeError, match="killed"):
        is_killed()
    assert study.trials[0].params == {}
    assert database.give_back(trial._trial_id, {})
    again = study.ask()
    with database.together():
        suggest(again)
    assert database.give_back(again._trial_id, {})
    third = study.ask()
    with database.together():
        assert suggest(third) == again.params
    assert [trial.number, again.number, third.number] == [0, 0, 0]
    assert study.trials[0].params == again.params


@pytest.mark.parametrize("url", EVERY_BACKEND, indirect=True)
def test_distributions_of_a_study_must_agree(database: Database, open_database: Open) -> None:
    study = database.study("s")
    with database.together():
        study.ask().suggest_categorical("x", ["a", "b"])
    for one in (database, open_database()):
        trial = one.study("s").ask()
        with pytest.raises(ValueError, match="does not support dynamic value space"):
            trial.suggest_categorical("x", ["a", "c"])
        with pytest.raises(ValueError, match="different distribution kind"), one.together():
            trial.suggest_float("x", 0.0, 1.0)


@pytest.mark.parametrize("url", EVERY_BACKEND, indirect=True)
def test_write_to_a_finished_trial_is_refused(database: Database) -> None:
    study = database.study("s")
    trial = study.ask()
    study.tell(trial, 1.0)
    with pytest.raises(UpdateFinishedTrialError, match="Trial#0 has already finished"):
        trial.set_user_attr("late", 1)
    ended = pytest.raises(UpdateFinishedTrialError, match="Trial#0 has already finished")
    with ended, database.together():
        database.write_attrs(trial._trial_id, {"late": 1})
    with pytest.raises(KeyError, match="does not exist"):
        database.storage.write(99, Writes(user_attrs={"a": 1}))
    assert study.trials[0].user_attrs == {}


def test_optunas_own_storage_reads_and_ends_our_trials(database: Database, url: str) -> None:
    trial = database.study("s").ask()
    with database.together():
        suggest(trial)
    plain = RDBStorage(url)
    study = optuna.load_study(storage=plain, study_name="s")
    assert study.trials[0].params == trial.params
    study.tell(0, 0.5)
    assert database.study("s").trials[0].value == 0.5
    plain.engine.dispose()


@pytest.mark.parametrize("url", ["postgresql"], indirect=True)
def test_connection_that_broke_while_idle_is_replaced(
    database: Database, open_database: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    trial = database.study("s").ask()
    with open_database().storage.engine.connect() as other:
        ended = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
        other.execute(
            sa.text(f"{ended} WHERE datname = current_database() AND pid <> pg_backend_pid()")
        )
    monkeypatch.setattr(engine, "_IDLE_SECONDS", 0.0)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        trial.report(0.5, 1)
    assert database.study("s").trials[0].intermediate_values == {1: 0.5}


@pytest.mark.parametrize("url", EVERY_BACKEND, indirect=True)
def test_heartbeat_of_a_deleted_trial_is_ignored(database: Database) -> None:
    trial_id = database.study("s").ask()._trial_id
    optuna.delete_study(study_name="s", storage=database.storage)
    database.beat([trial_id])
    assert database.study_names() == []
