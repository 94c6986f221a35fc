"""The resident loop against ``fit`` on the same order of rows: the same numbers."""

from __future__ import annotations

from pathlib import Path

import keras
import numpy as np
import pytest

from tuner import models
from tuner.data import Split, Splits
from tuner.models.families import FAMILIES
from tuner.models.feeding import prepared
from tuner.training.fit import EVALUATION_BATCH
from tuner.training.loops import why_fit
from tuner.training.resident import ResidentLoop

EPOCHS, BATCH = 4, 16


def table(task: str, n: int = 90) -> Splits:
    rng = np.random.default_rng(7)
    x = rng.normal(size=(n, 5)).astype(np.float32)
    score = x @ np.array([1.0, -1.0, 0.5, 0.0, 2.0], dtype=np.float32)
    y = {
        "regression": score,
        "binary": (score > 0).astype(np.float32),
        "multiclass": np.digitize(score, [-1, 1]).astype(np.int32),
    }[task]
    parts = [Split(x[a:b], y[a:b]) for a, b in ((0, 53), (53, 77), (77, n))]
    names = {"regression": (), "binary": ("no", "yes"), "multiclass": ("a", "b", "c")}[task]
    return Splits(*parts, task=task, class_names=names)


def built(data: Splits, params: dict) -> keras.Model:
    keras.utils.clear_session()
    keras.utils.set_random_seed(3)
    params = {"n_layers": 2, "units": 8, "learning_rate": 0.01, "batch_size": BATCH, **params}
    model = models.build("mlp", params, data, Path())
    keras.utils.set_random_seed(3)
    return model


CASES = [
    ("multiclass", {"optimizer": "adam", "dropout": 0.3, "batch_norm": True}),
    ("multiclass", {"optimizer": "sgd", "momentum": 0.9, "activation": "maxout"}),
    ("multiclass", {"optimizer": "rmsprop", "momentum": 0.5, "loss": "mse"}),
    ("binary", {"optimizer": "adam", "output": "logits", "activation": "tanh"}),
    ("binary", {"optimizer": "sgd", "schedule": "decay", "decay_rate": 0.9}),
    ("binary", {"optimizer": "adam", "schedule": "cyclic", "cycle_epochs": 2}),
    ("regression", {"optimizer": "adam", "l1": 1e-3, "l2": 1e-2}),
    ("regression", {"optimizer": "rmsprop", "schedule": "plateau", "plateau_patience": 1}),
]


@pytest.mark.parametrize(("task", "params"), CASES)
def test_the_numbers_are_those_of_fit_on_the_same_order_of_rows(task, params):
    assert all(FAMILIES["mlp"].setting(name) for name in params)
    data = table(task)
    rng = np.random.default_rng(0)
    orders = [rng.permutation(len(data.train)).astype(np.int32) for _ in range(EPOCHS)]

    mine = built(data, params)
    learner, (train, validation) = prepared(mine, data.train, data.validation)
    loop = ResidentLoop(
        learner, train, validation, batch_size=BATCH, validation_batch_size=EVALUATION_BATCH
    )
    callbacks = keras.callbacks.CallbackList(list(learner.epoch_callbacks), model=learner)
    callbacks.on_train_begin()
    logs = []
    for epoch, order in enumerate(orders):
        logs.append(loop.epoch(order))
        callbacks.on_epoch_end(epoch, logs[-1])

    theirs = built(data, params)
    own = list(theirs.epoch_callbacks)
    for callback in own:
        callback.on_train_begin = lambda logs=None: None  # one training, fit in four calls
    for callback in own:
        keras.callbacks.ReduceLROnPlateau.on_train_begin(callback)
    for epoch, order in enumerate(orders):
        history = theirs.fit(
            train.x[order],
            train.y[order],
            batch_size=BATCH,
            initial_epoch=epoch,
            epochs=epoch + 1,
            shuffle=False,
            validation_data=(validation.x, validation.y),
            validation_batch_size=EVALUATION_BATCH,
            callbacks=own,
            verbose=0,
        ).history
        expected = {name: values[0] for name, values in history.items() if name != "learning_rate"}
        assert logs[epoch].keys() >= expected.keys()
        for name, value in expected.items():
            assert logs[epoch][name] == pytest.approx(value, rel=1e-6, abs=1e-6), name
    for mine_weights, their_weights in zip(mine.get_weights(), theirs.get_weights(), strict=True):
        np.testing.assert_allclose(mine_weights, their_weights, rtol=1e-6, atol=1e-6)


def test_a_smaller_last_batch_and_several_validation_batches_count_by_rows():
    data = table("multiclass")
    model = built(data, {"optimizer": "sgd"})
    loop = ResidentLoop(
        model, data.train, data.validation, batch_size=BATCH, validation_batch_size=10
    )
    logs = loop.epoch(np.arange(len(data.train), dtype=np.int32))
    whole = model.evaluate(data.validation.x, data.validation.y, verbose=0, return_dict=True)
    assert logs["val_accuracy"] == pytest.approx(whole["accuracy"])
    assert logs["val_loss"] == pytest.approx(whole["loss"], rel=1e-5)


class _OwnLoop(keras.Model):
    def make_train_function(self, force=False):
        return super().make_train_function(force)


def test_one_rule_says_when_fit_has_to_train():
    data = table("binary")
    model = built(data, {})
    assert why_fit(model, data.train, []) is None
    assert "every batch" in why_fit(model, data.train, [keras.callbacks.Callback()])
    inputs = keras.Input((5,))
    own = _OwnLoop(inputs, keras.layers.Dense(1)(inputs))
    own.compile(loss="mse")
    assert "make_train_function of its own" in why_fit(own, data.train, [])
    eager = keras.Model(inputs, keras.layers.Dense(1)(inputs))
    eager.compile(loss="mse", run_eagerly=True)
    assert "eagerly" in why_fit(eager, data.train, [])
