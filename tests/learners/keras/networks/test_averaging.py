"""Several networks as one that gives the mean of their predictions."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import keras
import numpy as np
import pytest
from keras import layers, losses

from tuner.data import Split
from tuner.errors import ModelError
from tuner.learners.keras.fitted_network import Network
from tuner.learners.keras.networks.target import OFFSET
from tuner.learners.keras.networks.text import vectoriser

ROWS = np.random.default_rng(0).normal(size=(20, 3)).astype(np.float32)
Made = Callable[[int], keras.Model]


def compiled(model: keras.Model, loss: object) -> keras.Model:
    model.compile("adam", loss, metrics=["accuracy"])
    return model


def scaled(seed: int) -> keras.Model:
    """A network for two classes that begins with a scaling."""
    first = layers.Dense(4, "relu", kernel_initializer=keras.initializers.GlorotNormal(seed))
    last = layers.Dense(1, "sigmoid", kernel_initializer=keras.initializers.GlorotNormal(seed))
    scale = layers.Rescaling([1.0, 0.5, 2.0], name="scale")
    model = keras.Sequential([keras.Input((3,)), scale, first, last], name="net")
    return compiled(model, "binary_crossentropy")


def two_logits(seed: int) -> keras.Model:
    start = keras.Input((3,), name="rows")
    dense = layers.Dense(2, kernel_initializer=keras.initializers.GlorotNormal(seed))
    model = keras.Model(start, dense(start), name="net")
    return compiled(model, losses.SparseCategoricalCrossentropy(from_logits=True))


def one_logit(seed: int) -> keras.Model:
    dense = layers.Dense(1, kernel_initializer=keras.initializers.GlorotNormal(seed))
    model = keras.Sequential([keras.Input((3,)), dense], name="net")
    return compiled(model, losses.BinaryCrossentropy(from_logits=True))


def penalised(seed: int) -> keras.Model:
    initializer = keras.initializers.GlorotNormal(seed)
    dense = layers.Dense(1, "sigmoid", kernel_initializer=initializer, kernel_regularizer="l2")
    return compiled(keras.Sequential([keras.Input((3,)), dense]), "binary_crossentropy")


def networks(make: Made, n: int = 3) -> list[Network]:
    return [Network(make(seed), "binary", Path()) for seed in range(n)]


@pytest.mark.parametrize("make", [scaled, two_logits, one_logit])
def test_average_predicts_the_mean_and_loads_with_keras_alone(make: Made, tmp_path: Path) -> None:
    parts = networks(make)
    mean = np.mean([one.predict(ROWS) for one in parts], axis=0)
    average = Network.average(parts)
    np.testing.assert_allclose(average.predict(ROWS), mean, atol=1e-6)

    info = average.save(tmp_path)
    loaded = keras.models.load_model(tmp_path / "model.keras")
    assert info is not None
    again = Network(loaded, "binary", Path(), logits=info["logits"])
    np.testing.assert_allclose(again.predict(ROWS), mean, atol=1e-6)
    assert info["logits"] is (make is not scaled)


def test_scaling_at_the_head_is_there_once() -> None:
    average = Network.average(networks(scaled))
    assert [layer.name for layer in average.model.layers] == ["scale", "mean"]


def test_words_of_texts_are_there_once(tmp_path: Path) -> None:
    texts = Split(np.array(["b b a", "a c", "c"], dtype=object), np.array([0, 1, 1]))

    def made(seed: int) -> Network:
        words, size = vectoriser(texts, max_tokens=5, length=3)
        initializer = keras.initializers.GlorotNormal(seed)
        numbers = layers.Embedding(size, 2, embeddings_initializer=initializer)
        model = keras.Sequential(
            [
                keras.Input((), dtype="string"),
                words,
                numbers,
                layers.GlobalAveragePooling1D(),
                layers.Dense(1, "sigmoid", kernel_initializer=initializer),
            ]
        )
        return Network(compiled(model, "binary_crossentropy"), "binary", Path())

    parts = [made(seed) for seed in range(2)]
    average = Network.average(parts)
    assert [layer.name for layer in average.model.layers][1:] == ["mean"]
    mean = np.mean([one.predict(texts.x) for one in parts], axis=0)
    np.testing.assert_allclose(average.predict(texts.x), mean, atol=1e-6)
    average.save(tmp_path)
    loaded = Network(keras.models.load_model(tmp_path / "model.keras"), "binary", Path())
    np.testing.assert_allclose(loaded.predict(texts.x), mean, atol=1e-6)


def test_offset_of_a_quantity_in_float64_comes_after_the_mean() -> None:
    def made(seed: int) -> Network:
        dense = layers.Dense(1, kernel_initializer=keras.initializers.GlorotNormal(seed))
        offset = layers.Rescaling(1.0, np.array([1e9 + 1]), dtype="float64", name=OFFSET)
        model = keras.Sequential([keras.Input((3,)), dense, offset])
        return Network(compiled(model, "mse"), "regression", Path())

    parts = [made(seed) for seed in range(2)]
    mean = np.mean([one.predict(ROWS) for one in parts], axis=0)
    average = Network.average(parts)
    assert average.predict(ROWS).dtype == np.float64
    np.testing.assert_allclose(average.predict(ROWS), mean, rtol=0, atol=1e-6)
    # Losses are computed without the offset, which float32 could not hold.
    loss = average.evaluate(Split(ROWS, mean + 0.25))["loss"]
    assert loss == pytest.approx(0.0625, rel=1e-3)


def test_loss_of_the_average_has_the_penalty_of_one_network() -> None:
    parts = networks(penalised)
    penalties = [float(np.sum(one.model.losses)) for one in parts]
    y = np.arange(20) % 2
    average = Network.average(parts)
    predicted = average.predict(ROWS)
    entropy = -np.mean(np.log(predicted[np.arange(20), y]))
    expected = entropy + np.mean(penalties)
    assert average.evaluate(Split(ROWS, y))["loss"] == pytest.approx(expected, rel=1e-4)


class Calling(keras.Model):
    def __init__(self) -> None:
        super().__init__()
        self.dense = layers.Dense(1)

    def call(self, x: object) -> object:
        return self.dense(x)


def test_network_that_only_call_describes_is_refused() -> None:
    model = compiled(Calling(), "mse")
    with pytest.raises(ModelError, match=r"class Calling says in call\(\) alone .*with one seed"):
        Network.average([Network(model, "regression", Path())])


def test_network_of_two_outputs_is_refused() -> None:
    start = keras.Input((3,))
    model = keras.Model(start, [layers.Dense(1)(start), layers.Dense(1)(start)])
    with pytest.raises(ModelError, match="has 2 outputs, but only a network of one input and one"):
        Network.average([Network(model, "regression", Path(), logits=False)])


def test_average_of_one_is_that_one() -> None:
    (only,) = networks(scaled, 1)
    assert Network.average([only]) is only
