"""Configurations of other search spaces, mapped into a space by parameter name."""

from __future__ import annotations

from typing import Any

import pytest
import strategies
from hypothesis import given
from hypothesis import strategies as st

from tuner.space import SearchSpace
from tuner.space.mapping import distance, mapped, middle, notices

TABLE: dict[str, Any] = {
    "n_layers": {"type": "int", "low": 1, "high": 3},
    "units": {"type": "int", "low": 4, "high": 64, "step": 12, "repeat": "n_layers"},
    "rate": {"type": "float", "low": 1e-4, "high": 1e-2, "log": True},
    "dropout": {"type": "float", "low": 0.0, "high": 0.5, "step": 0.1},
    "batch_size": {"type": "categorical", "choices": [16, 32, 64]},
    "optimizer": {"type": "categorical", "choices": ["adam", "sgd"]},
    "momentum": {"type": "float", "low": 0.0, "high": 0.9, "when": {"optimizer": ["sgd"]}},
}
SPACE = SearchSpace.parse(TABLE, "here.toml")
PARAMS = {
    "n_layers": 2,
    "units_1": 64,
    "units_2": 16,
    "rate": 0.001,
    "dropout": 0.2,
    "batch_size": 32,
    "optimizer": "adam",
}


def map_one(known: Any = None, **changes: Any) -> tuple[dict[str, Any], list[str]]:
    """Maps PARAMS with other values, None for an absent one; returns the notices, too."""
    params = {name: value for name, value in (PARAMS | changes).items() if value is not None}
    found, changed = mapped(SPACE, params, known or {})
    assert SPACE.fault(found) is None
    return found, notices(changed, "old")


def test_configuration_of_the_space_stays_as_it_is() -> None:
    assert map_one() == (PARAMS, [])


@pytest.mark.parametrize(
    ("changes", "here", "notice"),
    [
        ({"units_1": 600}, 64, "units_1: 600 in old is above 64 here; 64 is used"),
        ({"units_1": 1}, 4, "units_1: 1 in old is below 4 here; 4 is used"),
        ({"units_1": 20}, 16, "units_1: 20 in old is between two values here; 16 is used"),
        ({"rate": 0.5}, 0.01, "rate: 0.5 in old is above 0.01 here; 0.01 is used"),
        ({"rate": 1 / 3}, 0.01, "rate: 0.333333 in old is above 0.01 here; 0.01 is used"),
        ({"dropout": 0.23}, 0.2, "dropout: 0.23 in old is between two values here; 0.2 is used"),
        ({"n_layers": 1.7}, 2, "n_layers: 1.7 in old is between two values here; 2 is used"),
        (
            {"batch_size": 50},
            64,
            "batch_size: 50 in old is not among the choices here; 64 is used",
        ),
        (
            {"optimizer": "lion"},
            "adam",
            'optimizer: "lion" in old is not possible here; "adam" is used, the first choice',
        ),
        (
            {"rate": "high"},
            0.001,
            'rate: "high" in old is not possible here; 0.001 is used, the middle',
        ),
        (
            {"rate": True},
            0.001,
            "rate: true in old is not possible here; 0.001 is used, the middle",
        ),
        ({"rate": None}, 0.001, "rate: not in old; 0.001 is used, the middle"),
    ],
)
def test_value_outside_becomes_the_nearest_one_and_is_reported(
    changes: dict[str, Any], here: Any, notice: str
) -> None:
    found, lines = map_one(**changes)
    (name,) = changes
    assert found[name] == pytest.approx(here) if name == "rate" else found[name] == here
    assert lines == [notice]


def test_whole_float_stands_for_an_int_without_a_notice() -> None:
    assert map_one(units_1=64.0, batch_size=32.0) == (PARAMS, [])
    assert isinstance(map_one(units_1=64.0)[0]["units_1"], int)


def test_absent_parameter_takes_the_value_of_the_reference() -> None:
    found, lines = map_one({"rate": 0.005}, rate=None)
    assert found["rate"] == 0.005
    assert lines == ["rate: not in old; 0.005 is used, the reference's"]


def test_absent_layer_takes_the_units_of_the_one_before_it() -> None:
    found, lines = map_one({"units_2": 28}, units_2=None)
    assert found["units_2"] == 64
    assert lines == ["units_2: not in old; 64 is used, that of units_1"]


def test_what_takes_no_part_here_is_left_out() -> None:
    found, lines = map_one(units_3=16, momentum=0.5, layers=7)
    assert (found, lines) == (PARAMS, [])
    found, _ = map_one(optimizer="sgd", momentum=5)
    assert found["momentum"] == 0.9


def test_one_line_reports_the_values_of_several_configurations() -> None:
    changes = [c for units in (600, 700) for c in mapped(SPACE, PARAMS | {"units_1": units}, {})[1]]
    assert notices(changes, "old") == ["units_1: 600 and 700 in old are above 64 here; 64 is used"]


def test_middle_is_that_of_the_scale() -> None:
    assert middle(SPACE.parameter("rate")) == pytest.approx(0.001)
    assert middle(SPACE.parameter("units_1")) == 28
    assert middle(SPACE.parameter("optimizer")) == "adam"


def test_distance_counts_each_parameter_on_its_scale() -> None:
    assert distance(SPACE, PARAMS, PARAMS) == 0
    assert distance(SPACE, PARAMS, PARAMS | {"rate": 0.01}) == pytest.approx(0.5 / 7)
    assert distance(SPACE, PARAMS, PARAMS | {"optimizer": "sgd", "momentum": 0.1}) == 2 / 8


@given(st.data())
def test_every_mapped_configuration_is_in_the_space(data: st.DataObject) -> None:
    here = SearchSpace.parse(data.draw(strategies.spaces()), "here.toml")
    scalars = st.one_of(
        st.booleans(),
        st.integers(),
        st.floats(),
        st.sampled_from(["adam", "", "relu"]),
        st.just(10**400),
    )
    names = st.sampled_from(here.names() or ("x",))
    params = data.draw(st.dictionaries(names, scalars))
    found, _ = mapped(here, params, {})
    assert here.fault(found) is None
    assert mapped(here, found, {}) == (found, [])
