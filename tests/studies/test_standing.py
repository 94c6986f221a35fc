"""What a worker says of studies that are asked for and are not up for work."""

from __future__ import annotations

import shutil

import pytest
from laboratory import Recorder
from optuna.trial import TrialState

from tuner.errors import RequestError, UnknownNameError
from tuner.service.agenda import Agenda
from tuner.storage.database import Database
from tuner.storage.lease import own_lease
from tuner.studies import submitting


@pytest.fixture
def agenda(laboratory):
    """An agenda of some studies that has looked, and what it tells."""
    opened = []

    def make(*studies):
        recorder, database = Recorder(), Database(laboratory.url)
        opened.append(database)
        made = Agenda(database, studies, str(laboratory.folder), recorder.note)
        made.refresh()
        return made, recorder

    yield make
    for database in opened:
        database.close()


STANDINGS = [
    ("paused", "^scripted is paused; go on with: tuner resume scripted$"),
    ("stopped", "^scripted is stopped; go on with: tuner resume scripted$"),
    ("unlisted", "^scripted is not up for work; put it up with: tuner submit scripted$"),
    ("absent", r"^no study 'scripted' is stored in sqlite:.*; the stored studies are: other$"),
    ("empty", "^no study is stored in sqlite:"),
]


def bring_to(standing, laboratory):
    if standing in ("paused", "stopped"):
        laboratory.submit()
        (submitting.pause if standing == "paused" else submitting.stop)("scripted", laboratory.url)
    elif standing == "unlisted":
        laboratory.store("complete")
    elif standing == "absent":
        laboratory.submit("other")


@pytest.mark.parametrize(("standing", "match"), STANDINGS)
def test_until_done_a_study_that_is_not_up_for_work_is_an_error(laboratory, standing, match):
    bring_to(standing, laboratory)
    with pytest.raises(RequestError, match=match) as raised:
        laboratory.serve("scripted")
    assert raised.value.exit_code == 2


@pytest.mark.parametrize(("standing", "match"), STANDINGS)
def test_who_waits_for_a_study_hears_once_how_it_stands(laboratory, agenda, standing, match):
    bring_to(standing, laboratory)
    waiting, recorder = agenda("scripted")
    waiting.note_absent()
    waiting.note_absent()
    with pytest.raises(RequestError, match=match) as raised:
        waiting.require_present()
    assert recorder.events == [("note", str(raised.value))]


def test_a_stopped_study_that_has_all_its_trials_is_done(laboratory):
    laboratory.store("complete", "pruned")
    laboratory.submit(n_trials=2)
    submitting.stop("scripted", laboratory.url)
    assert laboratory.serve("scripted") == "done"


def test_a_worker_takes_the_path_of_a_study_file(laboratory):
    laboratory.store("complete")
    laboratory.submit(n_trials=1)
    assert laboratory.serve(str(laboratory.study)) == "done"
    with pytest.raises(UnknownNameError, match="no study file"):
        laboratory.serve(str(laboratory.folder / "none.toml"))


@pytest.mark.parametrize("asked", ["scripted", "other"])
def test_a_paused_study_gets_back_what_a_dead_worker_ran(laboratory, agenda, asked):
    laboratory.submit()
    database = Database(laboratory.url, lease=own_lease() | {"started": 0.0})
    study = database.study("scripted")
    number = study.ask().number
    submitting.pause("scripted", laboratory.url)
    _, recorder = agenda(asked)
    counts = database.counts(study)
    database.close()
    assert (counts[TrialState.RUNNING], counts[TrialState.WAITING]) == (0, 1)
    assert f"scripted: trial {number} goes back to the queue" in recorder.notes()


@pytest.mark.slow
def test_a_study_that_cannot_be_run_here_is_named_with_its_folder(laboratory):
    submitted = laboratory.folder / "elsewhere"
    submitted.mkdir()
    laboratory.study.write_text(
        laboratory.study.read_text().replace(
            '"scripted:load_data"', '{ csv = "a.csv", target = "y" }'
        )
    )
    laboratory.study = laboratory.study.rename(submitted / "scripted.toml")
    laboratory.submit(n_trials=1)
    with pytest.raises(RequestError, match=r"^scripted: code .*--allow-code") as raised:
        laboratory.serve(allow_code=False)
    assert "submitted from" not in str(raised.value)
    shutil.rmtree(submitted)
    gone = f"it was submitted from {submitted}, a folder that this machine does not have"
    with pytest.raises(RequestError, match=rf"^scripted: .*a\.csv.*; {gone}$"):
        laboratory.serve()
