"""Studies of several objectives are sampled by all of them, and pruned by the first."""

from __future__ import annotations

import math
from pathlib import Path

import optuna
import pytest
from study_texts import spec_of

from tuner.search import by_first, judging, make_pruner, make_sampler
from tuner.spec import StudySpec
from tuner.storage.database import Database
from tuner.trials.reporting import Reporter

SPACE = {
    "x": {"type": "float", "low": 0.0, "high": 1.0},
    "epochs": {"type": "int", "low": 9, "high": 9},
}
FIRST = {"metric": "accuracy", "direction": "maximize"}
SIZE = {"metric": "n_params"}


def spec(*goals: dict[str, object], **parts: object) -> StudySpec:
    return spec_of(SPACE, objective=[FIRST, *goals] if goals else FIRST, **parts)


def curve(number: int, epoch: int) -> float:
    return ((number * 7919 + 13) % 97) / 97 + epoch / 100


PRUNERS = [
    {"name": "hyperband"},
    {"name": "successivehalving", "min_resource": 1},
    {"name": "median", "n_startup_trials": 2},
    {"name": "percentile", "percentile": 30.0, "n_startup_trials": 1},
    {"name": "threshold", "lower": 0.3},
]


@pytest.mark.parametrize("pruner", PRUNERS, ids=lambda pruner: str(pruner["name"]))
def test_trials_are_pruned_as_if_there_were_only_the_first_objective(
    pruner: dict[str, object], tmp_path: Path
) -> None:
    ends = []
    for goals in ((), (SIZE,)):
        found = spec(*goals, pruner=pruner, sampler={"name": "random"})
        database = Database(f"sqlite:///{tmp_path}/{len(goals)}.db", lease={})
        database.upgrade()
        study = optuna.create_study(
            storage=database.storage,
            study_name="s",
            directions=[one.direction for one in found.optimized],
            pruner=make_pruner(found),
            sampler=make_sampler(found),
        )
        ended = []
        for number in range(16):
            trial = study.ask()
            reporter = Reporter(trial, judging(found), database, 9)
            last = next((n for n in range(1, 10) if reporter.pruned(n, curve(number, n))), None)
            reporter.flush()
            if last is None:
                study.tell(trial, [curve(number, 9)] + [1.0] * len(goals))
            else:
                study.tell(trial, state=optuna.trial.TrialState.PRUNED)
            ended.append(last)
        stored = [one.intermediate_values for one in study.get_trials(deepcopy=False)]
        assert [max(values) for values in stored] == [last or 9 for last in ended]
        ends.append(ended)
        database.close()
    assert ends[0] == ends[1]
    assert any(ends[0]), "nothing was pruned, so nothing was compared"


SAMPLERS = [
    {"name": "tpe", "n_startup_trials": 3},
    {"name": "tpe", "n_startup_trials": 3, "group": True},
    {"name": "nsgaii", "population_size": 4},
    {"name": "random"},
    {"name": "qmc"},
    pytest.param({"name": "gp", "n_startup_trials": 3}, marks=pytest.mark.slow),
]


@pytest.mark.filterwarnings("ignore::optuna.exceptions.ExperimentalWarning")
@pytest.mark.parametrize("pruner", ["hyperband", "median"])
@pytest.mark.parametrize("sampler", SAMPLERS, ids=lambda sampler: str(sampler["name"]))
def test_samplers_go_on_after_pruned_and_violating_trials(
    sampler: dict[str, object], pruner: str
) -> None:
    if sampler["name"] == "gp":
        pytest.importorskip("torch")
    bound = {"metric": "predict_s", "at_most": 0.5}
    found = spec(SIZE, bound, sampler=sampler, pruner={"name": pruner})
    study = optuna.create_study(
        study_name="s",
        directions=["maximize", "minimize"],
        sampler=make_sampler(found),
        pruner=make_pruner(found),
    )
    for number in range(12):
        trial = study.ask()
        x = trial.suggest_float("x", 0.0, 1.0)
        trial.suggest_int("epochs", 9, 9)
        study._storage.set_trial_intermediate_value(trial._trial_id, 1, x)
        latest = study._storage.get_trial(trial._trial_id)
        assert study.pruner.prune(by_first(study), latest) in (True, False)
        if number % 3 == 2:
            study.tell(trial, state=optuna.trial.TrialState.PRUNED)
            continue
        trial.set_constraint("predict_s", x - 0.5)
        study.tell(trial, [x, math.sqrt(x)])
    assert all(0 <= one.params["x"] <= 1 for one in study.trials)
    assert all(one.params["x"] <= 0.5 for one in study.best_trials)


def test_tpe_learns_both_objectives() -> None:
    """More of its later trials than of random ones are on the only line that is worth it."""
    found = spec_of(
        {name: {"type": "float", "low": 0.0, "high": 1.0} for name in ("x", "waste")},
        objective=[FIRST, SIZE],
        sampler={"name": "tpe", "seed": 1},
    )
    study = optuna.create_study(directions=["maximize", "minimize"], sampler=make_sampler(found))
    for _ in range(60):
        trial = study.ask()
        x, waste = trial.suggest_float("x", 0, 1), trial.suggest_float("waste", 0, 1)
        study.tell(trial, [x - waste, x + waste])
    late = [one.params["waste"] for one in study.trials[30:]]
    assert sum(late) / len(late) < 0.25
