from __future__ import annotations

import json
import tomllib
from collections.abc import Mapping
from typing import Any

import optuna
import pytest
from hypothesis import given
from hypothesis import strategies as st
from strategies import Table, spaces, suggested

from tuner.space import SearchSpace

optuna.logging.set_verbosity(optuna.logging.WARNING)

NET = """
[momentum]
type = "float"
low = 0
high = 0.99
when = { optimizer = ["sgd", "rmsprop"] }

[nesterov]
type = "categorical"
choices = [true, false]
when = { optimizer = "sgd", momentum_kind = ["heavy"] }

[momentum_kind]
type = "categorical"
choices = ["heavy", "light"]
when = { optimizer = ["sgd", "rmsprop"] }

[units]
type = "int"
low = 4
high = 512
log = true
repeat = "n_layers"

[n_layers]
type = "int"
low = 0
high = 3

[optimizer]
type = "categorical"
choices = ["sgd", "rmsprop", "adam"]

[dropout]
type = "float"
low = 0.1
high = 0.5
step = 0.1
"""
RIGHT = {
    "optimizer": "sgd",
    "momentum": 0.9,
    "momentum_kind": "heavy",
    "nesterov": True,
    "n_layers": 2,
    "units_1": 48,
    "units_2": 24,
    "dropout": 0.1 + 0.2,
}


def space(text: str = NET) -> SearchSpace:
    return SearchSpace.parse(tomllib.loads(text), "net.toml")


def changed(**changes: Any) -> dict[str, Any]:
    """RIGHT with changes; None leaves a parameter out."""
    return {k: v for k, v in (RIGHT | changes).items() if v is not None}


# --- What a space is


def test_names_are_concrete_and_in_the_order_of_the_file() -> None:
    assert space().names() == (
        *("momentum", "nesterov", "momentum_kind", "units_1", "units_2", "units_3"),
        *("n_layers", "optimizer", "dropout"),
    )


def test_largest_value_of_a_parameter() -> None:
    text = NET + '[batch]\ntype = "categorical"\nchoices = [16, 128, 64.5]'
    net = space(text)
    largest = {name: net.largest(name) for name in ("units", "units_2", "batch", "dropout")}
    assert largest == {"units": 512, "units_2": 512, "batch": 128, "dropout": 0.5}
    assert net.largest("optimizer") is None
    assert net.largest("nesterov") is None
    assert net.largest("epochs") is None


def test_space_with_when_or_repeat_is_conditional() -> None:
    assert space().is_conditional
    assert not space('[a]\ntype = "int"\nlow = 1\nhigh = 2').is_conditional


def test_one_space_written_in_two_ways_is_one_space() -> None:
    short = space('[a]\ntype = "float"\nlow = 0\nhigh = 1\n[b]\ntype = "int"\nlow = 1\nhigh = 9')
    long = space(
        '[a]\ntype = "float"\nlow = 0.0\nhigh = 1.0\nlog = false\nwhen = {}\n'
        '[b]\ntype = "int"\nlow = 1\nhigh = 9\nstep = 1'
    )
    assert short == long
    assert json.dumps(short.to_dict()) == json.dumps(long.to_dict())


@given(spaces())
def test_to_dict_is_read_back_equal(table: Table) -> None:
    parsed = SearchSpace.parse(table, "a")
    again = SearchSpace.parse(json.loads(json.dumps(parsed.to_dict())), "b")
    assert again == parsed
    assert json.dumps(again.to_dict()) == json.dumps(parsed.to_dict())


@given(spaces())
def test_distributions_are_those_that_optuna_stores(table: Table) -> None:
    parsed = SearchSpace.parse(table, "a")
    trial = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=0)).ask()
    parsed.suggest(trial)
    declared = {
        name: parameter.distribution()
        for parameter in parsed.parameters
        for name in parameter.concrete(6)
    }
    assert trial.distributions == {name: declared[name] for name in trial.distributions}


# --- What a trial may suggest


def takes_part(name: str, table: Table, params: Mapping[str, Any]) -> bool:
    """The rule of ``when`` and ``repeat``, written again: every parent takes part and holds."""
    own = table[name]
    for parent, values in own.get("when", {}).items():
        if not takes_part(parent, table, params) or params[parent] not in values:
            return False
    return "repeat" not in own or takes_part(own["repeat"], table, params)


@given(spaces(), st.integers(0, 2**32 - 1))
def test_what_is_suggested_is_in_the_space(table: Table, seed: int) -> None:
    parsed = SearchSpace.parse(table, "a")
    params = suggested(parsed, seed)
    assert parsed.violations(params) == []
    expected: list[str] = []
    for name, own in table.items():
        if takes_part(name, table, params):
            repeat = own.get("repeat")
            times = range(1, params[repeat] + 1) if repeat else ()
            expected += [f"{name}_{i}" for i in times] if repeat else [name]
    assert sorted(params) == sorted(expected)


@given(spaces(), st.integers(0, 99))
def test_suggest_returns_the_values_of_a_fixed_trial(table: Table, seed: int) -> None:
    parsed = SearchSpace.parse(table, "a")
    params = suggested(parsed, seed)
    trial = optuna.trial.FixedTrial(params)
    assert parsed.suggest(trial) == params
    assert trial.params == params
    assert parsed.read(params) == params


@given(spaces(), st.integers(0, 99), st.data())
def test_missing_or_additional_parameter_is_a_violation(
    table: Table, seed: int, data: st.DataObject
) -> None:
    parsed = SearchSpace.parse(table, "a")
    params = suggested(parsed, seed)
    assert len(parsed.violations({**params, "nonsense": 1})) == 1
    if params:
        name = data.draw(st.sampled_from(sorted(params)))
        assert not parsed.contains({k: v for k, v in params.items() if k != name})
        assert not parsed.contains({**params, name: "no such value at all"})
    for name in parsed.names():
        if name not in params:
            assert not parsed.contains({**params, name: 1})


def test_an_enqueued_configuration_is_suggested_as_it_is() -> None:
    study = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=0))
    study.enqueue_trial(RIGHT)
    trial = study.ask()
    assert space().suggest(trial) == RIGHT
    assert trial.params == RIGHT


def test_parents_come_first_and_otherwise_the_order_of_the_file_holds() -> None:
    params = space().suggest(optuna.trial.FixedTrial(RIGHT))
    assert list(params) == [
        *("optimizer", "momentum", "momentum_kind", "nesterov"),
        *("n_layers", "units_1", "units_2", "dropout"),
    ]


def test_tpe_works_in_a_conditional_space() -> None:
    sampler = optuna.samplers.TPESampler(seed=0, n_startup_trials=3)
    study = optuna.create_study(sampler=sampler)
    net = space()
    for _ in range(12):
        trial = study.ask()
        params = net.suggest(trial)
        assert net.violations(params) == []
        study.tell(trial, params["dropout"])


# --- What a configuration may be


@pytest.mark.parametrize(
    ("params", "sentence"),
    [
        (changed(optimizer=None), "optimizer is missing."),
        (changed(units_2=None), "units_2 is missing; n_layers = 2 asks for it."),
        (changed(momentum=None), 'momentum is missing; optimizer = "sgd" asks for it.'),
        (
            changed(units_3=9),
            "units_3 = 9 must be left out: n_layers = 2 asks for no more of units.",
        ),
        (
            changed(momentum_kind="light"),
            "nesterov = true must be left out: it takes part only when momentum_kind is "
            '"heavy", but momentum_kind is "light".',
        ),
        (
            changed(optimizer="adam", momentum=None, momentum_kind=None),
            "nesterov = true must be left out: it takes part only with momentum_kind, "
            "which takes no part here.",
        ),
        (changed(unit_1=8), "There is no parameter unit_1; did you mean units_1?"),
        (
            changed(units=8),
            "units is repeated by n_layers: write units_1, units_2 and so on.",
        ),
        (
            changed(optimizer="addam"),
            'optimizer = "addam" is wrong: it must be "sgd", "rmsprop" or "adam".',
        ),
        (
            changed(units_1=1024),
            "units_1 = 1024 is wrong: it must lie between 4 and 512.",
        ),
        (
            changed(units_1=48.0),
            "units_1 = 48.0 is wrong: it must be a whole number, written without a point.",
        ),
        (
            changed(units_1=True),
            "units_1 = true is wrong: it must be a number, not a boolean.",
        ),
        (
            changed(momentum="0.9"),
            'momentum = "0.9" is wrong: it must be a number, not a string.',
        ),
        (changed(momentum=False), "momentum = false is wrong: it must be a number, not a boolean."),
        (
            changed(momentum=float("nan")),
            "momentum = nan is wrong: it must lie between 0.0 and 0.99.",
        ),
        (changed(nesterov=1), "nesterov = 1 is wrong: it must be true or false."),
        (
            changed(dropout=0.25),
            "dropout = 0.25 is wrong: it must be 0.1 plus a multiple of 0.1.",
        ),
        # A wrong parent decides nothing about its children: one mistake, one sentence.
        (changed(n_layers="2"), 'n_layers = "2" is wrong: it must be a number, not a string.'),
        (changed(n_layers=None), "n_layers is missing."),
    ],
)
def test_violation_names_the_rule_and_the_value(params: dict[str, Any], sentence: str) -> None:
    assert space().violations(params) == [sentence]
    assert not space().contains(params)


def test_all_violations_are_listed() -> None:
    assert len(space().violations(changed(units_1=1, dropout=9.0, momentum=-1))) == 3


def test_zero_repetitions_are_a_configuration() -> None:
    assert space().contains(changed(n_layers=0, units_1=None, units_2=None))


def test_float_parameter_accepts_a_whole_number() -> None:
    params = changed(momentum=0)
    assert space().contains(params)
    assert repr(space().read(params)["momentum"]) == "0.0"


def test_grid_far_from_zero_contains_the_suggestions_of_optuna() -> None:
    far = space('[a]\ntype = "float"\nlow = 1000000000.0\nhigh = 1000000010.0\nstep = 0.1')
    assert all(far.violations(suggested(far, seed)) == [] for seed in range(30))
