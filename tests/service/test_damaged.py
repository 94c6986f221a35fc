"""One damaged study in a shared database: it is skipped with a note, the others are run."""

from __future__ import annotations

import optuna
import pytest
from laboratory import Laboratory, Recorder
from optuna.trial import TrialState

from tuner.errors import SpecError
from tuner.service.agenda import Agenda
from tuner.service.withdrawals import Withdrawals
from tuner.storage.database import Database
from tuner.storage.lease import own_lease

STUDY = {"tuner:queue": "paused", "tuner:data": [1]}
TRIAL = {"attempts": "many", "worker": "me"}


def damage(laboratory: Laboratory, key: str) -> None:
    """Submits a study ``bad``, and changes it as any user of the database could."""
    laboratory.submit("bad", priority=5, n_trials=2)
    database = Database(laboratory.url, lease=own_lease() | {"started": 0.0})
    study = database.study("bad")
    if key in STUDY:
        study.set_user_attr(key, STUDY[key])
    else:
        study.ask().set_user_attr(key, TRIAL[key])
    database.close()


@pytest.mark.parametrize("key", ["tuner:queue", *TRIAL])
def test_agenda_skips_a_damaged_study_and_notes_it_once(laboratory: Laboratory, key: str) -> None:
    laboratory.submit("good")
    damage(laboratory, key)
    recorder, database = Recorder(), Database(laboratory.url)
    agenda = Agenda(database, (), str(laboratory.folder), recorder.note)
    for _ in range(3):
        agenda._refreshed_at = agenda._recovered_at = -1e9
        agenda.refresh()
    assert "good" in agenda.open
    (line,) = recorder.notes().splitlines()
    assert line.startswith("bad is skipped: stored study bad: ")
    assert key in line
    database.close()


@pytest.mark.slow
@pytest.mark.parametrize("key", ["tuner:data", "attempts"])
def test_worker_continues_with_other_studies(
    laboratory: Laboratory, key: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    laboratory.submit("good", n_trials=1)
    damage(laboratory, key)
    recorder = Recorder()

    def is_done(self: Agenda) -> bool:
        return self.open["good"].counts[TrialState.COMPLETE] == 1

    # What is open and set aside here keeps a worker from being done.
    monkeypatch.setattr(Agenda, "is_done", is_done)
    monkeypatch.setattr(Withdrawals, "set_aside", set_aside)
    assert laboratory.serve(recorder=recorder) == "done"
    assert [event[0] for event in recorder.events].count("complete") == 1
    said = [line for line in recorder.notes().splitlines() if line.startswith("bad is ")]
    assert any(key in line for line in said), recorder.notes()


def set_aside(self, name, error):  # type: ignore[no-untyped-def]
    """As for a worker without ``--until-done``, which leaves the study to others."""
    self._agenda.set_aside(name, 300.0)
    self._note(f"{name} is set aside: {error}")


def test_study_of_another_objective_is_not_run(laboratory: Laboratory) -> None:
    laboratory.submit("good")
    database = Database(laboratory.url)
    attrs = database.study("good").user_attrs
    database.close()
    other = optuna.create_study(storage=laboratory.url, study_name="bad", direction="maximize")
    for key, value in attrs.items():
        other.set_user_attr(key, value)
    with pytest.raises(SpecError, match=r"bad: study 'bad' .* has another objective"):
        laboratory.serve("bad")
