"""A user's network and data, whose behaviour the tests script by parameters."""

from __future__ import annotations

import os
import signal
import threading
import time

import keras
import numpy as np

CHECKED_ROWS = 8  # a worker evaluates so many before its first trial


def load_data():
    rng = np.random.default_rng(0)
    x = rng.normal(size=(120, 3)).astype("float32")
    y = (x @ np.array([1.0, -2.0, 0.5], dtype="float32")).astype("float32")
    return x, y


def build_model(params, data):
    """A linear model that behaves as ``params["behaviour"]`` says."""
    behaviour = params.get("behaviour", "calm")
    if behaviour == "raises":
        raise ValueError("this network does not like its parameters")
    if behaviour == "dies":
        os.kill(os.getpid(), signal.SIGKILL)
    if behaviour == "grows":
        build_model.kept = np.ones((1000, 1024, 1024), dtype="uint8")
    if behaviour == "prints":
        print("a line from the user's own code")
    if behaviour == "leaves a thread":
        threading.Thread(target=time.sleep, args=(600,)).start()
    inputs = keras.Input(data.input_shape)
    hidden = keras.layers.Dropout(0.2)(inputs) if behaviour == "counts" else inputs
    outputs = keras.layers.Dense(1)(hidden)
    seconds = {"slow": 0.5, "grows": 0.5, "endless": 60}.get(behaviour)
    model = _Slow(inputs, outputs, name="slow") if seconds else keras.Model(inputs, outputs)
    model.seconds = seconds
    if behaviour == "held":
        model = _Held(inputs, outputs, name="held")
    if behaviour == "counts":
        model = _Counts(inputs, outputs, name="counts")
    rate = float("nan") if behaviour == "diverges" else params["learning_rate"]
    model.compile(optimizer=keras.optimizers.SGD(rate), loss="mse", metrics=["mae"])
    return model


@keras.saving.register_keras_serializable()
class _Slow(keras.Model):
    """Waits in every batch of validation rows, except in the few rows of a worker's check."""

    def test_step(self, data):
        import tensorflow as tf

        tf.py_function(self._wait, [tf.shape(data[0])[0]], [])
        return super().test_step(data)

    def _wait(self, rows):
        if rows != CHECKED_ROWS:
            time.sleep(self.seconds)


@keras.saving.register_keras_serializable()
class _Held(keras.Model):
    """Waits for the file ``released``, except in the few rows of a worker's check."""

    def test_step(self, data):
        import tensorflow as tf

        tf.py_function(_wait_for_release, [tf.shape(data[0])[0]], [])
        return super().test_step(data)


def _wait_for_release(rows):
    from pathlib import Path

    while rows != CHECKED_ROWS and not (Path(__file__).parent / "released").exists():
        time.sleep(0.1)


@keras.saving.register_keras_serializable()
class _Counts(keras.Model):
    """Appends a byte to a file for each epoch that any process runs."""

    def test_step(self, data):
        import tensorflow as tf

        tf.py_function(_count, [], [])
        return super().test_step(data)


def _count():
    from pathlib import Path

    with (Path(__file__).parent / "counted").open("ab") as file:
        file.write(b".")
    time.sleep(0.1)  # so that a test can act in the middle of a trial
