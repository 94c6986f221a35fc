"""A study of a scripted network in a folder of its own, and ways to run it."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tuner import api
from tuner.workers.observer import Observer

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


class Recorder(Observer):
    """Keeps what a run tells, and lets a test act in the middle of it."""

    def __init__(self) -> None:
        self.events: list[tuple[object, ...]] = []
        self.on_epoch = lambda number, epoch: None

    def started(self, title, done, total, workers, best):
        self.events.append(("started", done, total))

    def trial_started(self, number, epochs):
        self.events.append(("trial", number))

    def epoch_done(self, number, epoch, value):
        self.on_epoch(number, epoch)

    def trial_finished(self, number, state, value, reason):
        self.events.append((state, number, reason))

    def trial_returned(self, number, reason):
        self.events.append(("returned", number, reason))

    def note(self, text):
        self.events.append(("note", text))

    def notes(self) -> str:
        return "\n".join(str(event[1]) for event in self.events if event[0] == "note")


class Laboratory:
    """One folder with a study file, its code and its database."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.url = f"sqlite:///{folder / 'tuner.db'}"
        self.recorder = Recorder()
        self.study = folder / "scripted.toml"
        self.study.write_text(STUDY)
        shutil.copy(Path(__file__).with_name("scripted.py"), folder / "scripted.py")

    def add(self, text: str) -> None:
        self.study.write_text(self.study.read_text() + text)

    def behave(self, *choices: str) -> None:
        listed = ", ".join(f'"{choice}"' for choice in choices)
        self.add(f'\n[search_space.behaviour]\ntype = "categorical"\nchoices = [{listed}]\n')

    def run(self, **options) -> api.Run:
        self.recorder = recorder = options.pop("recorder", Recorder())
        return api.run_study(
            str(self.study), storage=self.url, observe=lambda spec: recorder, **options
        )


@pytest.fixture
def laboratory(tmp_path: Path) -> Laboratory:
    return Laboratory(tmp_path)
