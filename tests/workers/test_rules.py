"""The rules that a run keeps: when it ends, whose trials it returns, when workers are replaced."""

from __future__ import annotations

import optuna
import pytest

from tuner.errors import StudyError
from tuner.storage.database import Database
from tuner.storage.lease import own_lease
from tuner.workers.supervisor import Supervisor

pytestmark = pytest.mark.slow


def stored(laboratory) -> list[optuna.trial.FrozenTrial]:
    database = Database(laboratory.url)
    trials = database.study("scripted").get_trials()
    database.close()
    return trials


def build_with(laboratory, *lines: str) -> None:
    """Puts lines at the beginning of the scripted ``build_model``."""
    script = laboratory.folder / "scripted.py"
    body = "".join(f"    {line}\n" for line in lines)
    head = "def build_model(params, data):\n"
    script.write_text(script.read_text().replace(head, head + body))


def test_a_worker_is_replaced_after_some_trials(laboratory, monkeypatch):
    monkeypatch.setattr("tuner.workers.process._TRIALS_A_PROCESS", 2)
    run = laboratory.run(workers=1, n_trials=5)
    assert (run.ending, run.counts["complete"]) == ("done", 5)
    pids = [trial.user_attrs["worker"]["pid"] for trial in stored(laboratory)]
    assert [pids.count(pid) for pid in dict.fromkeys(pids)] == [2, 2, 1]


def test_worker_of_much_memory_is_replaced(laboratory, monkeypatch):
    monkeypatch.setattr("tuner.workers.process._GROWTH_A_PROCESS", 60 * 2**20)
    build_with(
        laboratory,
        "import numpy as np",
        "build_model.kept = getattr(build_model, 'kept', [])",
        "build_model.kept.append(np.ones(2**24))  # 128 MiB",
    )
    run = laboratory.run(workers=1, n_trials=5)
    assert (run.ending, run.counts["complete"]) == ("done", 5)
    pids = [trial.user_attrs["worker"]["pid"] for trial in stored(laboratory)]
    assert [pids.count(pid) for pid in dict.fromkeys(pids)] == [2, 2, 1]


def test_run_ends_when_every_further_trial_fails(laboratory):
    build_with(
        laboratory,
        "seen = open(__file__ + '.seen', 'ab')",
        "seen.write(b'.')",
        "if seen.tell() > 2: raise ValueError('works no more')",
    )
    with pytest.raises(StudyError, match=r"the last 10 trials failed, .*works no more"):
        laboratory.run(workers=1)
    assert [trial.state.name for trial in stored(laboratory)] == ["COMPLETE"] + 10 * ["FAIL"]


def test_trials_left_behind_by_another_run_are_run(laboratory):
    def leave_one_behind(number, epoch):
        if (number, epoch) == (0, 1):
            gone = Database(laboratory.url, lease={**own_lease(), "started": 0})
            gone.study("scripted").ask()
            gone.close()

    laboratory.recorder.on_epoch = leave_one_behind
    run = laboratory.run(workers=1, n_trials=2, recorder=laboratory.recorder)
    assert ("returned", 1, "its process is gone") in laboratory.recorder.events
    assert (run.ending, run.counts["complete"]) == ("done", 2)
    assert run.counts["running"] == 0


def test_no_extra_trial_when_another_run_claims_the_last_one(laboratory, monkeypatch):
    recount = Supervisor._recount

    def too_hopeful(supervisor):
        recount(supervisor)
        left = supervisor._remaining
        left.open += left.finished < 2  # what another run is about to take

    monkeypatch.setattr(Supervisor, "_recount", too_hopeful)
    run = laboratory.run(workers=2, n_trials=2)
    assert run.ending == "done"
    assert run.counts == {"complete": 2, "pruned": 0, "fail": 0, "running": 0, "waiting": 0}
