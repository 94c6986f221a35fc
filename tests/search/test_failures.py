"""Failed trials as samplers see them."""

from __future__ import annotations

import statistics
import sys
from pathlib import Path

import optuna
import pytest
from optuna.study import StudyDirection
from optuna.trial import FrozenTrial, TrialState

from tuner.search import ATTRIBUTE, FAILED, make_pruner, make_sampler
from tuner.search.failures import StudyWithFailures, with_failures

MINIMIZE, MAXIMIZE = StudyDirection.MINIMIZE, StudyDirection.MAXIMIZE


@pytest.fixture
def study() -> optuna.Study:
    """A complete, a pruned, a failed and a refused trial, and one that is running."""
    made = optuna.create_study()
    for end in ("complete", "pruned", "failed", "refused"):
        trial = made.ask()
        trial.suggest_float("rate", 0, 1)
        if end == "failed":
            trial.set_constraint(FAILED, 1.0)
        if end == "complete":
            made.tell(trial, 0.5)
        else:
            state = TrialState.PRUNED if end == "pruned" else TrialState.FAIL
            made.tell(trial, state=state)
    made.ask()
    return made


def states(trials: list[FrozenTrial]) -> list[str]:
    return [trial.state.name.lower() for trial in trials]


def test_failed_trials_are_infeasible_with_the_worst_value(study: optuna.Study) -> None:
    seen = with_failures(study.trials, [MINIMIZE])
    assert states(seen) == ["complete", "pruned", "complete", "fail", "running"]
    assert (seen[2].value, seen[2].constraints) == (0.5, {FAILED: 1.0})
    assert seen[0].constraints == {}
    assert states(study.trials)[2] == "fail", "it stays failed for everyone else"


def test_other_trials_are_marked_as_feasible_if_the_sampler_asks_for_it(
    study: optuna.Study,
) -> None:
    seen = with_failures(study.trials, [MINIMIZE], mark_others=True)
    assert [seen[n].constraints for n in (0, 2)] == [{FAILED: -1.0}, {FAILED: 1.0}]


def test_constraints_of_the_study_itself_are_kept_beside_it() -> None:
    study = optuna.create_study()
    good, bad = study.ask(), study.ask()
    for trial in (good, bad):
        trial.suggest_float("rate", 0, 1)
    good.set_constraint("n_params", 7.0)
    bad.set_constraint(FAILED, 1.0)
    study.tell(good, 0.5)
    study.tell(bad, state=TrialState.FAIL)
    seen = with_failures(study.trials, [MINIMIZE], mark_others=True)
    assert [dict(sorted(one.constraints.items())) for one in seen] == [
        {FAILED: -1.0, "n_params": 7.0},
        {FAILED: 1.0, "n_params": 0.0},
    ]


@pytest.mark.parametrize(("direction", "worst"), [(MINIMIZE, 0.9), (MAXIMIZE, 0.1)])
def test_worst_value_follows_the_direction(direction: StudyDirection, worst: float) -> None:
    study = optuna.create_study()
    for value in (0.1, 0.9, float("inf")):
        study.tell(study.ask(), value)
    trial = study.ask()
    trial.suggest_float("rate", 0, 1)
    trial.set_constraint(FAILED, 1.0)
    study.tell(trial, state=TrialState.FAIL)
    assert with_failures(study.trials, [direction])[-1].value == worst


def test_trials_are_the_same_objects_where_none_has_failed(study: optuna.Study) -> None:
    trials = study.trials[:2]
    assert all(
        one is other for one, other in zip(with_failures(trials, [MINIMIZE]), trials, strict=True)
    )


def test_study_is_seen_through_the_wrapper(study: optuna.Study) -> None:
    seen = StudyWithFailures.of(study, mark_others=False)
    complete = seen.get_trials(states=(TrialState.COMPLETE,))
    assert [trial.number for trial in complete] == [0, 2]
    assert seen.study_name == study.study_name


@pytest.fixture
def simulation(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.syspath_prepend(str(Path(__file__).parents[2] / "benchmarks"))
    sys.modules.pop("failures", None)
    import failures

    return failures


@pytest.mark.slow
def test_fewer_trials_fail_and_the_result_is_no_worse(simulation) -> None:
    hidden, shown = (
        [simulation.search("tpe", seed, 40, teaches=teaches) for seed in range(20)]
        for teaches in (False, True)
    )
    n_failed = [sum(failed for failed, _, _ in found) for found in (hidden, shown)]
    assert n_failed[1] < n_failed[0] / 2
    more = [after[2] - before[2] for before, after in zip(hidden, shown, strict=True)]
    assert statistics.mean(more) < 2 * statistics.stdev(more) / len(more) ** 0.5


def test_cma_es_counts_failed_trials_without_a_warning(simulation) -> None:
    pytest.importorskip("cmaes")
    spec = simulation.spec_of("cmaes", 0)
    study = optuna.create_study(sampler=make_sampler(spec), study_name="s")
    for number in range(12):
        trial = study.ask()
        spec.search_space.suggest(trial)
        if number % 2:
            trial.set_constraint(FAILED, 1.0)
            study.tell(trial, state=TrialState.FAIL)
        else:
            study.tell(trial, float(number))
    assert study.trials[1].system_attrs[ATTRIBUTE] == 1.0


def test_sampler_learns_under_hyperband(simulation) -> None:
    """Whose brackets are studies that answer few questions."""
    spec = simulation.spec_of("tpe", 0)
    sampler, pruner = make_sampler(spec), make_pruner(spec)
    study = optuna.create_study(sampler=sampler, pruner=pruner, study_name="s")
    for _ in range(30):
        trial = study.ask()
        params = spec.search_space.suggest(trial)
        trial.report(1.0, 1)
        trial.should_prune()
        if params["optimizer"] == "sgd":
            trial.set_constraint(FAILED, 1.0)
            study.tell(trial, state=TrialState.FAIL)
        else:
            study.tell(trial, 1.0)
    late = [trial.params["optimizer"] for trial in study.trials[20:]]
    assert late.count("sgd") <= 2
