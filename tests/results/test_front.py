"""The Pareto front, and the best trial among those that keep to the constraints."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import optuna
import pytest
from commands import Command
from hypothesis import given
from hypothesis import strategies as st
from laboratory import Laboratory
from optuna.trial import TrialState, create_trial
from study_texts import spec_of

from tuner.errors import RequestError, StudyError
from tuner.results import StudyResult, views
from tuner.results.listing import list_studies
from tuner.results.rows import TrialRow, front_of
from tuner.results.stored_study import read_result
from tuner.results.study_text import summary
from tuner.spec import Objective, StudySpec
from tuner.spec.models import Confirm
from tuner.storage.database import Database
from tuner.studies.companion import prepare_companion
from tuner.workers.engines import best_so_far

UNITS = optuna.distributions.IntDistribution(1, 999)
FIRST = {"metric": "accuracy", "direction": "maximize"}
SIZE = {"metric": "n_params"}
BOUND = {"metric": "predict_s", "at_most": 0.5}
STORED = {"metric": "train_s", "role": "store"}
TRIALS = [  # accuracy, n_params, predict_s, train_s
    (0.95, 9000.0, 0.4, 12.5),
    (0.97, 9500.0, 0.6, 13.0),  # violates the bound
    (0.90, 300.0, 0.1, 3.0),
    (0.90, 400.0, 0.1, 3.0),  # beaten by trial 2
    (0.94, 800.0, 0.2, 4.0),
]


def spec(*goals: Mapping[str, Any]) -> StudySpec:
    space = {"units": {"type": "int", "low": 1, "high": 999}}
    return spec_of(space, objective=[FIRST, *goals])


def made(spec: StudySpec, storage: str | None = None) -> optuna.Study:
    """A study with :data:`TRIALS`, and a pruned one, as a run would have left them."""
    study = optuna.create_study(
        study_name="s", directions=[one.direction for one in spec.optimized], storage=storage
    )
    study.set_user_attr("tuner:spec", spec.to_dict())
    study.set_user_attr("tuner:data", {"name": "wine", "fingerprint": "f" * 64})
    attrs = {"seed": 1, "epochs_wanted": 5, "epochs": 5, "role": "search"}
    for number, values in enumerate(TRIALS):
        known = dict(zip(("accuracy", "n_params", "predict_s", "train_s"), values, strict=True))
        measured = {goal.metric: known[goal.metric] for goal in spec.goals}
        study.add_trial(
            create_trial(
                values=[known[one.metric] for one in spec.optimized],
                params={"units": number + 1},
                distributions={"units": UNITS},
                user_attrs={**attrs, "epoch": 3, "measured": measured},
                system_attrs={
                    f"constraints:{goal.metric}": goal.excess(known[goal.metric])
                    for goal in spec.constraints
                },
            )
        )
    pruned = {"reason": "pruned at epoch 2: x", **attrs}
    study.add_trial(
        create_trial(
            state=TrialState.PRUNED,
            params={"units": 99},
            distributions={"units": UNITS},
            user_attrs=pruned,
            intermediate_values={1: 0.2, 2: 0.5},
        )
    )
    return study


def result_of(*goals: Mapping[str, Any]) -> StudyResult:
    return read_result(made(spec(*goals)), "sqlite:///tuner.db", base=Path())


@given(st.lists(st.tuples(*[st.integers(0, 6)] * 3, st.booleans()), max_size=25))
def test_front_is_that_of_optuna(trials: list[tuple[Any, ...]]) -> None:
    directions = ["minimize", "maximize", "minimize"]
    objectives = [Objective(metric=f"m{i}", direction=d) for i, d in enumerate(directions)]  # type: ignore[arg-type]  # they are
    study = optuna.create_study(directions=directions)
    for *values, violates in trials:
        system_attrs = {"constraints:c": 1.0 if violates else -1.0}
        study.add_trial(create_trial(values=list(map(float, values)), system_attrs=system_attrs))
    front = front_of([TrialRow.of(one) for one in study.trials], objectives)
    assert {row.number for row in front} == {one.number for one in study.best_trials}
    assert [objectives[0].loss(row.values[0] or 0) for row in front] == sorted(
        row.values[0] or 0 for row in front
    )


def test_front_leaves_out_what_is_beaten_and_what_violates_a_constraint() -> None:
    result = result_of(SIZE, BOUND, STORED)
    assert [one.number for one in result.front] == [0, 4, 2]
    assert [one.values for one in result.front] == [(0.95, 9000), (0.94, 800), (0.9, 300)]
    assert result.front[0].configuration is not None
    assert result.front[0].configuration.value == 0.95
    assert result.best is None
    assert result.metrics == ("accuracy", "n_params", "predict_s", "train_s")


def test_front_leaves_out_trials_that_took_over_the_values_of_an_equal_one() -> None:
    study = made(spec(SIZE))
    before = read_result(study, "sqlite:///tuner.db", base=Path()).front
    first = study.trials[before[0].number]
    study.add_trial(
        create_trial(
            values=first.values,
            params=first.params,
            distributions=first.distributions,
            user_attrs={**first.user_attrs, "reused": first.number},
        )
    )
    result = read_result(study, "sqlite:///tuner.db", base=Path())
    assert [one.number for one in result.front] == [one.number for one in before]
    assert result.trials[-1].values == result.front[0].values


def test_configuration_of_several_objectives_is_picked_or_named() -> None:
    result = result_of(SIZE, BOUND)
    picked = result.pick("accuracy within 2 %, then n_params")
    assert picked.number == 4
    assert picked.configuration == result.configuration(4)
    with pytest.raises(
        StudyError,
        match=r"^the study s has 2 objectives \(accuracy, n_params\), so no single trial of it is "
        r'the best; choose one with --pick "accuracy within 1 %, then n_params" or --trial NUMBER '
        r"from `tuner best s`$",
    ):
        result.configuration()


def test_one_optimised_objective_has_the_best_feasible_trial() -> None:
    result = result_of(BOUND, STORED)
    assert result.best is not None
    assert (result.best.number, result.best.value) == (0, 0.95)
    assert result.pick("train_s").number == 2
    assert result.front == ()
    assert (
        "  best      trial 0   accuracy 0.9500 on validation, epoch 3 · predict_s 0.4"
        in summary(result)
    )
    assert result.to_dict()["best"]["measured"] == {"predict_s": 0.4, "train_s": 12.5}


def test_study_whose_trials_all_violate_a_constraint_has_no_best() -> None:
    result = result_of({"metric": "n_params", "at_most": 10})
    assert result.best is None
    assert "best      none yet: each of 5 complete trials violates a constraint" in summary(result)
    with pytest.raises(StudyError, match="no complete trial of s has n_params at most 10; `tuner"):
        result.configuration()
    with pytest.raises(StudyError, match="no complete trial of s has n_params at most 10"):
        result.pick("accuracy")


def test_summary_shows_the_front_within_80_columns() -> None:
    text = summary(result_of(SIZE, BOUND, STORED))
    assert (
        "  objectives  accuracy (maximize), n_params (minimize), predict_s at most 0.5\n"
        "  front       trial 0   accuracy 0.9500 · n_params 9,000 · predict_s 0.4\n"
        "              trial 4   accuracy 0.9400 · n_params 800 · predict_s 0.2\n"
        "              trial 2   accuracy 0.9000 · n_params 300 · predict_s 0.1\n"
    ) in text
    assert "tuner export s --pick 'accuracy within 1 %, then n_params' -o best.toml" in text
    assert max(map(len, text.splitlines())) <= 80


def test_front_is_a_table_json_and_csv() -> None:
    result = result_of(SIZE, BOUND)
    header, _, *lines = views.best(result).splitlines()
    assert header.split() == ["trial", "accuracy", "n_params", "predict_s"]
    assert [line.split() for line in lines[:3]] == [
        ["0", "0.9500", "9,000", "0.4"],
        ["4", "0.9400", "800", "0.2"],
        ["2", "0.9000", "300", "0.1"],
    ]
    assert lines[4] == "trial 0: units 1"
    document = json.loads(views.best(result, "json"))
    assert [one["metric"] for one in document["objectives"]] == [
        *("accuracy", "n_params", "predict_s")
    ]
    assert document["objectives"][2]["at_most"] == 0.5
    assert document["front"][1] == {
        "number": 4,
        "values": {"accuracy": 0.94, "n_params": 800},
        "epoch": 3,
        "params": {"units": 5},
        "origin": "search",
        "measured": {"n_params": 800, "predict_s": 0.2},
    }
    first, *_ = csv.DictReader(io.StringIO(views.best(result, "csv")))
    assert (first["accuracy"], first["n_params"], first["params_units"]) == ("0.95", "9000.0", "1")


def test_trials_show_every_metric_and_what_is_violated() -> None:
    result = result_of(SIZE, BOUND)
    header, _, *lines = views.trials(result).splitlines()
    assert header.split()[:5] == ["trial", "state", "accuracy", "n_params", "predict_s"]
    assert lines[1].split()[:5] == ["1", "complete", "0.9700", "9,500", "0.6"]
    assert lines[1].endswith("predict_s 0.6 is above 0.5")
    assert lines[5].split()[:3] == ["5", "pruned", "0.5000"]  # where it was pruned
    rows = json.loads(views.trials(result, "json"))
    assert (rows[1]["values"], rows[1]["violated"]) == ([0.97, 9500], ["predict_s"])
    flat = list(csv.DictReader(io.StringIO(views.trials(result, "csv"))))
    assert (flat[1]["violated"], flat[1]["measured_predict_s"]) == ("predict_s", "0.6")


def test_trials_in_a_narrow_terminal_keep_numbers_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    result = result_of(SIZE, BOUND, STORED)
    monkeypatch.setenv("COLUMNS", "80")
    text = views.trials(result)
    assert "train_s" not in text
    assert "complete   0.9500     9,000      0.4 " in text
    assert max(map(len, text.splitlines())) <= 80
    monkeypatch.setenv("COLUMNS", "160")
    assert "train_s" in views.trials(result)


def test_progress_begins_with_the_best_feasible_trial() -> None:
    for goals in ((SIZE, BOUND), (BOUND,)):
        found = spec(*goals)
        assert best_so_far(made(found), found.objective) == (0, 0.95)


def test_what_mattered_is_said_of_the_first_objective() -> None:
    study = made(spec(SIZE))
    for units in range(1, 41):
        study.add_trial(
            create_trial(
                values=[units / 40, 5.0],
                params={"units": units},
                distributions={"units": UNITS},
                user_attrs={"seed": 1, "epochs_wanted": 5, "epochs": 5, "epoch": 1},
            )
        )
    result = read_result(study, "")
    assert result.mattered == {"units": 1.0}
    assert "\n  what mattered for accuracy: units 100 %\n" in summary(result)


def test_list_of_studies_shows_the_best_feasible_value(laboratory: Laboratory) -> None:
    made(spec(BOUND), laboratory.url)
    (line,) = [line for line in list_studies(laboratory.url) if line.name == "s"]
    assert (line.metric, line.best) == ("accuracy", 0.95)


def test_export_picks_from_the_command_line(command: Command, laboratory: Laboratory) -> None:
    made(spec(SIZE, BOUND), laboratory.url)
    answer = command("export", "s", "--pick", "n_params", "-o", "small.toml")
    assert (answer.status, answer.out) == (0, "wrote small.toml\n")
    assert "trial = 2\n" in Path("small.toml").read_text()
    command("export", "s", "-o", "b.toml").refused(1, r'choose one with --pick "accuracy within 1')
    command("export", "s", "--pick", "size", "-o", "b.toml").refused(
        2, r'the study has no metric "size"; the metrics are: accuracy, n_params, predict_s$'
    )
    command("export", "s", "--pick", "accuracy", "--trial", "1", "-o", "b.toml").refused(
        2, "--trial and --pick both choose a trial: give one of them"
    )


def test_pick_of_a_study_without_further_objectives_knows_its_metric_only() -> None:
    study = optuna.create_study(study_name="plain", direction="minimize")
    study.add_trial(create_trial(value=0.5))
    result = read_result(study, "")
    assert result.pick("value").number == 0
    with pytest.raises(RequestError, match="the metrics are: value"):
        result.pick("n_params")


def test_candidates_of_a_confirmation_violate_no_constraint(laboratory: Laboratory) -> None:
    found = spec(BOUND)
    study = made(found, laboratory.url)
    companion = prepare_companion(
        Database(laboratory.url), study, found, Confirm(top=3, fresh_splits=False)
    )
    assert [one.trial for one in companion.stored.candidates] == [0, 4, 2]


def test_confirmation_of_several_objectives_is_refused(
    command: Command, laboratory: Laboratory
) -> None:
    made(spec(SIZE), laboratory.url)
    refusal = (
        r"^tuner: study 's' optimises accuracy and n_params, so that no single trial wins, and "
        r'cannot be confirmed; write role = "store" for all but the first'
    )
    command("confirm", "s").refused(2, refusal)
