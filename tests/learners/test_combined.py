"""Several learners as one, chosen by a parameter."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tuner.data import Splits
from tuner.errors import SpecError
from tuner.learners.checks import check_space, check_values
from tuner.learners.combined import MEMBERS, Combined, own_params, own_space, owner, plain_model
from tuner.learners.registry import LEARNERS, open_learner, shipped
from tuner.learners.setup import Setup
from tuner.learners.watch import Watch
from tuner.space import SearchSpace
from tuner.studies.catalog import find_space

TREES = {"learner": "hist_gradient_boosting", "hist_gradient_boosting_max_iter": 3}
SPACE = SearchSpace.parse(
    {
        "learner": {"type": "categorical", "choices": ["linear", "mlp"]},
        "mlp_n_layers": {"type": "int", "low": 1, "high": 2, "when": {"learner": ["mlp"]}},
        "mlp_units": {"type": "int", "low": 4, "high": 8, "repeat": "mlp_n_layers"},
    },
    "test",
)


def combined(**setup: Any) -> Combined:
    learner = open_learner("automl", Setup(**setup))
    assert isinstance(learner, Combined)
    return learner


def test_every_shipped_learner_but_itself_is_a_member() -> None:
    assert {*MEMBERS} == {*LEARNERS} - {"automl"}


def test_parameters_belong_to_the_longest_name() -> None:
    assert owner("linear_epochs") == "linear"
    assert owner("linear_model_alpha") == "linear_model"
    assert owner("learner") is None
    assert own_params({"learner": "mlp", "mlp_units_1": 4, "linear_epochs": 2}) == (
        "mlp",
        {"units_1": 4},
    )


def test_own_space_has_the_names_of_the_learner() -> None:
    space = own_space(SPACE, "mlp")
    assert space.names() == ("n_layers", "units_1", "units_2")
    assert not space.violations({"n_layers": 1, "units_1": 4})
    assert own_space(SPACE, "linear").names() == ()


def test_rules_are_those_of_the_members() -> None:
    check_values(Combined, {"mlp_units_2": [8], "learner": ["mlp"]})
    with pytest.raises(SpecError, match="mlp_n_layers must be at least 0, but got -1"):
        check_values(Combined, {"mlp_n_layers": [-1]})
    with pytest.raises(SpecError, match='has no parameter "mlp_unit"; did you mean mlp_unit'):
        check_values(Combined, {"mlp_unit": [8]})
    with pytest.raises(SpecError, match="did you mean hist_gradient_boosting"):
        check_values(Combined, {"learner": ["hist_gradient_bosting"]})


def test_shipped_space_suits_the_members() -> None:
    space = find_space("automl", Path())
    check_space(Combined, space)
    choices = space.parameter("learner").choices
    assert {owner(name) for name in space.names()} - {None} == {*choices}
    for name in map(str, choices):
        assert {"table", "mixed", "text"} & {*shipped(name).kinds}


def test_steps_are_those_of_the_chosen_learner() -> None:
    assert Combined.steps(TREES) == 3
    assert Combined.steps({"learner": "mlp", "mlp_epochs": 7}) == 7


def test_fit_is_that_of_the_chosen_learner(make_splits: Callable[[], Splits]) -> None:
    data = make_splits().development
    fitted = combined().fit(TREES, data, 1, Watch(3))
    alone = open_learner("hist_gradient_boosting", Setup())
    same = alone.fit({"max_iter": 3}, data, 1, Watch(3))
    assert np.array_equal(fitted.predict(data.validation.x), same.predict(data.validation.x))


def test_learner_that_the_data_do_not_suit_is_refused(make_splits: Callable[[], Splits]) -> None:
    data = make_splits().development
    space = SearchSpace.parse({"learner": {"type": "categorical", "choices": ["cnn"]}}, "test")
    with pytest.raises(SpecError, match='learner = cnn: model: "cnn" reads images, but'):
        Combined.check_task(data, space)


def test_plain_model_is_what_a_study_of_one_learner_has() -> None:
    assert plain_model("automl", TREES) == ("hist_gradient_boosting", {"max_iter": 3})
    model, params = plain_model("automl", {"learner": "mlp", "mlp_units_1": 8})
    assert (model, params["units_1"]) == ("mlp", 8)
    assert params["target_scaling"] == shipped("mlp").settings["target_scaling"].default
    assert plain_model("mlp", {"units_1": 8}) == ("mlp", {"units_1": 8})


def test_each_member_is_opened_once_and_prepared_in_a_worker(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    prepared = []
    prepare = classmethod(lambda cls: prepared.append(cls.name))
    monkeypatch.setattr(shipped("mlp"), "prepare_worker", prepare)
    learner = combined(keep=True)
    first, _ = learner.chosen({"learner": "mlp"})
    again, _ = learner.chosen({"learner": "mlp"})
    assert first is again
    assert prepared == ["mlp"]


def test_names_alone_import_no_library() -> None:
    import subprocess

    code = (
        "import sys; from tuner.learners.combined import Combined; Combined.steps({}); "
        "print([m for m in ('tensorflow', 'sklearn', 'pandas') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
