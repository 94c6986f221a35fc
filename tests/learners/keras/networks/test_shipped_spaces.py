from __future__ import annotations

from pathlib import Path

import keras
import optuna
import pytest
from built import build
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tuner.data import Splits
from tuner.learners.checks import check_data, check_space
from tuner.learners.keras.networks.families import FAMILIES
from tuner.learners.keras.networks.feeding import prepared
from tuner.space import SearchSpace, Value
from tuner.studies.catalog import find_space

FOLDER = Path(__file__).parents[4] / "search_spaces"
# Space to the model and the tasks that it is for.
MADE_FOR = {
    "linear": ("linear", ["regression"]),
    "tiny": ("mlp", ["binary", "regression"]),
    "small": ("mlp", ["binary"]),
    "mlp": ("mlp", ["regression", "binary", "multiclass"]),
    "images": ("mlp", ["multiclass"]),
    "cnn": ("cnn", ["multiclass"]),
    "faces": ("cnn", ["binary"]),
    "embedding": ("embedding", ["binary"]),
}
CASES = [(space, task) for space, (_, tasks) in MADE_FOR.items() for task in tasks]
SPACES = {name: find_space(name, FOLDER) for name in MADE_FOR}


@pytest.fixture
def data_for(make_splits, make_images, make_texts):
    """Tiny data for a space."""

    def make(space: str, task: str) -> Splits:
        makers = {"cnn": make_images, "faces": make_images, "images": make_images}
        return {**makers, "embedding": make_texts}.get(space, make_splits)(task)

    return make


def suggested(space: SearchSpace, seed: int) -> dict[str, Value]:
    sampler = optuna.samplers.RandomSampler(seed=seed)
    return space.suggest(optuna.create_study(sampler=sampler).ask())


def every_choice(space: SearchSpace) -> list[dict[str, Value]]:
    """Few random configurations in which every choice of the space occurs."""
    candidates = [suggested(space, seed) for seed in range(100)]
    missing = {(p.name, choice) for p in space.parameters for choice in p.choices or ()}
    kept = []
    while missing:
        kept.append(max(candidates, key=lambda params: len(missing & params.items())))
        assert missing & kept[-1].items(), missing
        missing -= kept[-1].items()
    return kept


def test_every_shipped_space_of_networks_is_tested_here():
    elsewhere = {
        *("hist_gradient_boosting", "random_forest", "extra_trees", "linear_model", "k_neighbors")
    }  # tests/learners/sklearn
    elsewhere |= {"realmlp", "tabm"}  # tests/learners/keras/tabular
    assert {file.stem for file in FOLDER.glob("*.toml")} == set(MADE_FOR) | elsewhere


@pytest.mark.parametrize(("name", "task"), CASES)
def test_a_space_is_one_of_its_model_and_its_task(name, task, data_for):
    family = FAMILIES[MADE_FOR[name][0]]
    check_space(family, SPACES[name])
    check_data(family, data_for(name, task), SPACES[name])


@pytest.mark.slow
@pytest.mark.parametrize("name", MADE_FOR)
def test_every_choice_of_a_space_builds(name, data_for):
    family, tasks = MADE_FOR[name]
    data = data_for(name, tasks[0])
    for params in every_choice(SPACES[name]):
        keras.utils.clear_session()
        part, (rows,) = prepared(build(family, data, **params), data.test)
        assert part.compiled
        assert part(rows.x[:2]).shape == (2, 3 if data.task == "multiclass" else 1)


@pytest.mark.slow
@settings(max_examples=6, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(case=st.sampled_from(CASES), seed=st.integers(0, 2**31))
def test_suggested_parameters_train(case, seed, data_for):
    name, task = case
    data = data_for(name, task)
    params = suggested(SPACES[name], seed)
    assert SPACES[name].contains(params)
    keras.utils.clear_session()
    model = build(MADE_FOR[name][0], data, **params)
    part, (rows,) = prepared(model, data.train)
    loss = part.train_on_batch(rows.x, rows.y, return_dict=True)["loss"]
    assert loss == pytest.approx(loss)  # a number
