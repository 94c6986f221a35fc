"""How many configurations a finite space has, which they are, and which are left to try."""

from __future__ import annotations

import tomllib
from typing import Any

import optuna
import pytest
from hypothesis import assume, given
from strategies import Table, spaces

from tuner.space import Coverage, SearchSpace, Tried
from tuner.space.combinations import Combinations, is_finite

optuna.logging.set_verbosity(optuna.logging.WARNING)

NET = """
[n_layers]
type = "int"
low = 0
high = 2

[units]
type = "categorical"
choices = [4, 8]
repeat = "n_layers"

[optimizer]
type = "categorical"
choices = ["sgd", "adam"]

[momentum]
type = "float"
low = 0.0
high = 0.9
step = 0.3
when = { optimizer = "sgd" }
"""
# Units: 1 + 2 + 4 ways; sgd with four momenta, or adam.
N_NET = 7 * 5


def space(text: str = NET) -> SearchSpace:
    return SearchSpace.parse(tomllib.loads(text), "net.toml")


def frozen(params: dict[str, Any]) -> frozenset[tuple[str, Any]]:
    return frozenset(params.items())


@pytest.mark.filterwarnings("ignore::optuna.exceptions.ExperimentalWarning")
def test_combinations_are_those_that_optuna_enumerates() -> None:
    combinations = Combinations(space())
    found = {frozen(combinations.at(i)) for i in range(combinations.size)}
    study = optuna.create_study(sampler=optuna.samplers.BruteForceSampler(seed=0))
    study.optimize(lambda trial: float(bool(space().suggest(trial))), n_trials=100)

    assert combinations.size == len(found) == N_NET
    assert found == {frozen(trial.params) for trial in study.trials}


@given(spaces())
def test_combinations_are_different_and_in_the_space(table: Table) -> None:
    one = SearchSpace.parse(table, "any.toml")
    assume(is_finite(one))
    combinations, coverage = Combinations(one), Coverage(one)
    positions = range(0, combinations.size, max(1, combinations.size // 50))
    keys = {coverage.key(combinations.at(position)) for position in positions}

    assert None not in keys
    assert len(keys) == len(positions)


@given(spaces())
def test_any_suggestion_is_one_of_the_combinations(table: Table) -> None:
    one = SearchSpace.parse(table, "any.toml")
    assume(is_finite(one))
    study = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=0))
    params = one.suggest(study.ask())

    assert Combinations(one, params).size == 1
    assert Combinations(one, params).at(0) == params
    assert Coverage(one).key(params) is not None


def test_combinations_with_given_values_are_the_rest() -> None:
    combinations = Combinations(space(), {"optimizer": "adam", "units_1": 8})
    found = [combinations.at(i) for i in range(combinations.size)]

    assert combinations.size == 1 + 1 + 2
    assert all(params["optimizer"] == "adam" for params in found)


def test_float_without_a_step_has_endless_combinations() -> None:
    assert not is_finite(space('[rate]\ntype = "float"\nlow = 0.1\nhigh = 0.2\n'))
    assert is_finite(space('[rate]\ntype = "float"\nlow = 0.1\nhigh = 0.1\n'))


ADAM = {"n_layers": 0, "optimizer": "adam"}
SGD = {"n_layers": 0, "optimizer": "sgd", "momentum": 0.3}


@pytest.mark.parametrize(
    ("trials", "untried", "is_used_up"),
    [
        ([], N_NET, False),
        ([("complete", ADAM), ("pruned", SGD)], N_NET - 2, False),
        ([("complete", ADAM), ("fail", ADAM)], N_NET - 1, False),
        ([("fail", ADAM)], N_NET - 1, False),
        ([("fail", {})], N_NET, False),
        ([("complete", ADAM | {"optimizer": "sgd"})], N_NET, False),
        ([("complete", {"n_layers": 0.0, "optimizer": "adam"})], N_NET - 1, False),
        ([("complete", SGD | {"momentum": 0.1 * 3})], N_NET - 1, False),
        ([("running", {}), ("waiting", {}), ("waiting", SGD)], N_NET - 3, False),
        ([("waiting", {"n_layers": 99})], N_NET, False),
    ],
)
def test_remaining_combinations_are_counted(
    trials: list[tuple[str, Any]], untried: int, is_used_up: bool
) -> None:
    tried = [Tried(number, *trial) for number, trial in enumerate(trials)]
    left = Coverage(space()).left(tried)

    assert (left.untried, left.is_used_up) == (untried, is_used_up)


@pytest.mark.parametrize(
    ("last", "may_begin", "is_used_up"),
    [("fail", 0, True), ("pruned", 0, True), ("running", 0, False), ("waiting", 1, False)],
)
def test_a_space_is_used_up_when_no_trial_can_come_back(
    last: str, may_begin: int, is_used_up: bool
) -> None:
    combinations = Combinations(space())
    trials = [Tried(i, "complete", combinations.at(i)) for i in range(N_NET - 1)]
    left = Coverage(space()).left([*trials, Tried(N_NET, last, combinations.at(N_NET - 1))])

    assert (left.untried, left.may_begin, left.is_used_up) == (0, may_begin, is_used_up)
