"""When a further improvement of a study is unlikely."""

from __future__ import annotations

import random
import statistics

import optuna
import pytest
from optuna.trial import FrozenTrial, TrialState, create_trial

from tuner.search.unlikely import expected_gain, outlook
from tuner.spec import Objective
from tuner.spec.models import StopRule

ACCURACY = Objective(metric="accuracy", direction="maximize")
RULE = StopRule(when="unlikely", min_trials=20, patience=10)


def trials(values: list[float | None], error: float | None = 0.01) -> list[FrozenTrial]:
    """Finished trials of a search: pruned ones where there is no value."""
    study = optuna.create_study(direction="maximize")
    for value in values:
        attrs = {"role": "search"} | ({} if error is None else {"standard_error": error})
        state = TrialState.PRUNED if value is None else TrialState.COMPLETE
        study.add_trial(create_trial(state=state, value=value, user_attrs=attrs))
    return study.trials


def flat(n: int, spread: float = 0.001) -> list[float | None]:
    """Values around 0.8 of which the first is the best."""
    drawn = random.Random(0)
    return [0.8 + 3 * spread, *(0.8 + drawn.gauss(0, spread) for _ in range(n - 1))]


@pytest.mark.parametrize("n", [1, 10, 40])
def test_expected_gain_is_that_of_a_simulation(n: int) -> None:
    drawn = random.Random(1)
    losses = [drawn.gauss(0.3, 0.02) for _ in range(4000)]
    best = 0.26
    simulated = statistics.fmean(
        max(0.0, best - min(drawn.gauss(0.3, 0.02) for _ in range(n))) for _ in range(4000)
    )
    assert expected_gain(losses, best, n) == pytest.approx(simulated, rel=0.1, abs=5e-5)


def test_expected_gain_grows_with_the_trials_left() -> None:
    gains = [expected_gain([0.1, 0.2, 0.3, 0.4, 0.5], 0.1, n) for n in (0, 0.5, 3, 30, 300)]
    assert gains[0] == 0.0
    assert gains == sorted(gains)


def test_equal_values_leave_nothing_to_gain() -> None:
    assert expected_gain([0.5] * 6, 0.5, 100) == 0.0


def test_study_stops_when_the_gain_is_below_the_error() -> None:
    found = outlook(trials(flat(40)), RULE, ACCURACY, wanted=60)
    assert found is not None
    assert found.is_unlikely
    assert found.gain < found.error == 0.01


def test_study_goes_on_while_values_differ_by_more_than_the_error() -> None:
    found = outlook(trials(flat(40, spread=0.05), error=0.001), RULE, ACCURACY, wanted=60)
    assert found is not None
    assert not found.is_unlikely


@pytest.mark.parametrize("n", [5, 19])
def test_study_has_its_least_number_of_trials(n: int) -> None:
    assert outlook(trials(flat(n)), RULE, ACCURACY, wanted=60) is None
    assert outlook(trials(flat(20)), RULE, ACCURACY, wanted=60) is not None


def test_study_is_patient_after_an_improvement() -> None:
    values = flat(40)
    values[31] = 0.9
    assert outlook(trials(values), RULE, ACCURACY, wanted=60) is None
    assert outlook(trials([*values, 0.8, 0.8]), RULE, ACCURACY, wanted=60) is not None


def test_error_of_the_study_file_comes_first_and_without_any_nothing_is_said() -> None:
    given = RULE.model_copy(update={"error": 0.5})
    found = outlook(trials(flat(40)), given, ACCURACY, wanted=60)
    assert found is not None
    assert found.error == 0.5
    assert outlook(trials(flat(40), error=None), RULE, ACCURACY, wanted=60) is None


def test_pruned_and_reused_trials_leave_fewer_to_draw() -> None:
    values = flat(40, spread=0.01)
    all_complete = outlook(trials(values), RULE, ACCURACY, wanted=400)
    half_pruned = outlook(
        trials([v if n % 2 == 0 else None for n, v in enumerate(values)]),
        RULE,
        ACCURACY,
        wanted=400,
    )
    assert all_complete is not None
    assert half_pruned is not None
    assert half_pruned.gain < all_complete.gain


def test_older_values_count_where_a_pruner_leaves_few() -> None:
    values = flat(60)
    values[10:] = [value if n % 20 == 0 else None for n, value in enumerate(values[10:])]
    found = outlook(trials(values), RULE, ACCURACY, wanted=80)
    assert found is not None
    assert found.is_unlikely
    values[4:10] = [None] * 6
    values[1] = None
    assert sum(value is not None for value in values) == 6
    values[2] = values[3] = None
    assert outlook(trials(values), RULE, ACCURACY, wanted=80) is None


def test_only_the_search_says_what_the_sampler_proposes() -> None:
    found = trials(flat(40))
    for trial in found:
        trial.set_user_attr("role", "reference")
    assert outlook(found, RULE, ACCURACY, wanted=60) is None


def test_trials_that_violate_a_constraint_are_no_gain() -> None:
    study = optuna.create_study(direction="maximize")
    for number, value in enumerate(flat(40)):
        feasible = create_trial(value=value, user_attrs={"role": "search", "standard_error": 0.01})
        large = create_trial(value=0.95, user_attrs={"role": "search", "standard_error": 0.01})
        large.set_constraint("n_params", 1.0)
        study.add_trial(large if number % 2 else feasible)
    found = outlook(study.trials, RULE, ACCURACY, wanted=60)
    assert found is not None
    assert found.gain < 0.01
