"""What a proxy lacks and tuner adds, and the errors where it cannot."""

from __future__ import annotations

import json
import socket
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import grpc
import numpy as np
import optuna
import pytest
from commands import Command
from laboratory import Laboratory
from optuna.distributions import IntDistribution
from optuna.exceptions import UpdateFinishedTrialError
from optuna.trial import TrialState
from servers import proxy_here

from tuner.errors import StorageError
from tuner.storage.database import Database
from tuner.storage.error_mapping import ProxyError
from tuner.storage.proxy import calls
from tuner.storage.retrying import RetryPolicy
from tuner.storage.taker import BEAT, TrialLost
from tuner.studies import recovery

ELSEWHERE = {"host": "elsewhere", "pid": 1, "started": 0.5}
LOGGED = [{"loss": 1.0}, {"loss": 0.5, "lr": 0.1}]


@pytest.fixture
def both(tmp_path: Path) -> Iterator[Callable[..., Database]]:
    """``both("proxy")`` and ``both("sql")`` open one database in two ways."""
    file = f"sqlite:///{tmp_path}/tuner.db"
    opened: list[Database] = []
    with proxy_here(file) as address:

        def open_one(way: str, **options: Any) -> Database:
            opened.append(Database(address if way == "proxy" else file, **options))
            return opened[-1]

        optuna.create_study(storage=open_one("proxy").storage, study_name="s")
        open_one("sql").upgrade()
        yield open_one
        for one in opened:
            one.close()


@pytest.mark.parametrize(("here", "there"), [("sql", "proxy"), ("proxy", "sql")])
def test_heartbeats_pass_between_sql_and_proxy(
    both: Callable[..., Database], here: str, there: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    one, other = both(here, lease=ELSEWHERE), both(there)
    trial, study = one.study("s").ask(), other.study("s")
    (found,) = other.running(study)
    assert (found.lease, found.silent_s < 5) == (ELSEWHERE, True)
    one.beat([trial._trial_id])
    assert recovery.return_abandoned(other, study, "gone") == []
    now = time.time()
    monkeypatch.setattr(time, "time", lambda: now + 400)
    if here == "proxy":  # SQL also sees when the trial began, by its own clock
        with other.storage.engine.begin() as connection:
            connection.exec_driver_sql("UPDATE trials SET datetime_start = '2026-01-01 00:00:00'")
    assert [one.number for one in recovery.return_abandoned(other, study, "gone")] == [0]
    # Taken again, its old heartbeats are not the new worker's.
    assert one.study("s").ask().number == 0
    (found,) = other.running(study)
    assert found.silent_s < 5


def test_deleted_study_leaves_nothing_to_the_next_one_with_its_identifier(
    both: Callable[..., Database],
) -> None:
    storage = both("proxy").storage
    deleted = optuna.load_study(study_name="s", storage=storage)
    deleted.ask().suggest_float("x", 0, 1)
    optuna.delete_study(study_name="s", storage=storage)
    study = optuna.create_study(study_name="again", storage=storage)
    assert study._study_id == deleted._study_id
    assert study.ask().suggest_int("x", 0, 9) in range(10)


def test_finished_trial_is_neither_claimed_nor_given_parameters(
    both: Callable[..., Database],
) -> None:
    study = both("proxy").study("s")
    trial = study.ask()
    trial.suggest_float("x", 0, 1)
    study.tell(trial, 1.0)
    storage = study._storage
    with pytest.raises(UpdateFinishedTrialError, match="Trial#0 has already finished"):
        storage.set_trial_state_values(trial._trial_id, TrialState.RUNNING)
    with pytest.raises(UpdateFinishedTrialError, match="Trial#0 has already finished"):
        storage.set_trial_param(trial._trial_id, "x", 1, IntDistribution(0, 9))


def test_claim_without_a_lease_is_requeued_when_its_heartbeat_stops(
    both: Callable[..., Database], monkeypatch: pytest.MonkeyPatch
) -> None:
    one = both("proxy", lease=ELSEWHERE)
    monkeypatch.setattr(optuna.storages.GrpcStorageProxy, "set_trial_user_attr", None)
    with pytest.raises(TypeError, match="not callable"):
        one.study("s").ask()
    monkeypatch.undo()
    now = time.time()
    for way in ("proxy", "sql"):
        other = both(way)
        study = other.study("s")
        assert [trial.lease for trial in other.running(study)] == [{}]
        assert recovery.return_abandoned(other, study, "gone") == []
    monkeypatch.setattr(time, "time", lambda: now + 400)
    other = both("proxy")
    assert len(recovery.return_abandoned(other, other.study("s"), "gone")) == 1


@pytest.mark.parametrize("way", ["proxy", "sql"])
def test_trial_with_another_lease_is_neither_requeued_nor_ended(
    both: Callable[..., Database], way: str
) -> None:
    quick_lease = ELSEWHERE | {"pid": 2}
    silent, quick = both(way, lease=ELSEWHERE), both(way, lease=quick_lease)
    watcher = both(way)
    trial_id = silent.study("s").ask()._trial_id
    silent.require_own(trial_id)
    (seen,) = watcher.running(watcher.study("s"))
    assert quick.give_back(trial_id, seen.lease)
    assert not quick.give_back(trial_id, seen.lease)
    with pytest.raises(TrialLost, match="is no longer run by this process"):
        silent.require_own(trial_id)
    assert quick.study("s").ask()._trial_id == trial_id
    assert not watcher.give_back(trial_id, seen.lease)
    with pytest.raises(TrialLost, match="is no longer run by this process"):
        silent.require_own(trial_id)
    quick.require_own(trial_id)
    assert quick.counts(quick.study("s"))[TrialState.RUNNING] == 1


@pytest.mark.parametrize("step", ["CreateNewTrial", "RUNNING", "SetTrialParameter", "COMPLETE"])
def test_call_is_not_repeated_when_its_answer_is_lost(
    step: str, both: Callable[..., Database], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The connection breaks after the proxy has done it, before its answer arrives."""
    database = both("proxy", lease=ELSEWHERE, wanted=1, retry=RetryPolicy(30))
    study = database.study("s")
    answer, lost = calls._answer, []

    def losing(procedure: Any, request: Any) -> Any:
        found = answer(procedure, request)
        name = type(request).__name__.removesuffix("Request")
        if name == "SetTrialStateValues":
            name = "RUNNING" if request.state == 0 else "COMPLETE"
        if name == step and not lost:
            lost.append(name)
            raise ProxyError("the answer is lost", may_pass=True)
        return found

    monkeypatch.setattr(calls, "_answer", losing)
    trial = study.ask()
    with database.together():
        trial.suggest_float("x", 0, 1)
        trial.set_user_attr("seed", 1)
    study.tell(trial, 0.25)
    assert lost == [step]
    assert [(one.state, one.value) for one in study.trials] == [(TrialState.COMPLETE, 0.25)]
    assert study.trials[0].user_attrs == {"worker": ELSEWHERE, "seed": 1}


def test_curves_pass_through_a_proxy(both: Callable[..., Database]) -> None:
    proxied, direct = both("proxy"), both("sql")
    for database in (proxied, direct):
        trial = database.study("s").ask()
        with database.together():
            database.write_attrs(trial._trial_id, {"worker": ELSEWHERE})
            database.write_curves(trial._trial_id, LOGGED)
            database.study("s").tell(trial, 1.0)
    for database in (proxied, direct):
        curves = database.curves(database.study("s"), 0)
        assert curves["loss"].tolist() == [1.0, 0.5]
        assert np.isnan(curves["lr"][0])
    assert direct.curves(direct.study("s"), 1)["loss"].tolist() == [1.0, 0.5]
    with pytest.raises(
        StorageError, match="trial 1 cannot be seen through a proxy, or were too lo"
    ):
        proxied.curves(proxied.study("s"), 1)


def test_curves_longer_than_an_attribute_are_not_stored(both: Callable[..., Database]) -> None:
    database = both("proxy")
    trial = database.study("s").ask()
    values = np.random.default_rng(0).normal(size=20_000)
    database.write_curves(trial._trial_id, [{"loss": value} for value in values])
    assert set(database.study("s").trials[0].system_attrs) == {BEAT}


def test_study_attributes_pass_between_sql_and_proxy(both: Callable[..., Database]) -> None:
    for way, other in (("proxy", "sql"), ("sql", "proxy")):
        database = both(way)
        database.study("s").set_user_attr("from", [way])
        assert both(other).study_attrs(database.study("s")) == {"from": [way]}


@pytest.mark.parametrize("words", ["best", "show", "trials", "export"])
def test_reading_commands_give_the_same_through_a_proxy(
    words: str, laboratory: Laboratory, command: Command
) -> None:
    laboratory.store("complete", "pruned", "fail", "complete", "waiting")
    extra = ["-o", "out.toml"] if words == "export" else []
    plain = command(words, "scripted", *extra, "--storage", laboratory.url)
    if extra:
        exported = (laboratory.folder / "out.toml").read_text()
        (laboratory.folder / "out.toml").unlink()
    with proxy_here(laboratory.url) as address:
        through = command(words, "scripted", *extra, "--storage", address)
        assert (through.status, through.err) == (0, plain.err)
        assert through.out.replace(address, laboratory.url) == plain.out
    if extra:
        again = (laboratory.folder / "out.toml").read_text()
        assert again.replace(address, laboratory.url) == exported


def test_studies_through_a_proxy(laboratory: Laboratory, command: Command) -> None:
    laboratory.store("complete", "complete", "fail")
    laboratory.store(study_name="empty")
    laboratory.submit(priority=2)
    plain = json.loads(command("studies", "--json", "--storage", laboratory.url).out)
    with proxy_here(laboratory.url) as address:
        through = json.loads(command("studies", "--json", "--storage", address).out)
    for line in plain:
        line["per_minute"] = None  # a proxy does not return when a trial ended
    assert through == plain


@pytest.mark.parametrize("words", ["run scripted", "best scripted", "studies", "dashboard"])
def test_missing_proxy_is_an_error_with_advice(
    words: str, laboratory: Laboratory, command: Command
) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
    command(*words.split(), "--storage", f"grpc://127.0.0.1:{port}").refused(
        2,
        rf"storage grpc://127\.0\.0\.1:{port}: no proxy answers \(.*refused.*\); start one with "
        r"optuna\.storages\.run_grpc_proxy_server, or are host and port wrong\?",
    )


def test_server_that_is_not_a_proxy_is_refused() -> None:
    server = grpc.server(ThreadPoolExecutor(1))
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    with pytest.raises(StorageError, match="what answers is not Optuna's proxy, or an old one"):
        Database(f"grpc://127.0.0.1:{port}")
    server.stop(None).wait()


@pytest.mark.parametrize("wrong", ["grpc://", "grpc://me:secret@h:1", "grpc://h:1/db", "grpc:///x"])
def test_url_of_a_proxy_has_only_an_address(
    wrong: str, laboratory: Laboratory, command: Command
) -> None:
    answer = command("best", "scripted", "--storage", wrong)
    answer.refused(2, r"only the address is written: grpc://HOST:PORT, e\.g\. grpc://localhost:13")
    assert "secret" not in answer.err


def test_missing_grpc_names_the_extra(
    laboratory: Laboratory, command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in [name for name in sys.modules if name.startswith("tuner.storage.")]:
        if name.rsplit(".", 1)[1] in ("calls", "remote", "claiming", "proxied"):
            monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "grpc", None)
    command("best", "scripted", "--storage", "grpc://localhost:1").refused(
        2, r"a proxy needs two packages more; install them with: pip install 'tuner\[grpc\]'"
    )
