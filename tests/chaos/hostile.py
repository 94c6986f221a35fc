"""The scripted network, whose trials do harm to the process that runs them."""

from __future__ import annotations

import os
import tempfile
import time
from pathlib import Path

import scripted

load_data = scripted.load_data


def build_model(params, data):
    harm = HARM[params["behaviour"]]
    model = scripted.build_model(params | {"behaviour": "calm"}, data)
    return _doing(model, harm)


def _doing(model, harm):
    """The model, which does the harm once, at the end of its first epoch."""
    import keras
    import tensorflow as tf

    left = [harm]

    def once():
        while left:
            left.pop()()

    @keras.saving.register_keras_serializable()
    class Hostile(keras.Model):
        def test_step(self, data):
            tf.py_function(once, [], [])
            return super().test_step(data)

    found = Hostile(model.inputs, model.outputs, name="hostile")
    found.compile(optimizer=model.optimizer, loss="mse", metrics=["mae"])
    return found


def _exits() -> None:
    os._exit(0)


def _leaves_a_child() -> None:
    if os.fork() == 0:  # it holds all that its parent has open
        time.sleep(60)
        os._exit(0)
    os._exit(1)


def _closes_descriptors() -> None:
    os.closerange(0, 4096)


def _moves() -> None:
    folder = tempfile.mkdtemp()
    os.chdir(folder)
    Path(folder).rmdir()


def _changes_settings() -> None:
    import keras
    import tensorflow as tf

    keras.config.set_floatx("float64")
    keras.config.set_dtype_policy("float64")
    keras.config.set_epsilon(0.1)
    tf.config.run_functions_eagerly(True)
    os.chdir("/")


def _prints_lines() -> None:
    for _ in range(1000):
        os.write(1, b"a line of a hundred thousand bytes".ljust(99, b".") * 1000 + b"\n")


def _prints_one_line() -> None:
    for _ in range(1000):
        os.write(1, b"." * 100_000)


def _prints_other_bytes() -> None:
    os.write(1, bytes(range(256)) * 100)


HARM = {
    "calm": lambda: None,
    "exits": _exits,
    "leaves a child": _leaves_a_child,
    "changes settings": _changes_settings,
    "closes descriptors": _closes_descriptors,
    "moves": _moves,
    "prints lines": _prints_lines,
    "prints one line": _prints_one_line,
    "prints other bytes": _prints_other_bytes,
}
