"""Notes of a worker about requested studies that are not open."""

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
    """An agenda of some studies, read once, and the recorder of its notes."""
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


STATUSES = [
    ("paused", "^scripted is paused; go on with: tuner resume scripted$"),
    ("stopped", "^scripted is stopped; go on with: tuner resume scripted$"),
    ("unlisted", "^scripted is not submitted; submit it with: tuner submit scripted$"),
    ("absent", r"^no study 'scripted' is stored in sqlite:.*; the stored studies are: other$"),
    ("empty", "^no study is stored in sqlite:"),
]


def bring_to(status, laboratory):
    if status in ("paused", "stopped"):
        laboratory.submit()
        (submitting.pause if status == "paused" else submitting.stop)("scripted", laboratory.url)
    elif status == "unlisted":
        laboratory.store("complete")
    elif status == "absent":
        laboratory.submit("other")


@pytest.mark.parametrize(("status", "match"), STATUSES)
def test_until_done_a_study_that_is_not_submitted_is_an_error(laboratory, status, match):
    bring_to(status, laboratory)
    with pytest.raises(RequestError, match=match) as raised:
        laboratory.serve("scripted")
    assert raised.value.exit_code == 2


@pytest.mark.parametrize(("status", "match"), STATUSES)
def test_waiting_worker_notes_the_status_of_a_study_once(laboratory, agenda, status, match):
    bring_to(status, laboratory)
    waiting, recorder = agenda("scripted")
    waiting.note_absent()
    waiting.note_absent()
    with pytest.raises(RequestError, match=match) as raised:
        waiting.require_present()
    assert recorder.events == [("note", str(raised.value))]


def test_stopped_study_with_all_its_trials_is_done(laboratory):
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
def test_trials_of_dead_workers_are_requeued_in_a_paused_study(laboratory, agenda, asked):
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
