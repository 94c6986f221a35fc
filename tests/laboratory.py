"""A study of a scripted network in a folder of its own, and ways to run it."""

from __future__ import annotations

import shutil
from datetime import timedelta
from pathlib import Path

from optuna.trial import TrialState, create_trial

from tuner.api import run_request
from tuner.results import StudyResult
from tuner.service.offer import WorkerRequest
from tuner.service.serve import serve
from tuner.spec import StudySpec
from tuner.storage.database import Database
from tuner.studies.catalog import find_study
from tuner.studies.lifecycle import create_or_resume
from tuner.studies.submitting import submit
from tuner.workers.ending import Ending
from tuner.workers.observer import Observer
from tuner.workers.request import RunRequest

STUDY = """
title = "Scripted"
dataset = "scripted:load_data"
model = "scripted:build_model"

[objective]
metric = "loss"
direction = "minimize"

[budget]
n_trials = 4

[sampler]
name = "random"
seed = 3

[pruner]
name = "nop"

[search_space.learning_rate]
type = "float"
low = 0.001
high = 0.1
log = true

[search_space.epochs]
type = "int"
low = 3
high = 3
"""

# Settings that make the trials of a slow study fast; their values are the same.
CALM = ['search_space.behaviour.choices=["calm"]']


class Recorder(Observer):
    """Keeps the events of a run, and lets a test act in the middle of it."""

    def __init__(self) -> None:
        self.events: list[tuple[object, ...]] = []
        self.on_epoch = lambda number, epoch: None

    def started(self, title, done, total, workers, best):
        self.events.append(("started", done, total))

    def trial_started(self, number, epochs):
        self.events.append(("trial", number))

    def epoch_done(self, number, epoch, value):
        self.on_epoch(number, epoch)

    def trial_finished(self, number, state, values, reason):
        self.events.append((state, number, reason))

    def trial_returned(self, number, reason):
        self.events.append(("returned", number, reason))

    def trial_lost(self, number, reason):
        self.events.append(("lost", number, reason))

    def note(self, text):
        self.events.append(("note", text))

    def of(self, name: str, spec: StudySpec) -> Recorder:
        """As the observer of one study among several."""
        self.events.append(("study", name))
        return self

    def notes(self) -> str:
        return "\n".join(str(event[1]) for event in self.events if event[0] == "note")


DATA = {"name": "scripted", "rows": {"train": 72, "validation": 24, "test": 24}}
_stored: dict[tuple[object, ...], bytes] = {}


class Laboratory:
    """One folder with a study file, its code and its database."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.database = folder / "tuner.db"
        self.url = f"sqlite:///{self.database}"
        self.recorder = Recorder()
        self.study = folder / "scripted.toml"
        self.study.write_text(STUDY)
        shutil.copy(Path(__file__).parent / "workers" / "scripted.py", folder)

    def add(self, text: str) -> None:
        self.study.write_text(self.study.read_text() + text)

    def behave(self, *choices: str) -> None:
        listed = ", ".join(f'"{choice}"' for choice in choices)
        self.add(f'\n[search_space.behaviour]\ntype = "categorical"\nchoices = [{listed}]\n')

    def run(self, **options) -> StudyResult:
        self.recorder = recorder = options.pop("recorder", Recorder())
        request = RunRequest(study=str(self.study), storage=self.url, **options)
        return run_request(request, lambda spec: recorder)

    def submit(self, study_name: str = "scripted", **options) -> None:
        submit(str(self.study), storage=self.url, study_name=study_name, **options)

    def serve(self, *studies: str, recorder: Recorder | None = None, **options) -> Ending:
        """Runs the submitted studies in this process; all of them have one recorder."""
        self.recorder = recorder = recorder or Recorder()
        options = {"workers": 1, "allow_code": True, "until_done": True} | options
        request = WorkerRequest(studies=studies, storage=self.url, **options)
        return serve(request, recorder.of, recorder.note)

    def store(
        self, *states: str, study_name: str = "scripted", fingerprint: str = "0" * 64
    ) -> None:
        """Stores the study as a run would have left it, with a trial in each of these states."""
        key = (self.study.read_text(), states, study_name, fingerprint)
        if self.database.exists():
            self._store(*states, study_name=study_name, fingerprint=fingerprint)
        elif key in _stored:  # the same file as before: much faster than asking Optuna again
            self.database.write_bytes(_stored[key])
        else:
            self._store(*states, study_name=study_name, fingerprint=fingerprint)
            _stored[key] = self.database.read_bytes()

    def _store(self, *states: str, study_name: str, fingerprint: str) -> None:
        spec = find_study(str(self.study))
        space = {p.name: p.distribution() for p in spec.search_space.parameters}
        database = Database(self.url)
        study = create_or_resume(database, study_name, spec, {**DATA, "fingerprint": fingerprint})
        for number, state in enumerate(states):
            trial = create_trial(
                state=TrialState[state.upper()],
                value=None if state == "fail" else 0.5 + number,
                params={"learning_rate": 0.01, "epochs": 3},
                distributions=space,
                user_attrs={"seed": number, "epochs": 3}
                | ({"epoch": 2} if state == "complete" else {"reason": f"made to be {state}"}),
            )
            if trial.datetime_start and trial.datetime_complete:
                # Long over, so that it is in no rate of the last minutes.
                trial.datetime_start -= timedelta(hours=1)
                trial.datetime_complete = trial.datetime_start
            study.add_trial(trial)
        database.close()
