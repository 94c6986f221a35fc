from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

import pytest
from study_texts import SHORT, SPACE, read

from tuner.data import load
from tuner.errors import MetricError
from tuner.spec import StudySpec
from tuner.trials.evaluate import check_model


def study(folder: Path, target: list[str], metric: str, **keys: Any) -> StudySpec:
    rows = [f"{n},{target[n % len(target)]}" for n in range(60)]
    (folder / "own.csv").write_text("\n".join(["a,y", *rows]), encoding="utf-8")
    space = {"units": tomllib.loads(SPACE)["search_space"]["units"]}
    table = tomllib.loads(SHORT) | {
        "search_space": space,
        "dataset": {"csv": "own.csv", "target": "y", **keys},
        "objective": {"metric": metric, "direction": "minimize"},
    }
    return read(table).model_copy(update={"base": folder})


def test_an_absent_metric_says_how_the_target_was_read(tmp_path: Path) -> None:
    spec = study(tmp_path, ["0", "1", "2", "3", "4"], "mae")
    with pytest.raises(
        MetricError,
        match=r'does not measure "mae".*; the target was read as 5 classes \(0, 1, 2 …\); if it is '
        'a quantity: task = "regression" in dataset',
    ):
        check_model(spec, load(spec.dataset, tmp_path).development)
    spec = study(tmp_path, ["0", "1", "2", "3", "4"], "mae", task="regression")
    check_model(spec, load(spec.dataset, tmp_path).development)
    spec = study(tmp_path, ["0.5", "1.5", "2.5"], "accuracy")
    with pytest.raises(
        MetricError, match='as a quantity; if it holds classes: task = "classificat'
    ):
        check_model(spec, load(spec.dataset, tmp_path).development)
