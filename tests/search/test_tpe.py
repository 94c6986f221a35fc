"""Our TPE and Hyperband read less often, and sample and decide what Optuna's do."""

from __future__ import annotations

import warnings
from typing import Any

import optuna
import pytest
from optuna.pruners import BasePruner, HyperbandPruner, NopPruner
from optuna.samplers import BaseSampler, TPESampler
from optuna.trial import TrialState

from tuner.search.hyperband import RememberingHyperbandPruner
from tuner.search.seeded import SeededSampler
from tuner.search.tpe import IncrementalTPESampler

pytestmark = pytest.mark.filterwarnings("ignore::optuna.exceptions.ExperimentalWarning")


def suggest(trial: optuna.Trial) -> dict[str, Any]:
    optimizer = trial.suggest_categorical("optimizer", ["adam", "sgd", "rmsprop"])
    trial.suggest_float("rate", 1e-5, 1e-1, log=True)
    trial.suggest_int("units", 4, 512, log=True)
    trial.suggest_float("dropout", 0.0, 0.6, step=0.1)
    if optimizer != "adam":
        trial.suggest_float("momentum", 0.0, 0.99)
    if trial.number > 30:
        trial.suggest_int("late", 1, 4)
    if trial.number % 7 == 6:
        trial.suggest_categorical("rare", [True, False])
    return trial.params


def loss(params: dict[str, Any]) -> float:
    """Bumpy, with equal values: those are sorted by number."""
    return round(abs(params["units"] - 100) / 50 + params["dropout"] + params["rate"], 1)


def history(
    sampler: BaseSampler, pruner: BasePruner | None = None, direction: str = "minimize"
) -> list[dict[str, Any]]:
    """What is suggested in a study of complete, pruned, failed, infeasible and running trials."""
    study = optuna.create_study(
        sampler=sampler, pruner=pruner or NopPruner(), direction=direction, study_name="s"
    )
    asked, running = [], []
    for number in range(70):
        trial = study.ask()
        asked.append(suggest(trial))
        value = loss(trial.params)
        if number % 9 == 5:
            trial.set_constraint("memory", value - 1.0)
        if number % 4 == 1:
            for epoch in range(1, number % 5):
                trial.report(float("nan") if number % 8 == 1 else value / epoch, epoch)
        if number % 6 == 3:
            running.append(trial)  # ends after trials that began later
        elif number % 4 == 1:
            study.tell(trial, state=TrialState.PRUNED)
        elif number % 11 == 7:
            study.tell(trial, state=TrialState.FAIL)
        else:
            study.tell(trial, value)
        if len(running) > 3:
            late = running.pop(0)
            study.tell(late, float("inf") if number > 40 else loss(late.params))
    return asked


@pytest.mark.slow
@pytest.mark.parametrize("direction", ["minimize", "maximize"])
@pytest.mark.parametrize(
    "options",
    [{"group": True}, {}, {"group": True, "constant_liar": False}, {"multivariate": False}],
    ids=str,
)
def test_tpe_samples_what_optunas_tpe_samples(options: dict[str, Any], direction: str) -> None:
    plain = history(
        SeededSampler(lambda seed: TPESampler(seed=seed, **options), 3), None, direction
    )
    first = IncrementalTPESampler(seed=3, **options)
    assert history(SeededSampler(first.reseeded, 3), None, direction) == plain
    assert plain[60] != plain[61]


def test_tpe_with_one_random_stream_samples_what_optunas_does() -> None:
    assert history(IncrementalTPESampler(seed=1)) == history(TPESampler(seed=1))


def curves(pruner: BasePruner) -> tuple[list[int], list[dict[str, Any]]]:
    study = optuna.create_study(sampler=TPESampler(seed=0), pruner=pruner, study_name="s")
    ends = []
    for number in range(40):
        trial = study.ask()
        suggest(trial)
        for epoch in range(1, 28):
            trial.report(((number * 7919 + 13) % 97) / 97 + 1 / epoch, epoch)
            if trial.should_prune():
                study.tell(trial, state=TrialState.PRUNED)
                break
        else:
            study.tell(trial, loss(trial.params))
        ends.append(epoch)
    return ends, [trial.params for trial in study.trials]


@pytest.mark.parametrize("options", [{"max_resource": 27}, {}, {"reduction_factor": 2}], ids=str)
def test_hyperband_prunes_where_optunas_does(options: dict[str, Any]) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        ended = curves(RememberingHyperbandPruner(**options))
    assert ended == curves(HyperbandPruner(**options))
    assert min(ended[0]) < 27
