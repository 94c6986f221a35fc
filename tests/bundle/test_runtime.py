"""TensorFlow is loaded quietly, before a user's own module loads it with all that it prints."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from made_configurations import MakeConfiguration

from tuner.bundle import export, load_bundle, train
from tuner.results import Configuration

PRELOADED = "tuner.learners.keras.preloaded"
MODULE = f"""
import sys

assert "{PRELOADED}" in sys.modules

import keras
import numpy as np

def load_data():
    x = np.random.default_rng(0).normal(size=(60, 2)).astype("float32")
    return x, x.sum(axis=1)

def build_model(params, data):
    model = keras.Sequential([keras.Input(data.input_shape), keras.layers.Dense(1)])
    model.compile(optimizer="sgd", loss="mse", metrics=["mse"])
    return model
"""


@pytest.fixture
def own_code(
    make_configuration: MakeConfiguration, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Configuration]:
    """A configuration of a user's data and network, whose module is not imported yet."""
    (tmp_path / "mine_loud.py").write_text(MODULE)
    monkeypatch.setattr(sys, "path", list(sys.path))
    monkeypatch.delitem(sys.modules, PRELOADED, raising=False)
    yield make_configuration(
        dataset="mine_loud:load_data",
        model="mine_loud:build_model",
        params={},
        epochs=1,
        data_fingerprint=None,
    )
    sys.modules.pop("mine_loud", None)


def test_runtime_is_loaded_before_the_data_of_a_script(own_code: Configuration) -> None:
    assert len(export(own_code, own_code.base / "best.py")) == 2


@pytest.mark.slow
def test_runtime_is_loaded_before_own_code_of_a_bundle(
    own_code: Configuration, monkeypatch: pytest.MonkeyPatch
) -> None:
    train(own_code, own_code.base / "model")
    monkeypatch.delitem(sys.modules, PRELOADED)
    monkeypatch.delitem(sys.modules, "mine_loud")
    bundle = load_bundle(own_code.base / "model", code=own_code.base / "mine_loud.py")
    assert bundle.predict(np.zeros((3, 2), np.float32)).shape == (3,)
