from __future__ import annotations

import math

import keras
import numpy as np
import pytest
from built import build
from fitting import refit, train

ROWS, BATCH = 60, 8  # 8 steps an epoch, the last of 4 rows


class Rates(keras.callbacks.Callback):
    """Notes the learning rate after every step."""

    def __init__(self):
        super().__init__()
        self.seen = []

    def on_train_batch_end(self, batch, logs=None):
        self.seen.append(float(self.model.optimizer.learning_rate))


def rates(data, epochs, **params):
    """The rate after each step of a training, by step: [0] is that after the first."""
    seen = Rates()
    refit(
        lambda: build("linear", data, batch_size=BATCH, learning_rate=0.5, **params),
        data.train,
        epochs=epochs,
        batch_size=BATCH,
        seed=0,
        callbacks=[seen],
    )
    return np.array(seen.seen)


@pytest.mark.slow
def test_a_constant_rate_stays(make_splits):
    assert set(rates(make_splits(), 2)) == {0.5}


@pytest.mark.slow
def test_a_decaying_rate_is_multiplied_in_every_epoch(make_splits):
    seen = rates(make_splits(), 3, schedule="decay", decay_rate=0.8)
    steps = np.arange(1, 25)
    np.testing.assert_allclose(seen, 0.5 * 0.8 ** (steps / 8), rtol=1e-5)
    assert seen[15] == pytest.approx(0.5 * 0.64)


@pytest.mark.slow
def test_a_cyclic_rate_falls_along_a_cosine_and_starts_again(make_splits):
    seen = rates(make_splits(), 5, schedule="cyclic", cycle_epochs=2)
    done = np.arange(1, 41) / 8 % 2 / 2
    np.testing.assert_allclose(seen, 0.25 * (1 + np.cos(math.pi * done)), rtol=1e-4, atol=1e-6)
    assert seen[15] == pytest.approx(0.5)


def test_the_batch_size_does_not_change_the_schedule(make_splits):
    data = make_splits()
    for batch_size in (1, 7, 60, 1024):
        steps = math.ceil(ROWS / batch_size)
        model = build("linear", data, schedule="decay", decay_rate=0.5, batch_size=batch_size)
        assert float(model.optimizer._learning_rate(2 * steps)) == pytest.approx(0.001 / 4)


def plateau(data):
    # Rows that cannot be learnt, at a rate that is far too high: the loss soon gets no better.
    return lambda: build(
        *("linear", data),
        **{"optimizer": "sgd", "learning_rate": 1.0, "schedule": "plateau"},
        **{"plateau_patience": 2, "plateau_factor": 0.25},
    )


@pytest.mark.slow
def test_a_plateau_of_the_training_loss_lowers_the_rate(make_splits):
    data = make_splits("regression")
    _, result = train(
        plateau(data), data, epochs=30, batch_size=8, seed=0, watched=("mse", "minimize")
    )
    rate, best, waited, expected = 1.0, math.inf, 0, []
    for loss in result.history["loss"]:
        expected.append(rate)
        waited = 0 if loss < best - 1e-4 else waited + 1
        best = loss if waited == 0 else best
        if waited == 2:
            rate, waited = rate / 4, 0
    assert result.history["learning_rate"] == expected
    assert expected[-1] < 1.0


@pytest.mark.slow
def test_plateau_is_the_same_without_validation_rows(make_splits):
    data = make_splits("regression")
    _, result = train(
        plateau(data), data, epochs=12, batch_size=8, seed=0, watched=("mse", "minimize")
    )
    _, history = refit(plateau(data), data.train, epochs=12, batch_size=8, seed=0)
    assert history["learning_rate"] == result.history["learning_rate"]
    assert history["loss"] == result.history["loss"]


@pytest.mark.slow
def test_users_model_may_have_callbacks_of_its_own(make_splits):
    data = make_splits("regression")

    def with_callbacks():
        model = build("linear", data, learning_rate=1.0)
        model.epoch_callbacks = [keras.callbacks.LearningRateScheduler(lambda epoch: 0.5**epoch)]
        return model

    _, history = refit(with_callbacks, data.train, epochs=3, batch_size=8, seed=0)
    assert history["learning_rate"] == [1.0, 0.5, 0.25]
