"""Studies of several objectives that other programs made: shown with their Pareto front."""

from __future__ import annotations

import csv
import io
import json

import optuna
import pytest
from commands import Command
from laboratory import Laboratory
from made_studies import make_spec, reference
from servers import proxy_here

import tuner
from tuner.errors import StudyError
from tuner.results import StudyResult, views
from tuner.results.stored_study import read_result
from tuner.results.study_text import summary

PARETO = "optuna best-trials --study-name two --storage sqlite:///tuner.db"
REFUSED = (
    "the study two has 2 objectives (value 0, value 1), so no single trial of it is the best; see "
    f"those that no other one beats in all objectives with: {PARETO}"
)


def fill(study: optuna.Study) -> None:
    """Adds two trials neither of which beats the other, a failed and a running one."""
    for x in (0.25, 0.75):
        asked = study.ask()
        study.tell(asked, [asked.suggest_float("x", x, x), x])
    study.tell(study.ask(), state=optuna.trial.TrialState.FAIL)
    study.ask()


@pytest.fixture
def study() -> optuna.Study:
    made = optuna.create_study(study_name="two", directions=["minimize", "maximize"])
    fill(made)
    return made


@pytest.fixture
def result(study: optuna.Study) -> StudyResult:
    return read_result(study, "sqlite:///tuner.db")


def test_result_has_all_values_and_no_best(result: StudyResult) -> None:
    assert [row.values for row in result.trials] == [(0.25, 0.25), (0.75, 0.75), (), ()]
    assert [row.value for row in result.trials] == [None] * 4
    assert (result.best, result.mattered) == (None, {})
    document = json.loads(views.show(result, "json"))
    assert (document["metric"], document["direction"], document["best"]) == (None, None, None)
    assert document["trials"]["complete"] == 2
    assert document["objectives"] == [
        {"metric": "value 0", "direction": "minimize"},
        {"metric": "value 1", "direction": "maximize"},
    ]


@pytest.mark.parametrize("number", [None, 0])
def test_no_trial_is_exported(result: StudyResult, number: int | None) -> None:
    with pytest.raises(StudyError, match="the study two has 2 objectives") as error:
        result.configuration(number)
    assert str(error.value) == REFUSED


def test_summary_names_the_objectives_and_the_next_commands(result: StudyResult) -> None:
    text = summary(result)
    assert ": 2 complete, 0 pruned, 1 failed, 1 running\n" in text
    assert "  objectives  value 0 (minimize), value 1 (maximize)\n" in text
    assert "  front       trial 0   value 0 0.2500 · value 1 0.2500\n" in text
    assert "              trial 1   value 0 0.7500 · value 1 0.7500\n" in text
    assert f"next  {PARETO}   those that no other one beats in all\n" in text
    assert "tuner run" not in text


def test_trials_have_a_column_for_each_objective(result: StudyResult) -> None:
    header, _, first, *_ = views.trials(result).splitlines()
    assert header.split()[:6] == ["trial", "state", "value", "0", "value", "1"]
    assert first.split()[:4] == ["0", "complete", "0.2500", "0.2500"]
    rows = json.loads(views.trials(result, "json"))
    assert [row["values"] for row in rows] == [[0.25, 0.25], [0.75, 0.75], [], []]
    flat = list(csv.DictReader(io.StringIO(views.trials(result, "csv"))))
    assert [(row["values_0"], row["values_1"]) for row in flat[1:3]] == [("0.75", "0.75"), ("", "")]


def test_csv_of_a_study_has_all_objectives_in_its_cells(result: StudyResult) -> None:
    [row] = csv.DictReader(io.StringIO(views.show(result, "csv")))
    assert (row["metric"], row["direction"]) == ("value 0, value 1", "minimize, maximize")
    assert "objectives" not in row


@pytest.mark.filterwarnings("ignore::optuna.exceptions.ExperimentalWarning")
def test_stored_names_of_the_objectives_are_shown(study: optuna.Study) -> None:
    study.set_metric_names(["flops", "accuracy"])
    assert read_result(study, "").metric == "flops, accuracy"


def test_stored_study_file_does_not_make_one_objective_of_several(study: optuna.Study) -> None:
    study.set_user_attr("tuner:spec", make_spec(reference()).to_dict())
    result = read_result(study, "")
    assert (result.best, result.metric) == (None, "value 0, value 1")
    assert "gain" not in summary(result)


@pytest.mark.slow
def test_commands_that_show_a_study_succeed(command: Command, laboratory: Laboratory) -> None:
    directions = ["minimize", "maximize"]
    fill(optuna.create_study(storage=laboratory.url, study_name="two", directions=directions))
    for words in ("show two", "trials two", "studies"):
        for form in ("table", "json", "csv"):
            answer = command(*words.split(), "--format", form)
            assert (answer.status, answer.err) == (0, "")
            assert "two" in answer.out or words == "trials two"
    assert tuner.load("two", laboratory.url).best is None


def test_front_is_shown_by_best(result: StudyResult) -> None:
    header, _, first, second, *configurations = views.best(result).splitlines()
    assert header.split() == ["trial", "value", "0", "value", "1"]
    assert (first.split(), second.split()) == (["0", "0.2500", "0.2500"], ["1", "0.7500", "0.7500"])
    assert configurations == ["", "trial 0: x 0.25", "trial 1: x 0.75"]
    document = json.loads(views.best(result, "json"))
    assert [one["values"] for one in document["front"]] == [
        {"value 0": 0.25, "value 1": 0.25},
        {"value 0": 0.75, "value 1": 0.75},
    ]


def test_best_of_a_study_without_trials_is_an_empty_front(
    command: Command, laboratory: Laboratory
) -> None:
    optuna.create_study(storage=laboratory.url, study_name="two", directions=["minimize"] * 2)
    answer = command("best", "two", "--json")
    assert (answer.status, json.loads(answer.out)["front"]) == (0, [])


@pytest.mark.parametrize("words", ["best", "export -o a.toml"])
def test_commands_that_need_a_best_trial_refuse_in_one_line(
    words: str, command: Command, laboratory: Laboratory
) -> None:
    optuna.create_study(storage=laboratory.url, study_name="two", directions=["minimize"] * 2)
    name, *rest = words.split()
    command(name, "two", *rest).refused(1, r"^tuner: the study two has 2 objectives \(value 0, val")


def test_behind_a_proxy_the_dashboard_shows_the_best_trials(laboratory: Laboratory) -> None:
    optuna.create_study(storage=laboratory.url, study_name="two", directions=["minimize"] * 2)
    with proxy_here(laboratory.url) as address:
        result = tuner.load("two", address)
        assert result.best_trials_command == f"tuner dashboard --storage {address}"
