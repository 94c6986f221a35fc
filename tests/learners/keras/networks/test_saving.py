"""Users' networks are saved and loaded once before a search."""

from __future__ import annotations

import errno
import itertools
import logging
from pathlib import Path

import keras
import pytest
from fitting import network

from tuner.errors import ModelError
from tuner.learners.keras.networks.measured import available_metrics
from tuner.learners.keras.networks.saving import check_saveable, save_model

COUNT = itertools.count()
CODE = """
import keras
from keras import layers

register = keras.saving.register_keras_serializable("{module}")

class Plain(layers.Layer):
    def __init__(self, units, **options):
        super().__init__(**options)
        self.units = units
        self.dense = layers.Dense(units)

    def call(self, x):
        return self.dense(x)

class Whole(Plain):
    def build(self, shape):
        self.dense.build(shape)

    def get_config(self):
        return super().get_config() | {{"units": self.units}}

class Raises(Whole):
    def get_config(self):
        return {{"units": self.absent}}

class Strange(Whole):
    def get_config(self):
        return super().get_config() | {{"units": object()}}

class Forgetful(Whole):
    factor = 1.0

    def call(self, x):
        return super().call(x) * self.factor

class Network(keras.Model):
    def __init__(self, units):
        super().__init__()
        self.dense = layers.Dense(units)

    def call(self, x):
        return self.dense(x)

def forgetful():
    layer = register(Forgetful)(2)
    layer.factor = 3.0
    return layer

def build_model(params, data):
    model = {model}
    if not isinstance(model, keras.Model):
        model = keras.Sequential([keras.Input((3,)), model, layers.Dense(1)])
    model.compile("sgd", "mse")
    return model
"""
CURE = (
    r"; layers of your own need get_config\(\) and "
    r"@keras\.saving\.register_keras_serializable\(\); .*\[training\] saveable = false$"
)


@pytest.fixture
def check(tmp_path: Path, make_splits):
    """Builds a network from an expression and tries to save it."""

    def check(model: str) -> None:
        module = f"saved_{next(COUNT)}"
        (tmp_path / f"{module}.py").write_text(CODE.format(module=module, model=model))
        reference, data = f"{module}:build_model", make_splits("regression")
        built = network(reference, {}, data, tmp_path)
        available_metrics(built, data)
        check_saveable(built, reference, data, tmp_path)

    return check


@pytest.mark.parametrize("model", ["layers.Dense(2)", "register(Whole)(2)"])
def test_check_saveable_accepts_a_network_that_can_be_saved(check, model):
    check(model)


@pytest.mark.parametrize(
    ("model", "words"),
    [
        (
            "Whole(2)",
            r"saved, but not loaded again: TypeError: Could not locate class 'Whole'\. Make",
        ),
        (
            "register(Raises)(2)",
            r"cannot be saved: AttributeError: .*'absent' \(saved_\d+\.py, line \d+",
        ),
        ("register(Strange)(2)", "cannot be saved: TypeError: Cannot serialize object"),
        ("Network(1)", r"cannot be saved: NotImplementedError: .*implement `get_config\(\)`"),
        ("layers.Lambda(lambda x: 2 * x)", r"not loaded again: ValueError: .*`Lambda` layer whose"),
        ("layers.Dense(2, activation=lambda x: x)", "not loaded again: TypeError: Could not inter"),
    ],
)
def test_network_that_cannot_be_saved_is_refused_with_the_cure(check, recwarn, model, words):
    with pytest.raises(ModelError, match=rf'^"saved_\d+:build_model": .*{words}.*{CURE}') as caught:
        check(model)
    assert "\n" not in str(caught.value)
    assert "/tmp" not in str(caught.value)
    assert not recwarn.list


def test_network_that_predicts_otherwise_when_loaded_is_refused(check):
    with pytest.raises(
        ModelError, match=r"predicts something else when it was saved and loaded; a"
    ):
        check("forgetful()")


def test_full_disk_does_not_refuse_a_network(check, monkeypatch, caplog):
    def save(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(keras.Model, "save", save)
    with caplog.at_level(logging.WARNING):
        check("layers.Dense(2)")
    assert "could not try whether the model can be saved" in caplog.text
    with pytest.raises(OSError, match="No space left"):
        save_model(keras.Sequential(), Path("model.keras"), Path.cwd())
