from __future__ import annotations

import tomllib
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from study_texts import SHORT, SPACE, read

from tuner.data import load
from tuner.errors import MetricError
from tuner.learners.registry import open_learner
from tuner.learners.setup import Setup
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


def check(spec: StudySpec) -> dict[str, Any] | None:
    learner = open_learner(spec.model, Setup(spec.base))
    return check_model(spec, learner, load(spec.dataset, spec.base).development)


def test_error_for_an_absent_metric_says_how_the_target_was_read(tmp_path: Path) -> None:
    spec = study(tmp_path, ["0", "1", "2", "3", "4"], "mae")
    with pytest.raises(
        MetricError,
        match=r'does not measure "mae".*; the target was read as 5 classes \(0, 1, 2 …\); if it is '
        'a quantity: task = "regression" in dataset',
    ):
        check(spec)
    spec = study(tmp_path, ["0", "1", "2", "3", "4"], "mae", task="regression")
    check(spec)
    spec = study(tmp_path, ["0.5", "1.5", "2.5"], "accuracy")
    with pytest.raises(
        MetricError, match='as a quantity; if it holds classes: task = "classificat'
    ):
        check(spec)


def test_metric_from_predictions_is_accepted_with_its_trivial_value(tmp_path: Path) -> None:
    spec = study(tmp_path, ["0", "0", "1", "2", "3", "4"], "balanced_accuracy")
    assert check(spec) == {"predicts": "always 0", "value": pytest.approx(0.2)}
    with pytest.raises(MetricError, match="f1 of a multiclass task needs an average: f1_macro"):
        check(study(tmp_path, ["0", "1", "2"], "f1"))


def test_metric_that_validation_rows_do_not_define_is_refused(tmp_path: Path) -> None:
    spec = study(tmp_path, ["0.5", "-1.5", "2.5"], "neg_mean_squared_log_error")
    words = r"^objective\.metric: neg_mean_squared_log_error cannot be computed from these"
    with pytest.raises(MetricError, match=words):
        check(spec)
    spec = study(tmp_path, ["0", "1"], "roc_auc")
    data = load(spec.dataset, tmp_path).development
    held = data.validation
    one_class = replace(data, validation=replace(held, y=np.zeros_like(held.y)))
    words = "^objective.metric: roc_auc is not defined for the 12 validation rows of own, whose"
    with pytest.raises(MetricError, match=words):
        check_model(spec, open_learner(spec.model, Setup(tmp_path)), one_class)
