"""The sampler that tries defaults first and then shares the time out among learners."""

from __future__ import annotations

import time
from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import Any

import optuna
import pytest
from optuna.trial import TrialState

from tuner.errors import SpecError
from tuner.search import make_sampler
from tuner.search.portfolio_sampler import PortfolioSampler
from tuner.space import SearchSpace
from tuner.spec import Objective
from tuner.spec.models import Reference

SPACE = SearchSpace.parse(
    {
        "learner": {"type": "categorical", "choices": ["quick", "slow"]},
        "quick_rate": {"type": "float", "low": 0.0, "high": 1.0, "when": {"learner": ["quick"]}},
        "slow_layers": {"type": "int", "low": 1, "high": 3, "when": {"learner": ["slow"]}},
        "slow_units": {"type": "int", "low": 1, "high": 9, "repeat": "slow_layers"},
    },
    "test",
)
QUICK = Reference(
    name="quick", role="default", expected=1, params={"learner": "quick", "quick_rate": 0.5}
)
SLOW = Reference(
    name="slow",
    role="default",
    expected=10,
    params={"learner": "slow", "slow_layers": 1, "slow_units_1": 4},
)
GAIN = Objective(metric="gain", direction="maximize")


def sampler(left: float | None = None, seed: int = 0) -> PortfolioSampler:
    deadline = None if left is None else time.time() + left
    return PortfolioSampler(SPACE, [QUICK, SLOW], GAIN, seed, by="learner", deadline=deadline)


def study_of(sampler: PortfolioSampler) -> optuna.Study:
    return optuna.create_study(direction="maximize", sampler=sampler)


def add(
    study: optuna.Study,
    params: dict[str, Any],
    value: float | None,
    seconds: float,
    state: TrialState = TrialState.COMPLETE,
) -> None:
    """Adds a finished trial that took so long."""
    trial = optuna.create_study(direction="maximize")
    trial.enqueue_trial(params)
    asked = trial.ask()
    SPACE.suggest(asked)
    trial.tell(asked, value, state=state)
    (made,) = trial.trials
    made.datetime_start = datetime.now(UTC).replace(tzinfo=None) - timedelta(seconds=seconds)
    made.datetime_complete = made.datetime_start + timedelta(seconds=seconds)
    study.add_trial(made)


def next_params(study: optuna.Study) -> dict[str, Any]:
    return dict(SPACE.suggest(study.ask()))


def test_defaults_are_tried_first_and_in_their_order() -> None:
    study = study_of(sampler())
    assert [next_params(study), next_params(study)] == [QUICK.params, SLOW.params]
    assert next_params(study) not in (QUICK.params, SLOW.params)


def test_workers_that_begin_together_try_different_defaults() -> None:
    study = study_of(sampler())
    first = study.ask()  # running, and none of its parameters stored yet
    second = study.ask()
    assert SPACE.suggest(second) == SLOW.params
    assert SPACE.suggest(first) == QUICK.params


def test_default_that_would_end_too_late_is_not_begun() -> None:
    study = study_of(sampler(left=5))
    assert next_params(study) == QUICK.params
    assert next_params(study)["learner"] == "quick"  # a search trial
    again = optuna.create_study(direction="maximize", sampler=sampler())  # with more time
    add(again, QUICK.params, 0.5, seconds=1)
    assert next_params(again) == SLOW.params


def test_first_default_is_begun_however_little_time_is_left() -> None:
    study = study_of(sampler(left=-1))
    assert next_params(study) == QUICK.params
    assert next_params(study) != SLOW.params


def test_expectations_follow_what_trials_took() -> None:
    study = study_of(sampler(left=20))
    add(study, QUICK.params, 0.5, seconds=15)  # a machine far slower than expected
    assert next_params(study)["learner"] == "quick"
    study.sampler = sampler(left=30)
    assert next_params(study) == SLOW.params


def test_best_learner_gets_most_of_the_time() -> None:
    study = study_of(sampler())
    add(study, QUICK.params, 0.9, seconds=2)
    add(study, SLOW.params, 0.8, seconds=2)
    taken: Counter[str] = Counter()
    for _ in range(12):
        params = next_params(study)
        taken[params["learner"]] += 1
        add(study, params, 0.5, seconds=1)
    assert taken["quick"] > taken["slow"] >= 2


def test_learner_that_fails_three_times_gets_no_further_trial() -> None:
    study = study_of(sampler())
    add(study, QUICK.params, 0.1, seconds=9)
    for _ in range(3):
        add(study, SLOW.params, None, seconds=0.1, state=TrialState.FAIL)
    assert {next_params(study)["learner"] for _ in range(5)} == {"quick"}


def test_draws_depend_on_the_seed_and_the_trials_alone() -> None:
    drawn = []
    for seed in (1, 1, 2):
        study = study_of(sampler(seed=seed))
        add(study, QUICK.params, 0.9, seconds=1)
        add(study, SLOW.params, 0.8, seconds=3)
        drawn.append(next_params(study))
    assert drawn[0] == drawn[1] != drawn[2]
    assert not SPACE.violations(drawn[0])


def test_parameter_to_choose_by_must_be_categorical() -> None:
    from study_texts import spec_of

    spec = spec_of({"learner": SPACE.to_dict()["learner"]}, sampler={"name": "portfolio"})
    assert make_sampler(spec)
    other = spec_of(
        {"units": {"type": "int", "low": 1, "high": 3}}, sampler={"name": "portfolio", "by": "unit"}
    )
    with pytest.raises(SpecError, match=r"sampler.by: must be a categorical parameter .* \"unit\""):
        make_sampler(other)
