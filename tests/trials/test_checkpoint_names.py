"""The database names the files of checkpoints: only those that are checkpoints are touched."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import optuna
import pytest
from optuna.trial import TrialState, create_trial

from tuner.storage.database import Database
from tuner.trials.checkpoints import TrialCheckpoints, remove_of

OWN = f"wine%20red-0-{'0a' * 16}.npz"
FOREIGN: list[Any] = [
    *("thesis.txt", "../thesis.txt", "weights.npz", f"sub/{OWN}", f"../{OWN}", f"{OWN}.txt"),
    *(5, None, "", {"a": 1}, ["thesis.txt"]),
]


@pytest.fixture
def location(tmp_path: Path) -> Path:
    folder = tmp_path / "checkpoints"
    (folder / "sub").mkdir(parents=True)
    for name in ("../thesis.txt", "thesis.txt", "weights.npz", OWN, f"sub/{OWN}", f"{OWN}.txt"):
        (folder / name).write_text("mine")
    return folder


def files(location: Path) -> set[str]:
    return {str(file.relative_to(location.parent)) for file in location.parent.rglob("*.*")}


@pytest.mark.parametrize(
    ("attribute", "removed"),
    [
        ({"id": None, "files": [OWN]}, {f"checkpoints/{OWN}"}),
        *(({"files": [OWN, name]}, set()) for name in FOREIGN),
        ({"files": OWN}, set()),
    ],
)
def test_removal_leaves_other_files_alone(
    attribute: Any, removed: set[str], location: Path, tmp_path: Path
) -> None:
    url = f"sqlite:///{tmp_path / 'tuner.db'}"
    study = optuna.create_study(storage=url, study_name="wine")
    attributes = {"checkpoint": attribute}
    study.add_trial(create_trial(state=TrialState.FAIL, user_attrs=attributes))
    before = files(location)
    database = Database(url)
    remove_of(database, database.study("wine"), 0, str(location))
    database.close()
    assert before - files(location) == removed


@pytest.mark.parametrize("attribute", [*({"id": name, "files": name} for name in FOREIGN), 5, "a"])
def test_a_trial_resumes_from_checkpoints_only(attribute: Any, location: Path) -> None:
    frozen = SimpleNamespace(user_attrs={"checkpoint": attribute}, number=0)
    trial: Any = SimpleNamespace(_cached_frozen_trial=frozen, number=0)
    nothing: Any = None
    kept = TrialCheckpoints(trial, nothing, nothing, str(location), 30.0)
    before = files(location)
    assert kept.load(lambda content: (1, content)) is None
    kept.remove()
    assert files(location) == before
