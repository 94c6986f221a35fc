"""The resident loop against ``fit`` on the same order of rows: the same numbers."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import keras
import numpy as np
import pytest
from fitting import network

from tuner.data import Splits
from tuner.learners.keras.networks.families import FAMILIES, LOSSES, OPTIMIZERS, SCHEDULES
from tuner.learners.keras.networks.feeding import prepared
from tuner.learners.keras.training.fit import EVALUATION_BATCH
from tuner.learners.keras.training.loops import why_fit
from tuner.learners.keras.training.resident import ResidentLoop

EPOCHS, BATCH, SMALLER = 4, 16, 7


def built(family: str, data: Splits, params: dict[str, Any]) -> keras.Model:
    keras.utils.clear_session()
    keras.utils.set_random_seed(3)
    small = {"units": 6, "n_layers": 1, "filters": 3, "embedding_width": 4, "sequence_length": 6}
    known = {name: value for name, value in small.items() if FAMILIES[family].setting(name)}
    params = {**known, "learning_rate": 0.01, "batch_size": BATCH, **params}
    model = network(family, params, data, Path())
    keras.utils.set_random_seed(3)
    return model


# Every optimizer, schedule, loss, output and regulariser, in every family at least some of them.
CASES = [
    ("mlp", "multiclass", {"optimizer": "adam", "dropout": 0.3, "batch_norm": True}),
    (
        "mlp",
        "multiclass",
        {"optimizer": "sgd", "momentum": 0.9, "activation": "maxout", "schedule": "decay"},
    ),
    ("mlp", "multiclass", {"optimizer": "rmsprop", "momentum": 0.5, "loss": "mse"}),
    ("mlp", "multiclass", {"loss": "binary_crossentropy", "output": "sigmoid"}),
    ("mlp", "multiclass", {"loss": "categorical_crossentropy", "output": "softmax", "l2": 0.01}),
    (
        "mlp",
        "binary",
        {"output": "logits", "activation": "tanh", "schedule": "cyclic", "cycle_epochs": 2},
    ),
    ("mlp", "regression", {"loss": "mae", "scaling": "standard", "l1": 1e-3, "l2": 1e-2}),
    ("mlp", "regression", {"optimizer": "rmsprop", "schedule": "plateau", "plateau_patience": 1}),
    ("linear", "regression", {"optimizer": "sgd", "l1": 1e-2, "loss": "mse"}),
    ("cnn", "multiclass", {"block_dropout": 0.2, "batch_norm": True, "pooling": "average"}),
    ("cnn", "binary", {"flip": True, "translation": 0.1, "contrast": 0.2, "l2": 1e-3}),
    (
        "embedding",
        "binary",
        {"embedding_dropout": 0.3, "dropout": 0.2, "optimizer": "rmsprop", "truncating": "pre"},
    ),
]


def test_cases_cover_every_choice_of_the_spaces():
    def tried(name: str) -> set[Any]:
        return {
            params.get(name, FAMILIES[family].parameters()[name]) for family, _, params in CASES
        }

    assert tried("optimizer") == set(OPTIMIZERS)
    assert tried("schedule") == set(SCHEDULES)
    assert tried("loss") == set(LOSSES)
    assert {family for family, _, _ in CASES} == set(FAMILIES)


@pytest.mark.slow
@pytest.mark.parametrize(("family", "task", "params"), CASES)
def test_resident_loop_gives_the_numbers_of_fit(
    make_kind: Callable[..., Splits], family: str, task: str, params: dict[str, Any]
):
    data = make_kind(family, task)
    rng = np.random.default_rng(0)
    orders = [rng.permutation(len(data.train)).astype(np.int32) for _ in range(EPOCHS)]

    mine, (train, validation) = prepared(built(family, data, params), data.train, data.validation)
    loop = ResidentLoop(mine, train, validation)
    callbacks = keras.callbacks.CallbackList(list(mine.epoch_callbacks), model=mine)
    callbacks.on_train_begin()
    logs = []
    for epoch, order in enumerate(orders):
        logs.append(loop.epoch(order, BATCH, EVALUATION_BATCH))
        callbacks.on_epoch_end(epoch, logs[-1])

    theirs, _ = prepared(built(family, data, params), data.train)
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


def test_a_smaller_last_batch_and_several_validation_batches_count_by_rows(make_splits):
    data = make_splits("multiclass", rows=53)
    model = built("mlp", data, {"optimizer": "sgd"})
    loop = ResidentLoop(model, data.train, data.validation)
    logs = loop.epoch(np.arange(len(data.train), dtype=np.int32), BATCH, SMALLER)
    whole = model.evaluate(data.validation.x, data.validation.y, verbose=0, return_dict=True)
    assert logs["val_accuracy"] == pytest.approx(whole["accuracy"])
    assert logs["val_loss"] == pytest.approx(whole["loss"], rel=1e-5)


class _OwnLoop(keras.Model):
    def make_train_function(self, force=False):
        return super().make_train_function(force)


def test_why_fit_names_the_reason(make_splits):
    data = make_splits("binary")
    model = built("mlp", data, {})
    assert why_fit(model, data.train, []) is None
    assert "every batch" in why_fit(model, data.train, [keras.callbacks.Callback()])
    inputs = keras.Input((3,))
    own = _OwnLoop(inputs, keras.layers.Dense(1)(inputs))
    own.compile(loss="mse")
    assert "make_train_function of its own" in why_fit(own, data.train, [])
    eager = keras.Model(inputs, keras.layers.Dense(1)(inputs))
    eager.compile(loss="mse", run_eagerly=True)
    assert "eagerly" in why_fit(eager, data.train, [])


def test_workers_of_a_machine_share_the_memory_for_rows(make_splits, monkeypatch):
    data = make_splits("binary")
    model = built("mlp", data, {})
    free = SimpleNamespace(available=8 * (data.train.x.nbytes + data.train.y.nbytes))
    monkeypatch.setattr("tuner.learners.keras.training.loops.psutil.virtual_memory", lambda: free)
    assert why_fit(model, data.train, [], n_beside=2) is None
    reason = why_fit(model, data.train, [], n_beside=3)
    assert re.fullmatch(r"the training rows take .* in each of 3 workers, a large part .*", reason)


@pytest.mark.slow
def test_layers_that_loop_and_branch_train_as_with_fit(make_splits: Callable[..., Splits]):
    """Functions within the loop's body, for which the executor that runs in order would wait."""
    data = make_splits("binary")
    losses = []
    for resident in (True, False):
        keras.utils.clear_session()
        keras.utils.set_random_seed(0)
        inputs = keras.Input(data.train.x.shape[1:])
        steps = keras.layers.Reshape((-1, 1))(inputs)
        model = keras.Model(inputs, keras.layers.Dense(1)(keras.layers.SimpleRNN(3)(steps)))
        model.compile("sgd", "mse")
        if resident:
            loop = ResidentLoop(model, data.train, None)
            order = np.arange(len(data.train), dtype=np.int32)
            losses += [loop.epoch(order, BATCH, BATCH)["loss"] for _ in range(2)]
        else:
            fitted = model.fit(
                *(data.train.x, data.train.y, BATCH), epochs=2, shuffle=False, verbose=0
            )
            losses += fitted.history["loss"]
    assert losses[:2] == pytest.approx(losses[2:], rel=1e-6)
