from __future__ import annotations

from collections.abc import Callable
from typing import Any

import keras
import numpy as np
import pytest
from keras import layers

from tuner.learners.keras.script.literal import source


def nameless(config: Any) -> Any:
    if isinstance(config, dict):
        return {key: nameless(item) for key, item in config.items() if key != "name"}
    return config


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.1, "0.1"),
        (float(np.float32(0.07)), "0.07"),
        (1 / 3, "0.3333333333333333"),
        (-0.0, "0.0"),
        (float("inf"), 'float("inf")'),
        (np.int64(3), "3"),
        (True, "True"),
        (None, "None"),
        ('say "no"', '"say \\"no\\""'),
        ((3,), "(3,)"),
        ([1, (2, 3)], "[1, (2, 3)]"),
        (np.array([1, 2]), "[1, 2]"),
        ({"a": [1]}, '{"a": [1]}'),
    ],
)
def test_source_of_plain_values(value: Any, text: str) -> None:
    assert source(value) == text


@pytest.mark.parametrize(
    ("make", "text"),
    [
        (lambda: layers.Dense(48, "relu"), 'keras.layers.Dense(48, activation="relu")'),
        (lambda: layers.Dense(2, name="output"), 'keras.layers.Dense(2, name="output")'),
        (lambda: layers.Dropout(0.3), "keras.layers.Dropout(0.3)"),
        (lambda: layers.Conv2D(32, 3, padding="same"), None),
        (lambda: layers.MaxPooling2D(), "keras.layers.MaxPooling2D()"),
        (lambda: layers.Embedding(1000, 16), "keras.layers.Embedding(1000, 16)"),
        (lambda: layers.GlobalMaxPooling1D(), "keras.layers.GlobalMaxPooling1D()"),
        (lambda: layers.RandomFlip("horizontal"), 'keras.layers.RandomFlip(mode="horizontal")'),
        (lambda: layers.Rescaling(1 / 255), "keras.layers.Rescaling(0.00392156862745098)"),
        (
            lambda: layers.Dense(4, kernel_initializer="he_normal"),
            "keras.layers.Dense(4, kernel_initializer=keras.initializers.HeNormal())",
        ),
        (
            lambda: layers.Dense(4, kernel_regularizer=keras.regularizers.L1L2(0.1, 0.2)),
            "keras.layers.Dense(4, kernel_regularizer=keras.regularizers.L1L2(l1=0.1, l2=0.2))",
        ),
        (
            lambda: layers.Dense(4, dtype="float64", trainable=False),
            'keras.layers.Dense(4, trainable=False, dtype="float64")',
        ),
        (
            lambda: layers.TimeDistributed(layers.Dense(3)),
            "keras.layers.TimeDistributed(keras.layers.Dense(3))",
        ),
        (
            lambda: keras.optimizers.SGD(0.1, momentum=0.9),
            "keras.optimizers.SGD(learning_rate=0.1, momentum=0.9)",
        ),
        (lambda: keras.optimizers.Adam(), "keras.optimizers.Adam()"),
        (
            lambda: keras.optimizers.SGD(keras.optimizers.schedules.CosineDecay(0.1, 100)),
            "keras.optimizers.SGD(learning_rate=keras.optimizers.schedules.CosineDecay(0.1, 100))",
        ),
        (
            lambda: keras.losses.BinaryCrossentropy(from_logits=True),
            "keras.losses.BinaryCrossentropy(from_logits=True)",
        ),
        (lambda: keras.metrics.AUC(name="auc"), None),
    ],
)
def test_source_names_only_what_is_not_default(make: Callable[[], Any], text: str | None) -> None:
    thing = make()
    written = source(thing)
    if text is not None:
        assert written == text
    made = eval(written, {"keras": keras})
    assert type(made) is type(thing)
    assert nameless(made.get_config()) == nameless(thing.get_config())


def test_source_folds_long_calls() -> None:
    layer = layers.Dense(
        128, "relu", kernel_initializer="he_normal", kernel_regularizer=keras.regularizers.L2(0.02)
    )
    assert source(layer, 4) == (
        "keras.layers.Dense(\n"
        "        128,\n"
        '        activation="relu",\n'
        "        kernel_initializer=keras.initializers.HeNormal(),\n"
        "        kernel_regularizer=keras.regularizers.L2(l2=0.02),\n"
        "    )"
    )
    lines = source([1 / 3] * 12, 4).splitlines()
    assert len(lines) == 5
    assert max(map(len, lines)) <= 100
