"""Trials that another program holds: a run that cannot finish because of them names them."""

from __future__ import annotations

import re

import optuna
import pytest
from commands import Command
from laboratory import Laboratory
from optuna.storages import RDBStorage
from optuna.trial import TrialState, create_trial

import tuner
from tuner.errors import StudyError
from tuner.storage.database import Database
from tuner.storage.lease import own_lease
from tuner.studies.foreign import foreign_trials, how_to_end

HELD = (
    r"trial 1 of scripted is held by another program \(`optuna ask`, or a script; .* ago\), and "
    r".*; if not, end it with: optuna tell --storage sqlite:///\S+ --study-name scripted "
    r"--trial-number 1 --state fail"
)


def ask_outside(laboratory: Laboratory) -> None:
    """Asks for a trial as a plain Optuna script does, and never ends it."""
    storage = RDBStorage(laboratory.url)
    optuna.load_study(study_name="scripted", storage=storage).ask()
    storage.engine.dispose()


def test_the_command_names_the_first_of_several_trials(laboratory: Laboratory) -> None:
    laboratory.store()
    mine = Database(laboratory.url, lease=own_lease())
    mine.study("scripted").ask()
    for _ in range(7):
        ask_outside(laboratory)
    study = mine.study("scripted")
    held = foreign_trials(mine, study)
    assert [trial.number for trial in held] == [1, 2, 3, 4, 5, 6, 7]
    text = how_to_end(mine, study, held)
    assert text.startswith("trials 1, 2, 3, 4, 5 and 2 more of scripted are held by another")
    assert "end each of them with: optuna tell --storage sqlite:///" in text
    assert text.endswith("--trial-number 1 --state fail")
    mine.close()


@pytest.mark.slow
def test_run_with_too_few_finished_trials_fails_with_the_reason(
    laboratory: Laboratory, command: Command
) -> None:
    options = ("--workers", "1", "--n-trials", "2")
    assert command("run", "scripted", "--workers", "1", "--n-trials", "1").status == 0
    ask_outside(laboratory)
    answer = command("run", "scripted", *options)
    assert answer.status == 1
    assert "1 complete, 0 pruned, 0 failed, 1 running" in answer.out
    last = answer.err.splitlines()[-1]
    assert re.fullmatch(rf"tuner: 1 of 2 trials wanted are finished: {HELD}", last)
    with pytest.raises(StudyError, match=HELD):
        tuner.run("scripted", workers=1, n_trials=2)
    # After the advised command the run can be resumed.
    database = Database(laboratory.url)
    database.study("scripted").tell(1, state=TrialState.FAIL)
    database.close()
    assert command("run", "scripted", *options).status == 0


def test_until_done_a_worker_does_not_wait_for_foreign_trials(
    laboratory: Laboratory, command: Command
) -> None:
    laboratory.submit(n_trials=2)
    storage = RDBStorage(laboratory.url)
    study = optuna.load_study(study_name="scripted", storage=storage)
    study.add_trial(create_trial(value=1.0))
    study.ask()
    with pytest.raises(StudyError, match=HELD):
        laboratory.serve()
    study.tell(1, 0.5)
    assert laboratory.serve() == "done"
    storage.engine.dispose()


def test_worker_notes_which_foreign_trials_it_waits_for(
    laboratory: Laboratory, monkeypatch: pytest.MonkeyPatch
) -> None:
    laboratory.submit(n_trials=2, workers=1)
    storage = RDBStorage(laboratory.url)
    study = optuna.load_study(study_name="scripted", storage=storage)
    study.add_trial(create_trial(value=1.0))
    study.ask()
    storage.engine.dispose()

    def stop(_service: object) -> None:
        raise KeyboardInterrupt("stopped by the test")

    monkeypatch.setattr("tuner.service.service.Service._wait", stop)
    with pytest.raises(KeyboardInterrupt, match="stopped by the test"):
        laboratory.serve(until_done=False)
    assert re.search(f"{HELD}; waiting", laboratory.recorder.notes())
