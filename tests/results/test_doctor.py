"""`tuner doctor`: what is in order, what it repairs, what it reports as wrong."""

from __future__ import annotations

import json
import sys

import pytest
from commands import contents
from optuna.trial import TrialState

from tuner.results import doctor
from tuner.storage.database import Database
from tuner.storage.lease import own_lease


@pytest.mark.slow
def test_healthy_machine_is_ok(laboratory, command):
    laboratory.store("complete")
    answer = command("doctor", "--storage", laboratory.url)
    assert (answer.status, answer.err) == (0, "")
    states = [line.split()[0] for line in answer.out.splitlines()]
    assert states == ["ok"] * 4
    assert "TensorFlow 2." in answer.out
    assert "1 study" in answer.out


@pytest.fixture
def quick(monkeypatch):
    """Loads nothing for TensorFlow."""
    monkeypatch.setattr(doctor, "_LOAD", "pass")


def test_doctor_only_looks_and_repair_requeues_without_counting(laboratory, command, quick):
    laboratory.store()
    lease = own_lease() | {"pid": 2**22}
    database = Database(laboratory.url, lease=lease)
    study = database.study("scripted")
    study.ask()
    before = contents(laboratory.database)
    answer = command("doctor", "--storage", laboratory.url)
    assert answer.status == 1
    assert "wrong   trials      trial 0 of scripted was left behind" in answer.out
    assert "`tuner worker` puts it back in the queue, or --repair now" in answer.out
    assert contents(laboratory.database) == before

    answer = command("doctor", "--storage", laboratory.url, "--repair")
    assert answer.status == 0
    assert "mended  trials      trial 0 of scripted was left behind" in answer.out
    (trial,) = study.get_trials()
    assert trial.state is TrialState.WAITING
    assert trial.user_attrs == {"worker": lease}
    database.close()


def test_doctor_names_the_command_for_a_trial_of_another_program(laboratory, command, quick):
    laboratory.store()
    Database(laboratory.url).study("scripted").ask()  # as a plain Optuna script does
    answer = command("doctor", "--storage", laboratory.url, "--repair")
    assert answer.status == 0
    assert "ok      trials      trial 0 of scripted is held by another program" in answer.out
    assert "--study-name scripted --trial-number 0 --state fail" in answer.out


def test_wrong_findings_are_shown_and_set_the_status(tmp_path, command, quick, monkeypatch):
    answer = command("doctor")
    assert "sqlite:///tuner.db is not there yet" in answer.out
    assert not (tmp_path / "tuner.db").exists()
    (tmp_path / "tuner.db").write_text("not a database, and longer than a header of one would be")
    monkeypatch.setattr(sys, "executable", "/bin/false")
    answer = command("doctor", "--json")
    assert answer.status == 1
    found = {one["what"]: one for one in json.loads(answer.out)}
    assert found["storage"]["state"] == found["tensorflow"]["state"] == "wrong"
    assert "not a database" in found["storage"]["told"]
