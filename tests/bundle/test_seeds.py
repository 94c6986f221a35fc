"""Bundles that give the mean of several seeds."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from commands import Command
from made_configurations import MakeConfiguration, configuration

import tuner
from tuner.bundle import Bundle, load_bundle, train
from tuner.bundle.refitting import chosen_by, seeds_of
from tuner.errors import BundleError, ModelError, RequestError
from tuner.learners.registry import amount
from tuner.results import Configuration
from tuner.results.configuration_file import write
from tuner.spec import CsvDataset

ROWS = np.random.default_rng(0).uniform(0, 10, (30, 2)).astype(np.float32)
TREES = {
    "model": "hist_gradient_boosting",
    "params": {"max_features": 0.5, "min_samples_leaf": 5},
    "epochs": 10,
}


@pytest.fixture(scope="module")
def trees(tmp_path_factory: pytest.TempPathFactory) -> Bundle:
    """The mean of three seeds of boosted trees; tests must not change it."""
    folder = tmp_path_factory.mktemp("trees")
    return train(configuration(folder, "class", **TREES), folder / "model", seeds=3)


@pytest.fixture
def copy(trees: Bundle, tmp_path: Path) -> Path:
    return Path(shutil.copytree(trees.path, tmp_path / "copy"))


def test_bundle_of_trees_predicts_the_mean_of_its_seeds(trees: Bundle, tmp_path: Path) -> None:
    seeds = trees.info["seeds"]
    assert seeds == list(seeds_of(11, 3))
    assert (seeds[0], len(set(seeds))) == (trees.info["seed"], 3)
    singles = [
        train(configuration(tmp_path, "class", **TREES, seed=seed), tmp_path / str(seed))
        for seed in seeds
    ]
    predictions = [single.predict(ROWS) for single in singles]
    assert not np.array_equal(predictions[0], predictions[1])
    mean = np.mean(predictions, axis=0)
    np.testing.assert_allclose(load_bundle(trees.path).predict(ROWS), mean, atol=1e-6)


def test_bundle_says_how_many_seeds_it_is_the_mean_of(trees: Bundle) -> None:
    assert "\n10 iterations on 120 rows, the mean of 3 seeds; scored once on 30" in trees.words()
    assert trees.to_dict()["seeds"] == trees.info["seeds"]
    card = (trees.path / "MODEL.md").read_text(encoding="utf-8")
    listed = ", ".join(map(str, trees.info["seeds"]))
    assert (
        "trained for 10 iterations (the best iteration of the trial) with the seeds "
        f"{listed}: it gives the mean of 3 models that differ in their seed alone"
    ) in card
    assert "With scikit-learn and skops alone" not in card  # which would read one of them


def test_missing_seed_of_a_bundle_is_named(copy: Path) -> None:
    shutil.rmtree(copy / "seeds" / "2")
    with pytest.raises(BundleError, match=r"seeds/2/model\.skops"):
        load_bundle(copy).predict(ROWS)


def test_more_seeds_than_anybody_trains_are_refused(copy: Path) -> None:
    info = json.loads((copy / "bundle.json").read_text(encoding="utf-8"))
    info["seeds"] = list(range(101))
    (copy / "bundle.json").write_text(json.dumps(info), encoding="utf-8")
    with pytest.raises(BundleError, match=r"bundle\.json: seeds: .* at most 100 items"):
        load_bundle(copy)


@pytest.mark.parametrize("model", ["linear_model", "k_neighbors"])
def test_learner_without_chance_is_kept_once(model: str, tmp_path: Path) -> None:
    lines: list[str] = []
    made = configuration(tmp_path, "class", model=model, params={}, epochs=1)
    bundle = tuner.train(made, tmp_path / "model", seeds=5, note=lines.append)
    assert [line for line in lines if not line.startswith("note: the opening of")] == [
        "seed 1 of 5",
        "seed 2 of 5",
        f"{model} predicts the same with every seed: one model is kept",
    ]
    assert "seeds" not in bundle.info
    assert bundle.info["seed_matters"] is False
    assert not (tmp_path / "model" / "seeds").exists()
    assert (
        bundle.words().splitlines()[1].startswith("fitted on 120 rows, the same with every seed; ")
    )
    card = (tmp_path / "model" / "MODEL.md").read_text(encoding="utf-8")
    assert "trained with the seed 11, which does not matter: others give the same;" in card


@pytest.mark.slow
def test_network_of_several_seeds_is_one_file_of_keras(
    tmp_path: Path, make_configuration: MakeConfiguration
) -> None:
    import keras

    made = make_configuration("class", epochs=1, batch_size=64)
    bundle = train(made, tmp_path / "model", seeds=2)
    assert sorted(file.name for file in bundle.path.iterdir()) == [
        "MODEL.md",
        "bundle.json",
        "model.keras",
    ]
    assert set(bundle.info["scores"]["test"]) >= {"loss", "accuracy"}
    model = keras.models.load_model(bundle.path / "model.keras")
    second = model.predict(ROWS, verbose=0)[:, 0]
    np.testing.assert_allclose(bundle.predict(ROWS)[:, 1], second, atol=1e-6)
    assert "With Keras alone" in (bundle.path / "MODEL.md").read_text(encoding="utf-8")


@pytest.mark.slow
@pytest.mark.parametrize("model", ["mlp", "hist_gradient_boosting"])
def test_bundle_of_a_mixed_table_takes_raw_rows(model: str, tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    size, shop = rng.uniform(1, 9, 90), rng.choice(["Köln", "서울"], 90)
    frame = pd.DataFrame({"size": size.round(2), "shop": shop, "price": size + (shop == "Köln")})
    frame.loc[::7, "size"] = np.nan
    frame.to_csv(tmp_path / "shops.csv", index=False)
    made = Configuration(
        study="shops",
        trial=1,
        metric="mae",
        direction="minimize",
        value=1.0,
        dataset=CsvDataset(csv="shops.csv", target="price"),
        model=model,
        params={"max_features": 0.5, "min_samples_leaf": 3} if model != "mlp" else {},
        epochs=4,
        batch_size=32,
        seed=3,
        base=tmp_path,
    )
    bundle = train(made, tmp_path / "mean", seeds=2)
    rows = frame.drop(columns="price")
    singles = [
        train(replace(made, seed=seed), tmp_path / str(seed)).predict(rows)
        for seed in bundle.info["seeds"]
    ]
    assert not np.array_equal(*singles)
    mean = np.mean(singles, axis=0)
    np.testing.assert_allclose(load_bundle(bundle.path).predict(rows), mean, rtol=1e-5)


OWN = """
import keras

class Calling(keras.Model):
    def __init__(self):
        super().__init__()
        self.dense = keras.layers.Dense(1, activation="sigmoid")

    def call(self, x):
        return self.dense(x)

def build_model(params, data):
    model = Calling()
    model.compile("adam", "binary_crossentropy")
    return model
"""


def test_own_network_that_cannot_be_averaged_is_refused_after_one_fit(
    tmp_path: Path, make_configuration: MakeConfiguration
) -> None:
    (tmp_path / "calling_network.py").write_text(OWN, encoding="utf-8")
    own = {"model": "calling_network:build_model", "params": {}, "base": tmp_path, "epochs": 1}
    lines: list[str] = []
    expected = r'--seeds: "calling_network:build_model" cannot be averaged: its class Calling says'
    with pytest.raises(ModelError, match=expected):
        train(make_configuration("class", **own), tmp_path / "model", seeds=5, note=lines.append)
    assert lines == ["seed 1 of 5"]
    assert not (tmp_path / "model").exists()


@pytest.mark.parametrize("seeds", ["0", "-1", "101"])
def test_impossible_number_of_seeds_is_refused(
    seeds: str, tmp_path: Path, make_configuration: MakeConfiguration, command: Command
) -> None:
    write(make_configuration(), tmp_path / "best.toml")
    answer = command("train", tmp_path / "best.toml", "-o", tmp_path / "model", "--seeds", seeds)
    assert "training" not in answer.err
    answer.refused(2, rf"^tuner: --seeds must be 1 to 100, but got {seeds}; 5 is usual")
    assert not (tmp_path / "model").exists()


def test_seeds_that_are_no_whole_number_are_refused(
    tmp_path: Path, make_configuration: MakeConfiguration
) -> None:
    with pytest.raises(RequestError, match=r"--seeds must be 1 to 100, but got 2\.5"):
        tuner.train(make_configuration(), tmp_path / "model", seeds=2.5)  # type: ignore[arg-type]  # the mistake


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({}, "the best iteration of the trial"),
        ({"folds": 5}, "the mean of the best iterations of the trial's 5 folds"),
        ({"trial": None, "value": None}, "as many as the configuration says"),
    ],
)
def test_bundle_says_how_the_number_of_steps_was_chosen(
    changes: dict[str, Any], words: str, tmp_path: Path, make_configuration: MakeConfiguration
) -> None:
    bundle = train(make_configuration("class", **TREES, **changes), tmp_path / "model")
    assert bundle.info["epochs_by"] == words
    card = (tmp_path / "model" / "MODEL.md").read_text(encoding="utf-8")
    assert f"trained for 10 iterations ({words})" in card


def test_trees_of_a_forest_are_not_called_parts() -> None:
    table = {"model": "random_forest", "params": {}, "epochs": 7, "trial": 3}
    assert chosen_by(table) == "as many as were best in the search"


def test_steps_of_a_confirmed_configuration_are_those_of_its_repeats() -> None:
    table = {"model": "mlp", "params": {}, "epochs": 7, "trial": 3, "confirmed": {"seeds": 10}}
    assert chosen_by(table) == "the median of the best epochs of its confirmation"


def test_amount_is_said_as_each_learner_counts_it() -> None:
    assert amount("mlp", {}, 18) == "18 epochs"
    assert amount("hist_gradient_boosting", {}, 1) == "1 iteration"
    assert amount("random_forest", {"n_estimators": 200}, 5) == "100 trees"
    assert amount("linear_model", {}, 1) == ""
    assert amount("automl", {"learner": "k_neighbors"}, 1) == ""
    assert amount("own_network:build_model", {}, 1) == "1 epoch"
