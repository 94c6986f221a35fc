from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
from fitting import network
from keras import layers

from tuner.data import Splits
from tuner.errors import ModelError
from tuner.learners.keras.script.network_source import model_source


def remade(model: keras.Model) -> keras.Model:
    """The model that the written lines make, with the original's weights."""
    namespace: dict[str, Any] = {"keras": keras}
    exec("if True:\n" + model_source(model), namespace)
    made = namespace["model"]
    made.set_weights(model.get_weights())
    return made


def compiled(model: keras.Model, **settings: Any) -> keras.Model:
    model.compile(**({"optimizer": "sgd", "loss": "mse"} | settings))
    return model


@pytest.mark.parametrize("task", ["regression", "binary", "multiclass"])
def test_source_of_every_task_rebuilds_the_model(
    make_splits: Callable[..., Splits], task: str, tmp_path: Path
) -> None:
    params = {
        "n_layers": 2,
        "units_1": 8,
        "units_2": 4,
        "batch_norm": True,
        "dropout": 0.2,
        "l2": 0.001,
        "optimizer": "rmsprop",
        "learning_rate": 0.07,
        "momentum": 0.5,
    }
    data = make_splits(task)
    model = network("mlp", params, data, tmp_path)
    made = remade(model)
    x = data.test.x
    np.testing.assert_array_equal(model.predict(x, verbose=0), made.predict(x, verbose=0))
    assert made.optimizer.get_config()["momentum"] == 0.5


def test_source_of_a_convolutional_network_with_augmentation() -> None:
    augment = keras.Sequential([layers.RandomFlip("horizontal"), layers.RandomContrast(0.1)])
    model = keras.Sequential(
        [
            keras.Input((8, 8, 3)),
            augment,
            layers.Conv2D(4, 3, padding="same", activation="relu"),
            layers.MaxPooling2D(),
            layers.GlobalAveragePooling2D(),
            layers.Dense(1),
        ]
    )
    compiled(model, loss=keras.losses.BinaryCrossentropy(from_logits=True))
    x = np.random.default_rng(0).uniform(size=(2, 8, 8, 3)).astype(np.float32)
    made = remade(model)
    np.testing.assert_array_equal(model.predict(x, verbose=0), made.predict(x, verbose=0))
    assert "keras.layers.RandomFlip" in model_source(model)


def test_source_of_a_functional_network_with_two_paths() -> None:
    given = keras.Input((4,), name="import")  # a keyword of Python, and no name in a script
    wide = layers.Dense(3, "relu", name="wide-way")(given)
    deep = layers.Dense(3)(layers.Dense(2)(given))
    model = keras.Model(given, layers.Dense(1)(layers.Maximum()([wide, deep])))
    compiled(model, metrics=["mae"])
    x = np.random.default_rng(0).uniform(size=(5, 4)).astype(np.float32)
    np.testing.assert_array_equal(model.predict(x, verbose=0), remade(model).predict(x, verbose=0))


def test_source_of_two_inputs_and_two_outputs() -> None:
    one, two = keras.Input((2,)), keras.Input((3,))
    both = layers.Concatenate()([one, two])
    model = keras.Model([one, two], [layers.Dense(1)(both), layers.Dense(2)(both)])
    compiled(model, loss=["mse", "mae"], loss_weights=[1.0, 0.5])
    assert "loss_weights=[1.0, 0.5]" in model_source(model)
    assert len(remade(model).outputs) == 2


class Own(layers.Layer):
    def call(self, x: Any) -> Any:
        return x


class OwnDense(layers.Dense):
    pass


class OwnModel(keras.Model):
    def call(self, x: Any) -> Any:
        return x


def shared() -> keras.Model:
    given = keras.Input((2,))
    twice = layers.Dense(2)
    return keras.Model(given, twice(twice(given)))


def operators() -> keras.Model:
    given = keras.Input((2,))
    return keras.Model(given, given * 2)


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: keras.Sequential([keras.Input((2,)), Own()]), "Own is not a public class of K"),
        (lambda: keras.Sequential([keras.Input((2,)), OwnDense(2)]), "OwnDense is not a public"),
        (OwnModel, "the model has a model of the class OwnModel, which cannot be written"),
        (shared, "a layer that is used 2 times"),
        (operators, "Multiply is not a public class of Keras"),
        (
            lambda: keras.Sequential([keras.Input((2,)), layers.Lambda(lambda x: x)]),
            "export NAME.toml or NAME.json instead",
        ),
    ],
)
def test_unwritable_layers_and_models_are_refused(
    make: Callable[[], keras.Model], words: str
) -> None:
    with pytest.raises(ModelError, match=words) as caught:
        model_source(compiled(make()))
    assert "which `tuner train` takes" in str(caught.value)


def test_users_loss_is_refused() -> None:
    def own_loss(y: Any, p: Any) -> Any:
        return keras.ops.mean(y - p)

    model = compiled(keras.Sequential([keras.Input((2,)), layers.Dense(1)]), loss=own_loss)
    with pytest.raises(ModelError, match=r"own_loss is not a public"):
        model_source(model)
