"""The configurations that an AutoML study begins with."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tuner.automl.portfolio import Extent, portfolio, restricted
from tuner.learners.checks import check_data, check_values
from tuner.learners.combined import Combined
from tuner.learners.registry import shipped
from tuner.space import SearchSpace
from tuner.spec.models import Reference
from tuner.studies.catalog import find_space

EXTENT = Extent(
    kind="mixed", task="binary", rows=2_000, columns=20, classes=2, folds=5, seconds=300
)
CASES = [
    EXTENT,
    replace(EXTENT, task="regression", classes=1, kind="table"),
    replace(EXTENT, task="multiclass", classes=7),
    replace(EXTENT, rows=100_000, folds=1),
    replace(EXTENT, kind="text", columns=1),
]


def own_space(name: str) -> dict[str, Any]:
    return find_space(name, Path()).to_dict()


@pytest.mark.parametrize("extent", CASES)
def test_every_default_is_in_the_space_and_suits_its_learner(extent: Extent) -> None:
    defaults = portfolio(extent)
    space = SearchSpace.parse(restricted(own_space("automl"), defaults, own_space), "t")
    for one in defaults:
        reference = Reference.model_validate(one.reference(space))
        assert space.fault(reference.params) is None
        check_values(Combined, {name: [value] for name, value in reference.params.items()})
        assert reference.role == "default"
        assert reference.expected == one.seconds > 0
    assert set(space.parameter("learner").choices) == {one.learner for one in defaults}


@pytest.mark.parametrize("extent", CASES)
def test_defaults_begin_with_the_cheapest(extent: Extent) -> None:
    found = portfolio(extent)
    seconds = [one.seconds for one in found if one.learner != "k_neighbors"]
    assert seconds == sorted(seconds)
    assert "k_neighbors" not in [one.learner for one in found[:2]]
    assert found[0].learner == "linear_model"


def test_portfolio_holds_linear_models_trees_forests_and_networks() -> None:
    learners = {one.learner for one in portfolio(EXTENT)}
    assert {"linear_model", "hist_gradient_boosting", "extra_trees", "random_forest"} < learners
    assert {"realmlp", "tabm", "k_neighbors"} < learners


def test_networks_are_shorter_in_less_time() -> None:
    def epochs(seconds: float) -> int:
        found = portfolio(replace(EXTENT, seconds=seconds))
        return next(int(one.params["epochs"]) for one in found if one.learner == "realmlp")

    assert epochs(20) < epochs(60) < epochs(3600) == 256


def test_search_trains_no_network_longer_than_the_default() -> None:
    defaults = portfolio(replace(EXTENT, seconds=20))
    space = SearchSpace.parse(restricted(own_space("automl"), defaults, own_space), "t")
    default = next(one for one in defaults if one.learner == "realmlp")
    assert space.largest("realmlp_epochs") == default.params["epochs"]


def test_neighbours_are_left_out_of_large_tables() -> None:
    large = portfolio(replace(EXTENT, rows=500_000))
    assert "k_neighbors" not in {one.learner for one in large}


def test_every_learner_reads_such_tables() -> None:
    class Table:
        name, kind, task, input_shape, class_names = "t", "mixed", "binary", (20,), ("a", "b")

    for one in portfolio(EXTENT):
        check_data(shipped(one.learner), Table)  # type: ignore[arg-type]  # a class has them, too
