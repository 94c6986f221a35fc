from __future__ import annotations

import csv
import io
import json

import numpy as np
import pytest
from made_studies import PARAMS, MakeResult, make_spec, reference, trial

from tuner.results import views
from tuner.results.rendering import document


def rows_of(text: str) -> list[dict[str, str]]:
    assert text.endswith("\n")
    return list(csv.DictReader(io.StringIO(text)))


def test_trials_as_a_table(make_result: MakeResult) -> None:
    result = make_result(
        make_spec(),
        trial(value=0.9, origin="document"),
        trial("pruned", 0.5, epochs=2, reason="pruned at epoch 2: too [bad]\nsecond line"),
    )
    header, _, first, second = views.trials(result).rstrip("\n").splitlines()
    columns = "trial state accuracy epochs time origin configuration reason"
    assert " ".join(header.split()) == columns
    assert first.split()[:7] == ["0", "complete", "0.9000", "5", "2", "s", "document"]
    assert "3 layers of 96, 48, 24 units · optimizer adam" in first
    assert "pruned at epoch 2: too [bad]" in second
    assert "second line" not in second


def test_columns_without_a_value_are_left_out(make_result: MakeResult) -> None:
    header = views.trials(make_result(make_spec(), trial(value=0.9))).splitlines()[0]
    assert "reason" not in header


def test_trials_as_json_and_csv(make_result: MakeResult) -> None:
    result = make_result(make_spec(), trial(value=0.9), trial("running"))
    assert json.loads(views.trials(result, "json")) == [row.to_dict() for row in result.trials]
    first, second = rows_of(views.trials(result, "csv"))
    assert (first["number"], first["state"], first["value"]) == ("0", "complete", "0.9")
    assert first["params_units_3"] == "24"
    assert second["value"] == ""


def test_tables_count_in_steps_of_the_learner(make_result: MakeResult) -> None:
    result = make_result(make_spec(model="hist_gradient_boosting"), trial(value=0.9, epoch=4))
    header = views.trials(result).splitlines()[0]
    assert header.split()[:5] == ["trial", "state", "accuracy", "steps", "time"]
    assert "iteration      4\n" in views.best(result)


def test_narrow_table_of_several_learners_names_only_the_learner(
    make_result: MakeResult, monkeypatch: pytest.MonkeyPatch
) -> None:
    space = {
        "learner": {"type": "categorical", "choices": ["linear_model", "k_neighbors"]},
        "linear_model_alpha": {
            "type": "float",
            "low": 1e-3,
            "high": 1e3,
            "log": True,
            "when": {"learner": ["linear_model"]},
        },
    }
    spec = make_spec(model="automl", search_space=space, reference=[], fixed={})
    params = {"learner": "linear_model", "linear_model_alpha": 1.0}
    stopped = "early stopping: no better val_accuracy for 50 epochs"
    result = make_result(
        spec,
        trial(value=0.9, params=params, reason=stopped),
        trial("pruned", params=params, reason="pruned at fold 2"),
        trial("fail", params=params, reason="timeout: 5 s"),
    )
    assert "linear_model · alpha 1 " in views.trials(result)
    monkeypatch.setenv("COLUMNS", "80")
    header, _, complete, pruned, failed = views.trials(result).splitlines()
    assert header.split() == ["trial", "state", "accuracy", "time", "origin", "learner", "reason"]
    assert complete.endswith(" linear_model")
    assert pruned.endswith(" linear_model")
    assert failed.endswith(" linear_model   timeout: 5 s")


def test_trials_of_an_empty_study_are_an_empty_list(make_result: MakeResult) -> None:
    result = make_result(make_spec())
    assert views.trials(result) == "wine has no trials yet\n"
    assert views.trials(result, "json") == "[]\n"
    assert views.trials(result, "csv") == "number,state,value\n"


def test_best_in_every_form(make_result: MakeResult) -> None:
    result = make_result(make_spec(), trial(value=0.9, epoch=4))
    table = views.best(result)
    assert "accuracy       0.9000 on validation" in table
    assert "configuration  3 layers of 96" in table
    assert json.loads(views.best(result, "json"))["best"]["params"] == PARAMS
    (row,) = rows_of(views.best(result, "csv"))
    assert (row["study"], row["epoch"], row["params_optimizer"]) == ("wine", "4", "adam")


def test_best_before_the_first_complete_trial(make_result: MakeResult) -> None:
    result = make_result(make_spec(), trial("running"))
    assert views.best(result) == "wine has no complete trial yet\n"
    assert json.loads(views.best(result, "json"))["best"] is None
    assert views.best(result, "csv") == "study,number,value,epoch,origin\n"


def test_show_in_every_form(make_result: MakeResult) -> None:
    result = make_result(make_spec(reference()), trial(value=0.9), trial("fail"))
    assert views.show(result).startswith("wine · Red or white wine\n")
    assert json.loads(views.show(result, "json")) == result.to_dict() | {"test_openings": []}
    (row,) = rows_of(views.show(result, "csv"))
    assert (row["complete"], row["fail"], row["best_value"]) == ("1", "1", "0.9")
    assert row["params_units_1"] == "96"
    (empty,) = rows_of(views.show(make_result(make_spec()), "csv"))
    assert empty["complete"] == "0"


def test_narrow_terminal_folds_lines_and_cuts_nothing(
    make_result: MakeResult, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "60")
    text = views.trials(make_result(make_spec(), trial(value=0.9)))
    assert max(map(len, text.splitlines())) <= 60
    assert "…" not in text


def test_json_has_null_for_numbers_that_are_not_finite() -> None:
    assert json.loads(document({"a": [float("nan"), 1.0], "b": (float("inf"),)})) == {
        "a": [None, 1.0],
        "b": [None],
    }


def test_curves_have_one_row_for_each_epoch() -> None:
    nan = float("nan")
    curves = {"loss": np.array([0.1, 0.05], np.float32), "lr": np.array([nan, 1e-4], np.float32)}
    assert json.loads(views.curves(curves, "json")) == [
        {"epoch": 1, "loss": 0.1, "lr": None},
        {"epoch": 2, "loss": 0.05, "lr": 0.0001},
    ]
    assert views.curves(curves, "csv") == "epoch,loss,lr\n1,0.1,\n2,0.05,0.0001\n"
    lines = [line.split() for line in views.curves(curves).splitlines()]
    assert lines[0] == ["epoch", "loss", "lr"]
    assert lines[2:] == [["1", "0.1000"], ["2", "0.0500", "0.0001"]]
