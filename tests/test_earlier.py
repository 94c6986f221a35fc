"""Studies, exports and bundles of earlier versions of tuner keep working, with the same numbers.

Each folder of ``earlier/`` was written by one version: a SQLite database of two studies on files
beside it, the best configuration of each as it was exported, and a bundle trained on one of them,
with its predictions for all rows.

- ``before_target_scaling``: targets are learned as they stand, no trivial baseline is stored.
- ``before_learners``: Keras is the only library. ``flats`` has ``[fixed]`` parameters, a scaled
  target, two references, pruned trials, and a trial that runs in a process that was killed;
  ``flowers`` was stopped early and pruned by Hyperband.
- ``before_confirmation``: there is no table of openings of test splits, and trees are stored one by
  one. ``boats`` has folds, whose models and predictions are beside the database.
"""

from __future__ import annotations

import json
import shutil
import tomllib
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import optuna
import pytest
from commands import Command
from optuna.trial import TrialState

from tuner.data import load
from tuner.learners.saved import load_model
from tuner.studies.catalog import find_study
from tuner.trials.folding import folds_for
from tuner.trials.trial_outputs import read_models, read_out_of_fold

EARLIER = Path(__file__).parent / "earlier"
STORAGE = ("--storage", "sqlite:///studies.sqlite")


@dataclass(frozen=True)
class Stored:
    """A stored study, and what the version that wrote it computed.

    Attributes:
        folder: The folder of ``earlier/``.
        name: The study's name.
        best: The number of the best trial.
        values: The objective value of every trial by number.
        states: The state of every trial by number, in one string.
        resumed: The values of the trials that a resumed run adds or runs again.
        test: Scores of the best configuration on the test split.
        baseline: The stored scores of the trivial predictor on the validation split.
        references: The values of the references by name.
        added: Parameters that an export names today and the earlier version left to their default.
    """

    folder: str
    name: str
    best: int
    values: list[float | None]
    states: str
    resumed: list[float]
    test: dict[str, float]
    baseline: dict[str, float] | None = None
    references: dict[str, float] = field(default_factory=dict)
    added: dict[str, object] = field(default_factory=dict)

    def __str__(self) -> str:
        return self.name


PLOTS = Stored(
    "before_target_scaling",
    "plots",
    best=0,
    values=[1676.3573, 7040.8237, 10718.96, 8904.0771],
    states="complete complete complete pruned",
    resumed=[8965.8564, 9994.0479],
    test={"mse": 16083.02, "mae": 109.71847},
    added={"target_scaling": "none"},
)
SHAPES = Stored(
    "before_target_scaling",
    "shapes",
    best=3,
    values=[0.33333334, 0.08333334, 0.25, 0.41666666],
    states="complete pruned complete complete",
    resumed=[0.0, 0.33333334],
    test={"loss": 1.1286101},
)
FLATS = Stored(
    "before_learners",
    "flats",
    best=6,
    values=[
        *(63065.668, 47015492.0, 62097.844, 238948.98, 238955.75),
        *(238955.47, 60205.461, 63540.641, 62955.762, None),
    ],
    states="complete complete complete pruned pruned pruned complete pruned complete running",
    resumed=[61998.918, 64582.563, 63685.766],
    test={"mae": 66753.492, "mse": 7582235648.0},
    baseline={"mae": 70149.4},
    references={"document": 63065.668, "plain": 47015492.0},
)
FLOWERS = Stored(
    "before_learners",
    "flowers",
    best=2,
    values=[0.3888889, 0.6666667, 0.7777778, 0.3333333, 0.3333333, 0.3333333],
    states="complete complete complete pruned complete pruned",
    resumed=[0.6666667, 0.8888889],
    test={"loss": 0.93154091, "accuracy": 0.5},
    baseline={"accuracy": 1 / 3},
)

BOATS = Stored(
    "before_confirmation",
    "boats",
    best=1,
    values=[2588.071, 2086.5146, 3721.2785, 2368.0416, 2960.9492],
    states="complete complete complete pruned pruned",
    resumed=[2725.6907, 2001.1136],
    test={"mae": 2339.4603, "mse": 8176077.3},
    baseline={"mae": 8310.4722},
    references={"plain": 2588.071},
)

each_study = pytest.mark.parametrize("stored", [PLOTS, SHAPES, FLATS, FLOWERS, BOATS], ids=str)
each_bundle = pytest.mark.parametrize("stored", [PLOTS, FLATS, BOATS], ids=str)
the_folds = pytest.mark.parametrize("stored", [BOATS], ids=str)


@pytest.fixture
def tuner(command: Command, tmp_path: Path, stored: Stored) -> Command:
    """Commands in a folder that holds what an earlier version wrote."""
    shutil.copytree(EARLIER / stored.folder, tmp_path, dirs_exist_ok=True)
    return command


def trials(tuner: Command, study: str) -> list[dict[str, object]]:
    """Returns all trials of a study."""
    found: list[dict[str, object]] = json.loads(
        tuner("trials", study, *STORAGE, "--format", "json").out
    )
    return found


@each_study
def test_earlier_study_is_shown(tuner: Command, stored: Stored) -> None:
    listed = trials(tuner, stored.name)
    finished = [value for value in stored.values if value is not None]
    values = [trial["value"] for trial in listed if trial["state"] != "running"]
    assert values == pytest.approx(finished, rel=1e-6)
    assert [trial["state"] for trial in listed] == stored.states.split()

    shown = json.loads(tuner("show", stored.name, *STORAGE, "--json").out)
    assert shown["best"]["number"] == stored.best
    references = {one["name"]: one["value"] for one in shown["references"]}
    assert references == pytest.approx(stored.references)
    if stored.baseline is None:
        assert shown["baseline"] is None
    else:
        assert {shown["metric"]: shown["baseline"]["value"]} == pytest.approx(stored.baseline)
    assert f"best      trial {stored.best} " in tuner("show", stored.name, *STORAGE).out
    assert stored.name in tuner("studies", *STORAGE).out


@each_study
def test_earlier_study_is_exported_unchanged(
    tuner: Command, stored: Stored, tmp_path: Path
) -> None:
    answer = tuner("export", stored.name, *STORAGE, "-o", "again.toml")
    assert (answer.status, answer.out) == (0, "wrote again.toml\n")
    again, earlier = (
        tomllib.loads((tmp_path / name).read_text(encoding="utf-8"))
        for name in ("again.toml", f"{stored.name}-best.toml")
    )
    earlier["params"].update(stored.added)
    assert again == earlier


@pytest.mark.slow
@each_study
def test_earlier_study_is_resumed_with_the_same_values(tuner: Command, stored: Stored) -> None:
    finished = [value for value in stored.values if value is not None]
    total = str(len(finished + stored.resumed))
    answer = tuner("run", f"{stored.name}.toml", *STORAGE, "--n-trials", total, "--workers", "1")
    assert (answer.status, "baseline  " in answer.out) == (0, True), answer.err
    values = [trial["value"] for trial in trials(tuner, stored.name)]
    assert values == pytest.approx(finished + stored.resumed, rel=1e-4)


@pytest.mark.slow
@each_study
def test_earlier_configuration_trains_to_the_same_scores(tuner: Command, stored: Stored) -> None:
    answer = tuner("train", f"{stored.name}-best.toml", "-o", "model", "--json")
    scores = json.loads(answer.out)["scores"]["test"]
    assert {name: scores[name] for name in stored.test} == pytest.approx(stored.test, rel=1e-4)


@pytest.mark.slow
@each_bundle
def test_earlier_bundle_predicts_the_same(tuner: Command, stored: Stored, tmp_path: Path) -> None:
    head, *rows = tuner("predict", "bundle", f"{stored.name}.csv").out.split()
    expected_head, *expected = (tmp_path / "predictions.csv").read_text(encoding="utf-8").split()
    assert head == expected_head == "prediction"
    assert [*map(float, rows)] == pytest.approx([*map(float, expected)], rel=1e-4)


@the_folds
def test_earlier_models_of_folds_predict_what_was_held_out(
    tuner: Command, stored: Stored, tmp_path: Path
) -> None:
    spec = find_study("boats.toml")
    data = load(spec.dataset, spec.base)
    rows = data.development.rows.x
    division = folds_for(data.development, spec.validation, spec.sampler.seed).positions
    study = optuna.load_study(study_name=stored.name, storage="sqlite:///studies.sqlite")
    location = str(tmp_path / "studies.sqlite-checkpoints")
    for trial in study.get_trials(states=[TrialState.COMPLETE]):
        predicted = read_out_of_fold(location, trial)
        folders = read_models(location, trial, tmp_path / f"trial-{trial.number}")
        for (_, held_out), folder in zip(division, folders, strict=True):
            held = rows.iloc[held_out]
            model = load_model(folder, {"data": data.describe()})
            np.testing.assert_allclose(model.predict(held), predicted[held_out], 1e-6)


@pytest.mark.slow
@the_folds
def test_earlier_study_is_confirmed_and_its_openings_are_recorded(
    tuner: Command, stored: Stored
) -> None:
    said = ("boats.toml", *STORAGE, "--workers", "1")
    answer = tuner("confirm", *said, "--top", "1", "--repeats", "3")
    assert (answer.status, "winner: " in answer.out) == (0, True), answer.err
    for _ in range(2):
        answer = tuner("train", "boats-best.toml", *STORAGE, "-o", "model", "--force")
        assert answer.status == 0, answer.err
    assert "was opened once before" in answer.err
    assert "opened 2 times for 1 configuration" in tuner("show", "boats", *STORAGE).out
