"""A study of a mixed CSV file through every command, with learners of every kind."""

from __future__ import annotations

import json
import shutil
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from commands import Command
from mixed_tables import FEATURES, mixed_rows, write_mixed_csv

from tuner.bundle import load_bundle
from tuner.data import load
from tuner.learners.registry import open_learner
from tuner.learners.setup import Setup
from tuner.learners.watch import Watch
from tuner.scoring import score
from tuner.search import derive_seed
from tuner.studies.catalog import find_study

STUDY = """
dataset = {{ csv = "shirts.csv", target = "returned" }}
model = "{model}"
objective = {{ metric = "accuracy", direction = "maximize" }}
budget = {{ n_trials = 3 }}
{more}

[search_space.encode_min_rows]
type = "int"
low = 1
high = 4

[search_space.encode_text_features]
type = "int"
low = 0
high = 20
"""
NETWORK = """
import keras

def build(params, data):
    model = keras.Sequential([
        keras.Input(data.input_shape),
        keras.layers.Dense(16, "relu"),
        keras.layers.Dense(1, "sigmoid"),
    ])
    model.compile(keras.optimizers.Adam(0.02), "binary_crossentropy", metrics=["accuracy"])
    return model
"""
SHORT = "fixed = { epochs = 8 }"
MODELS = {
    "mlp": "fixed = { epochs = 8, learning_rate = 0.02, encode_numbers = 'quantile' }",
    "linear": "fixed = { epochs = 8, learning_rate = 0.05, scaling = 'none' }",
    "hist_gradient_boosting": "fixed = { max_iter = 20, min_samples_leaf = 5 }",
    "shirt_network:build": SHORT,
    "nearest_mean:NearestMean": "",
}
STORAGE = ("--storage", "sqlite:///t.db")


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with the table, a network and a learner of one's own."""
    shutil.copy(Path(__file__).with_name("nearest_mean.py"), tmp_path)
    (tmp_path / "shirt_network.py").write_text(NETWORK)
    write_mixed_csv(tmp_path / "shirts.csv")
    monkeypatch.setattr(sys, "path", list(sys.path))
    for name in ("shirt_network", "nearest_mean"):
        monkeypatch.delitem(sys.modules, name, raising=False)
    return tmp_path


def write_study(folder: Path, model: str, more: str) -> None:
    (folder / "shirts.toml").write_text(STUDY.format(model=model, more=more))


def run(command: Command, *more: str) -> dict[str, Any]:
    answer = command("run", "shirts.toml", "--workers", "1", *STORAGE, "--json", *more)
    assert answer.status == 0, answer.err
    found: dict[str, Any] = json.loads(answer.out)
    return found


@pytest.mark.slow
@pytest.mark.parametrize("model", MODELS)
def test_mixed_table_goes_through_every_command(folder: Path, command: Command, model: str) -> None:
    write_study(folder, model, MODELS[model])
    run(command, "--n-trials", "2")
    result = run(command)  # resumed
    assert result["trials"]["complete"] + result["trials"]["pruned"] == 3
    assert result["best"]["value"] > 0.6

    for name in ("best.toml", "best.json"):
        assert command("export", "shirts", *STORAGE, "-o", name).status == 0
    script = command("export", "shirts", *STORAGE, "-o", "best.py")
    script.refused(2, r"best\.py: a model of a mixed table carries .* export it as \.toml or \.js")
    trained = command("train", "best.json", "-o", "model", "--json")
    assert trained.status == 0, trained.err
    assert json.loads(trained.out)["scores"]["test"]["accuracy"] > 0.6
    assert (folder / "model" / "features.json").is_file()
    card = (folder / "model" / "MODEL.md").read_text()
    assert "what makes numbers of them is part of the model" in card
    assert "alone" not in card

    own = "nearest_mean" if model.startswith("nearest_mean") else None
    bundle = load_bundle(folder / "model", code=own and folder / f"{own}.py")
    rows, _ = mixed_rows(30, seed=9)
    expected = bundle.predict(rows[list(FEATURES)])
    rows.to_csv(folder / "new.csv", index=False)
    raw = pd.read_csv(folder / "new.csv").assign(more="?")[["more", *reversed(FEATURES)]]
    np.testing.assert_allclose(bundle.predict(raw), expected, rtol=1e-5, atol=1e-6)


@pytest.mark.slow
def test_mixed_table_is_run_by_a_worker(folder: Path, command: Command) -> None:
    write_study(folder, "hist_gradient_boosting", MODELS["hist_gradient_boosting"])
    assert command("submit", "shirts.toml", *STORAGE).status == 0
    worker = command("worker", *STORAGE, "--workers", 1, "--until-done")
    assert worker.status == 0, worker.err
    best = json.loads(command("best", "shirts", *STORAGE, "--json").out)
    assert best["trials"]["complete"] == 3


@pytest.mark.slow
def test_trial_of_a_mixed_table_is_pruned_and_repeated_by_its_seed(
    folder: Path, command: Command
) -> None:
    more = "fixed = { max_features = 0.5, max_iter = 15 }\n"
    more += 'pruner = { name = "hyperband", min_resource = 2 }\nbudget.n_trials = 8'
    write_study(folder, "hist_gradient_boosting", more)
    text = (folder / "shirts.toml").read_text().replace("budget = { n_trials = 3 }\n", "")
    (folder / "shirts.toml").write_text(text)
    result = run(command)
    assert result["trials"]["pruned"] > 0
    best = result["best"]
    spec = find_study("shirts.toml")
    data = load(spec.dataset, spec.base).development
    held = data.validation
    watch = Watch(
        15,
        "accuracy",
        "maximize",
        score=lambda said: score(["accuracy"], data.task, held.y, said)["accuracy"],
    )
    seed = derive_seed(spec.sampler.seed, best["number"])
    learner = open_learner(spec.model, Setup(spec.base))
    learner.fit({**spec.fixed, **best["params"]}, data, seed, watch)
    assert watch.result().value == best["value"]


@pytest.mark.slow
def test_parameter_of_the_encoder_is_refused_for_a_table_of_numbers(
    folder: Path, command: Command
) -> None:
    write_study(folder, "mlp", SHORT)
    (folder / "shirts.csv").write_text(
        "\n".join(["a,returned", *(f"{n},{'yn'[n % 2]}" for n in range(40))])
    )
    command("run", "shirts.toml", *STORAGE).refused(
        2, r"shirts\.toml: encode_min_rows is for mixed tables, .*shirts holds a table of numbers"
    )
