"""A study of several objectives, run by real processes: stored as Optuna's own tools expect."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import optuna
import pytest
from commands import Command
from laboratory import STUDY, Laboratory

import tuner
from tuner.errors import SpecError

ONE = '[objective]\nmetric = "loss"\ndirection = "minimize"\n'
SEVERAL = """
[[objective]]
metric = "loss"
direction = "minimize"

[[objective]]
metric = "n_params"

[[objective]]
metric = "bundle_bytes"
at_most = 10

[[objective]]
metric = "train_s"
role = "store"
"""


@pytest.fixture
def several(laboratory: Laboratory) -> Laboratory:
    laboratory.study.write_text(STUDY.replace(ONE, SEVERAL))
    return laboratory


@pytest.mark.slow
def test_run_stores_a_plain_study_of_several_objectives(several: Laboratory) -> None:
    result = several.run(n_trials=2, workers=1)
    assert result.counts["complete"] == 2
    assert result.front == ()  # every trial violates the bound
    study = optuna.load_study(study_name="scripted", storage=several.url)
    assert study.metric_names == ["loss", "n_params"]
    assert [one.values[1] for one in study.trials] == [  # type: ignore[index]  # they are complete
        one.user_attrs["measured"]["n_params"] for one in study.trials
    ]
    assert all(one.constraints["bundle_bytes"] > 0 for one in study.trials)
    assert all(len(one.intermediate_values) == 3 for one in study.trials)
    assert len(tuner.curves("scripted", 0, storage=several.url)["val_loss"]) == 3
    optuna_command = Path(sys.executable).parent / "optuna"
    words = ["best-trials", "--study-name", "scripted", "--storage", several.url, "-f", "json"]
    stock = subprocess.run(
        [optuna_command, *words], capture_output=True, text=True, check=True, timeout=120
    )
    assert json.loads(stock.stdout) == []
    # The same file goes on; one with another bound is another study.
    several.study.write_text(STUDY.replace(ONE, SEVERAL.replace("= 10", "= 1e9")))
    with pytest.raises(SpecError, match=r"objective\.bundle_bytes\.at_most: 10\.0 in the data"):
        several.run(n_trials=3, workers=1)
    several.study.write_text(STUDY.replace(ONE, SEVERAL))
    assert several.run(n_trials=3, workers=1).counts["complete"] == 3


@pytest.mark.slow
def test_service_runs_a_study_of_several_objectives(several: Laboratory) -> None:
    several.study.write_text(STUDY.replace(ONE, SEVERAL.replace("= 10", "= 1e9")))
    several.submit(n_trials=2)
    several.serve("scripted")
    front = tuner.load(str(several.study), several.url).front
    assert front
    assert set(front[0].measured) == {"n_params", "bundle_bytes", "train_s"}


def test_confirmation_of_several_objectives_is_refused_before_the_search(
    several: Laboratory, command: Command
) -> None:
    match = r"^tuner: study 'scripted' optimises loss and n_params, so that no single trial wins"
    command("run", several.study, "--confirm").refused(2, match)
    several.add("\n[confirm]\nrepeats = 3\n")
    command("run", several.study).refused(2, r"cannot be confirmed; remove \[confirm\], or choose")
    assert not several.database.exists()
