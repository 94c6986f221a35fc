from __future__ import annotations

import zipfile

import built
import keras
import numpy as np
import pytest
from built import kinds

from tuner.errors import SpecError
from tuner.learners.keras import training
from tuner.learners.keras.networks.families import Mlp
from tuner.learners.keras.networks.measured import available_metrics


def build(data, **params) -> keras.Model:
    return built.build("mlp", data, **params)


@pytest.mark.parametrize(
    ("task", "width", "activation"),
    [("regression", 1, "linear"), ("binary", 1, "sigmoid"), ("multiclass", 3, "softmax")],
)
def test_the_output_and_the_metrics_follow_from_the_task(make_splits, task, width, activation):
    data = make_splits(task)
    model = build(data)
    assert model.output_shape == (None, width)
    assert model.get_layer("output").activation.__name__ == activation
    assert available_metrics(model, data) == tuple(
        sorted(Mlp.metrics(task), key=lambda name: (name != "loss", name))
    )
    assert set(training.evaluate(model, data.test)) == set(Mlp.metrics(task))


def test_several_targets_have_an_output_each(make_splits):
    data = make_splits("regression")
    for split in (data.train, data.validation, data.test):
        object.__setattr__(split, "y", np.stack([split.y, -split.y], axis=1))
    model = build(data)
    assert model.output_shape == (None, 2)
    assert set(training.evaluate(model, data.test)) == {"loss", "mse", "mae"}


def test_the_layers_are_those_of_the_parameters(make_splits):
    model = build(
        make_splits(),
        n_layers=2,
        units_1=7,
        units_2=5,
        activation="tanh",
        dropout=0.25,
        batch_norm=True,
    )
    hidden = ["Dense", "BatchNormalization", "Activation", "Dropout"]
    assert kinds(model) == ["Rescaling", "Rescaling", *hidden, *hidden, "Dense"]
    dense = [layer for layer in model.layers if isinstance(layer, keras.layers.Dense)]
    assert [layer.units for layer in dense] == [7, 5, 1]
    assert [layer.use_bias for layer in dense] == [False, False, True]
    assert model.layers[4].activation is keras.activations.tanh
    assert model.layers[5].rate == 0.25


def test_missing_parameters_have_their_defaults(make_splits):
    model = build(make_splits())
    assert kinds(model) == ["Rescaling"] * 2 + ["Dense", "Activation"] * 2 + ["Dense"]
    assert [layer.units for layer in model.layers if hasattr(layer, "units")] == [64, 64, 1]
    assert model.losses == []


def test_plain_units_serve_every_layer_and_no_layer_is_a_linear_model(make_splits):
    model = build(make_splits(), n_layers=3, units=9, units_2=4)
    assert [layer.units for layer in model.layers if hasattr(layer, "units")] == [9, 4, 9, 1]
    assert kinds(build(make_splits(), n_layers=0)) == ["Rescaling", "Rescaling", "Dense"]


def test_l2_reaches_every_kernel(make_splits):
    model = build(make_splits(), n_layers=1, l2=0.01)
    expected = sum(
        0.01 * float(np.sum(np.square(layer.kernel.numpy())))
        for layer in model.layers
        if isinstance(layer, keras.layers.Dense)
    )
    assert float(sum(model.losses)) == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize(
    ("name", "kind", "momentum"),
    [("sgd", "SGD", 0.8), ("rmsprop", "RMSprop", 0.8), ("adam", "Adam", None)],
)
def test_the_optimizer_has_its_own_settings(make_splits, name, kind, momentum):
    optimizer = build(make_splits(), optimizer=name, learning_rate=0.25, momentum=0.8).optimizer
    assert type(optimizer).__name__ == kind
    assert float(optimizer.learning_rate) == 0.25
    assert getattr(optimizer, "momentum", None) == momentum


def test_images_are_flattened(make_splits):
    data = make_splits("multiclass", features=12)
    for split in (data.train, data.validation, data.test):
        object.__setattr__(split, "x", split.x.reshape(-1, 4, 3))
    model = build(data, n_layers=1)
    assert kinds(model) == ["Rescaling", "Flatten", "Dense", "Activation", "Dense"]
    assert model.layers[0].scale == 1 / data.scale


def test_error_for_an_impossible_value_names_the_parameter(make_splits):
    with pytest.raises(SpecError, match=r"params: dropout must be less than 1, but got 1\.5"):
        build(make_splits(), dropout=1.5)


@pytest.mark.slow
def test_a_saved_model_takes_raw_rows_and_needs_keras_alone(make_splits, tmp_path):
    data = make_splits("multiclass")
    model = build(data, batch_norm=True, dropout=0.1, l2=0.001)
    model.fit(data.train.x, data.train.y, verbose=0)
    model.save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras")
    np.testing.assert_array_equal(
        loaded.predict(data.test.x, verbose=0), model.predict(data.test.x, verbose=0)
    )
    assert training.evaluate(loaded, data.test) == training.evaluate(model, data.test)
    with zipfile.ZipFile(tmp_path / "model.keras") as archive:
        assert b"tuner" not in archive.read("config.json")
