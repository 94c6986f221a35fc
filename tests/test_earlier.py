"""Studies, exports and bundles of an earlier tuner, without scaled targets, keep their numbers.

``earlier/`` holds it: a SQLite database of two studies of four trials each, on files beside it, the
best configuration of each as it was exported, and a bundle that was trained on one of them, with
its predictions for all rows.
"""

from __future__ import annotations

import json
import shutil
import tomllib
from pathlib import Path

import pytest
from commands import Command

EARLIER = Path(__file__).parent / "earlier"
STORAGE = ("--storage", "sqlite:///studies.sqlite")
VALUES = {
    "plots": [1676.3573, 7040.8237, 10718.96, 8904.0771],
    "shapes": [0.33333334, 0.08333334, 0.25, 0.41666666],
}
NEXT = {"plots": [8965.8564, 9994.0479], "shapes": [0.0, 0.33333334]}  # trials 4 and 5 there
TEST = {"plots": {"mse": 16083.02, "mae": 109.71847}, "shapes": {"loss": 1.1286101}}

both = pytest.mark.parametrize("study", list(VALUES))


@pytest.fixture
def tuner(command: Command, tmp_path: Path) -> Command:
    """Commands in a folder that holds what an earlier tuner wrote."""
    shutil.copytree(EARLIER, tmp_path, dirs_exist_ok=True)
    return command


def trials(tuner: Command, study: str) -> list[dict[str, object]]:
    """Returns all trials of a study."""
    found: list[dict[str, object]] = json.loads(
        tuner("trials", study, *STORAGE, "--format", "json").out
    )
    return found


@both
def test_a_study_is_shown(tuner: Command, study: str) -> None:
    assert [trial["value"] for trial in trials(tuner, study)] == pytest.approx(VALUES[study])
    shown = json.loads(tuner("show", study, *STORAGE, "--json").out)
    best = VALUES[study].index({"plots": min, "shapes": max}[study](VALUES[study]))
    assert (shown["best"]["number"], shown["baseline"]) == (best, None)
    assert f"best      trial {best}" in tuner("show", study, *STORAGE).out
    assert study in tuner("studies", *STORAGE).out


@both
def test_a_study_is_exported_as_it_was_trained(tuner: Command, study: str, tmp_path: Path) -> None:
    answer = tuner("export", study, *STORAGE, "-o", "again.toml")
    assert (answer.status, answer.out) == (0, "wrote again.toml\n")
    again, earlier = (
        tomllib.loads((tmp_path / name).read_text(encoding="utf-8"))
        for name in ("again.toml", f"{study}-best.toml")
    )
    assert again["params"].pop("target_scaling", None) == ("none" if study == "plots" else None)
    assert again == earlier


@pytest.mark.slow
@both
def test_a_study_is_resumed_without_scaling(tuner: Command, study: str) -> None:
    answer = tuner("run", f"{study}.toml", *STORAGE, "--n-trials", "6", "--workers", "1")
    assert (answer.status, "baseline  " in answer.out) == (0, True), answer.err
    values = [trial["value"] for trial in trials(tuner, study)]
    assert values == pytest.approx(VALUES[study] + NEXT[study], rel=1e-4)


@pytest.mark.slow
@both
def test_an_exported_configuration_gives_the_same_scores(tuner: Command, study: str) -> None:
    answer = tuner("train", f"{study}-best.toml", "-o", "model", "--json")
    scores = json.loads(answer.out)["scores"]["test"]
    assert {name: scores[name] for name in TEST[study]} == pytest.approx(TEST[study], rel=1e-4)


@pytest.mark.slow
def test_a_bundle_predicts_the_same(tuner: Command, tmp_path: Path) -> None:
    head, *rows = tuner("predict", "bundle", "plots.csv").out.split()
    expected_head, *expected = (tmp_path / "predictions.csv").read_text(encoding="utf-8").split()
    assert head == expected_head == "prediction"
    assert [*map(float, rows)] == pytest.approx([*map(float, expected)], rel=1e-4)
