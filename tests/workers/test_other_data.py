"""Workers that load other data than the study has."""

from __future__ import annotations

import os
import signal

import psutil
import pytest
from commands import Command
from laboratory import Laboratory, Recorder
from optuna.trial import TrialState

from tuner.errors import DataChangedError, DataError
from tuner.storage.database import Database
from tuner.studies import provenance


def data(fingerprint: str) -> dict[str, object]:
    return {"name": "mine", "rows": {"train": 3, "test": 2}, "fingerprint": fingerprint * 16}


def shift_with(laboratory: Laboratory, seed: str) -> None:
    """Lets ``load_data`` draw its rows with this seed."""
    script = laboratory.folder / "scripted.py"
    script.write_text(script.read_text().replace("default_rng(0)", f"default_rng({seed})"))


def states(laboratory: Laboratory) -> list[TrialState]:
    database = Database(laboratory.url)
    try:
        return [trial.state for trial in database.study("scripted").get_trials()]
    finally:
        database.close()


def test_workers_with_the_same_data_agree() -> None:
    provenance.require_same_data([data("a"), data("a")])
    words = (
        r"the workers have loaded different data: mine, 3 \+ 2 rows with fingerprint aaaaaaaaaaaa, "
        r"and mine, 3 \+ 2 rows with fingerprint bbbbbbbbbbbb; .* nothing was started\. Put the "
        r"data back as they were; if a load_data of yours shuffles, give it a fixed seed"
    )
    with pytest.raises(DataError, match=words):
        provenance.require_same_data([data("a"), data("b"), data("a")])


def test_study_keeps_its_first_data(laboratory: Laboratory) -> None:
    laboratory.store(fingerprint="a" * 64)
    database = Database(laboratory.url)
    study = database.study("scripted")
    with pytest.raises(DataError, match=r"was made with other data: .* give it a fixed seed, or"):
        provenance.accept_data(database, study, data("b"))
    provenance.check_data(database, study, data("aaaa"))
    database.close()


@pytest.mark.slow
def test_unseeded_shuffle_is_refused_before_anything_is_stored(
    laboratory: Laboratory, command: Command
) -> None:
    shift_with(laboratory, "")
    command("run", "scripted", "--workers", "2").refused(2, "the workers have loaded different")
    database = Database(laboratory.url)
    assert database.study_names() == []
    database.close()


@pytest.mark.slow
def test_data_replaced_during_a_run_end_it_at_the_next_worker(
    laboratory: Laboratory,
) -> None:
    laboratory.behave("slow")
    recorder = Recorder()

    def replace(number: int, epoch: int) -> None:
        if number == 1:
            shift_with(laboratory, "1")
            database = Database(laboratory.url)
            (running,) = database.running(database.study("scripted"))
            database.close()
            assert running.lease
            os.kill(running.lease["pid"], signal.SIGKILL)
            psutil.wait_procs([psutil.Process(running.lease["pid"])], timeout=30)

    recorder.on_epoch = replace
    with pytest.raises(DataChangedError, match=r"was made with other data: .* Put the data back"):
        laboratory.run(workers=1, recorder=recorder)
    assert states(laboratory) == [TrialState.COMPLETE, TrialState.WAITING]


@pytest.mark.slow
def test_the_service_leaves_a_study_of_other_data_and_runs_the_others(
    laboratory: Laboratory,
) -> None:
    laboratory.store("complete", fingerprint="0" * 64)
    laboratory.submit(n_trials=2, priority=1)
    laboratory.submit("sound", n_trials=1)
    recorder = Recorder()
    recorder.on_epoch = lambda number, epoch: os.kill(os.getpid(), signal.SIGTERM)
    assert laboratory.serve(recorder=recorder, until_done=False) == "stopped"
    notes = recorder.notes()
    assert "scripted is set aside for 5 min: study 'scripted' in " in notes
    assert states(laboratory) == [TrialState.COMPLETE]
    assert [event[:2] for event in recorder.events if event[0] == "complete"] == [("complete", 0)]
