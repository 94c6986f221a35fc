"""A user's network and data: which of two entangled spirals does a point lie on?"""

import keras
import numpy as np


def load_data():
    """Returns x of shape (n, 2) and y of shape (n,), 0 or 1; tuner divides them 60/20/20."""
    rng = np.random.default_rng(0)
    angle = rng.uniform(0.5, 3.0 * np.pi, size=1000)
    spiral = rng.integers(0, 2, size=1000)
    turned = angle + np.pi * spiral
    x = np.stack([angle * np.cos(turned), angle * np.sin(turned)], axis=1)
    x += rng.normal(scale=0.2, size=x.shape)
    return x.astype("float32"), spiral


def build_model(params, data):
    """Returns a compiled model for the parameters of one trial.

    ``params`` holds what the search space suggests; ``data`` has ``train``, ``validation``,
    ``input_shape`` and ``n_classes``. Scaling is a layer: the trained model takes raw rows.
    """
    scale = keras.layers.Normalization()
    scale.adapt(data.train.x)
    model = keras.Sequential([keras.Input(data.input_shape), scale])
    for layer in range(params["n_layers"]):
        model.add(keras.layers.Dense(params[f"units_{layer + 1}"], activation="tanh"))
    model.add(keras.layers.Dense(1, activation="sigmoid"))
    model.compile(
        optimizer=keras.optimizers.Adam(params["learning_rate"]),
        loss="binary_crossentropy",
        metrics=["accuracy"],
    )
    return model
