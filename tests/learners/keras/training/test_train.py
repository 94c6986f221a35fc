from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import fitting
import keras
import numpy as np
import pytest
from fitting import network, refit, train

from tuner.errors import MetricError, TrialFailed
from tuner.learners.keras import training
from tuner.learners.keras.training.orders import ShuffledRows
from tuner.spec import EarlyStopping

ACCURACY = ("accuracy", "maximize")


def mlp(data, **params):
    small = {"n_layers": 1, "units": 4, "optimizer": "sgd", "learning_rate": 0.1}
    return lambda: network("mlp", {**small, **params}, data, Path())


def fit(data, *, epochs=4, seed=1, watched=ACCURACY, build=None, **options):
    build = build or mlp(data)
    return train(build, data, epochs=epochs, batch_size=8, seed=seed, watched=watched, **options)


class Witness(keras.callbacks.Callback):
    """Counts the calls of Keras."""

    def __init__(self):
        super().__init__()
        self.ended = 0
        self.batches = 0

    def on_train_batch_end(self, batch, logs=None):
        self.batches += 1

    def on_train_end(self, logs=None):
        self.ended += 1


@pytest.mark.slow
def test_a_complete_run_has_the_best_epochs_value_and_weights(make_splits):
    data = make_splits("multiclass")
    # A rate so high that the last epoch is not the best.
    model, result = fit(data, epochs=8, build=mlp(data, learning_rate=2.0), seed=3)
    curve = result.history["val_accuracy"]
    assert (result.state, result.epochs, result.reason) == ("complete", 8, None)
    assert result.epoch < 8
    assert result.value == max(curve) == curve[result.epoch - 1]
    scores = training.evaluate(model, data.validation)
    assert scores["accuracy"] == result.value
    assert scores["loss"] == pytest.approx(result.history["val_loss"][result.epoch - 1], rel=1e-6)


@pytest.mark.slow
def test_early_stopping_ends_the_run_with_the_best_weights(make_splits):
    data = make_splits("multiclass")
    model, result = fit(
        data,
        epochs=50,
        build=mlp(data, learning_rate=2.0),
        early_stopping=EarlyStopping(patience=2),
    )
    assert result.state == "complete"
    assert result.epochs == result.epoch + 2 < 50
    assert result.reason == "early stopping: no better val_accuracy for 2 epochs"
    assert training.evaluate(model, data.validation)["accuracy"] == result.value


@pytest.mark.slow
def test_pruning_calls_on_train_end(make_splits):
    witness = Witness()
    watched = ("accuracy", "maximize", lambda e, *_: "below the median" if e == 2 else None)
    model, result = fit(make_splits("multiclass"), watched=watched, callbacks=[witness])
    assert (result.state, result.epochs) == ("pruned", 2)
    assert result.reason == "pruned at epoch 2: below the median"
    assert witness.ended == 1
    assert witness.batches == 2 * 8  # a callback of the user's sees every batch
    assert model.stop_training


@pytest.mark.slow
def test_divergence_fails_the_trial_and_calls_on_train_end(make_splits):
    data = make_splits("regression")
    witness = Witness()
    with pytest.raises(TrialFailed, match=r"^val_mse is (NaN|infinite) at epoch \d+: the training"):
        fit(
            data,
            watched=("mse", "minimize"),
            build=mlp(data, learning_rate=1e12),
            callbacks=[witness],
        )
    assert witness.ended == 1


@pytest.mark.slow
def test_absent_metric_is_an_error_after_one_epoch(make_splits):
    with pytest.raises(MetricError, match=r'"f1".* It measures: loss, accuracy'):
        fit(make_splits("multiclass"), watched=("f1", "maximize"))


@pytest.mark.slow
def test_metric_of_a_users_callback_can_be_watched(make_splits):
    class Adds(keras.callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            logs["val_mine"] = float(epoch)

    _, result = fit(make_splits("multiclass"), watched=("mine", "maximize"), callbacks=[Adds()])
    assert (result.value, result.epoch) == (3.0, 4)


@pytest.mark.slow
def test_an_error_in_the_hook_is_not_swallowed(make_splits):
    def broken(*_):
        raise ConnectionError("the database is gone")

    with pytest.raises(ConnectionError, match="the database is gone"):
        fit(make_splits("multiclass"), watched=("accuracy", "maximize", broken))


@pytest.mark.slow
def test_memory_error_fails_the_trial(make_splits):
    def greedy():
        raise MemoryError

    with pytest.raises(TrialFailed, match="out of memory: the model and its batch do not fit"):
        fit(make_splits("multiclass"), build=greedy)


@pytest.mark.slow
@pytest.mark.parametrize("loop", ["resident", "fit"])
def test_the_numbers_are_those_of_keras_fit(make_splits, loop):
    data = make_splits("multiclass")
    build = mlp(data, optimizer="adam", dropout=0.2, batch_norm=True, l2=0.001)
    _, result = fit(data, build=build, loop=loop)

    keras.utils.clear_session()
    keras.utils.set_random_seed(1)
    model = build()
    keras.utils.set_random_seed(1)
    history = model.fit(
        ShuffledRows(data.train, 8, seed=1),
        epochs=4,
        shuffle=False,
        validation_data=(data.validation.x, data.validation.y),
        validation_batch_size=256,
        verbose=0,
    ).history
    assert result.history.keys() == history.keys()
    for name, values in history.items():
        assert result.history[name] == pytest.approx(values, rel=1e-6), name


@pytest.mark.slow
def test_value_depends_only_on_parameters_data_and_seed(make_splits):
    data = make_splits("multiclass")
    build = mlp(data, dropout=0.3)
    first = fit(data, build=build)[1]
    fit(make_splits("binary", features=5), seed=9)  # something else in the same process
    np.random.default_rng().normal(size=3)
    assert fit(data, build=build)[1] == first
    assert fit(data, build=build, seed=2)[1].history != first.history


@pytest.mark.slow
def test_seeding_inside_the_users_function_does_not_fix_the_order_of_rows(make_splits):
    data = make_splits("multiclass")

    def build():
        keras.utils.set_random_seed(0)
        return mlp(data)()

    assert fit(data, build=build, seed=1)[1].history != fit(data, build=build, seed=2)[1].history


@pytest.mark.slow
def test_a_fresh_process_gives_the_same_numbers(make_splits, tmp_path):
    data = make_splits("multiclass")
    np.savez(
        tmp_path / "data.npz",
        *(
            a
            for s in ("train", "validation", "test")
            for a in (getattr(data, s).x, getattr(data, s).y)
        ),
    )
    folders = [str(Path(__file__).parent), str(Path(fitting.__file__).parent)]
    code = f"""
import sys; sys.path[:0] = {folders!r}
import numpy as np
from test_train import fit, mlp
from tuner.data import Split, Splits
a = list(np.load({str(tmp_path / "data.npz")!r}).values())
data = Splits(Split(*a[:2]), Split(*a[2:4]), Split(*a[4:]), task="multiclass")
print(fit(data, build=mlp(data, dropout=0.3))[1].history)
"""
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    here = fit(data, build=mlp(data, dropout=0.3))[1].history
    assert shown.stdout.strip().splitlines()[-1] == str(here)


@pytest.mark.slow
def test_trained_model_keeps_its_compile_settings(make_splits):
    data = make_splits("multiclass")
    model, _ = fit(data, epochs=1)
    assert model.steps_per_execution == 1
    witness = Witness()
    model.fit(data.train.x, data.train.y, batch_size=8, verbose=0, callbacks=[witness])
    assert witness.batches == 8


@pytest.mark.slow
def test_refit_runs_exactly_its_epochs(make_splits):
    data = make_splits("multiclass")
    build = mlp(data)
    model, history = refit(build, data.train, epochs=3, batch_size=8, seed=1)
    # The same seed, rows and epochs: the same training as in the search.
    assert history["loss"] == fit(data, epochs=3)[1].history["loss"]
    assert set(history) == {"loss", "accuracy"}
    assert training.evaluate(model, data.test)["accuracy"] > 1 / 3


@pytest.mark.slow
def test_refit_fails_when_the_loss_diverges(make_splits):
    data = make_splits("regression")
    build = mlp(data, learning_rate=1e12)
    with pytest.raises(TrialFailed, match=r"^loss is .* at epoch"):
        refit(build, data.train, epochs=3, batch_size=8, seed=1)


class _Subclass(keras.Model):
    def __init__(self):
        super().__init__()
        self.hidden, self.out = keras.layers.Dense(4), keras.layers.Dense(3, "softmax")

    def call(self, inputs):
        return self.out(self.hidden(inputs))


@pytest.mark.slow
@pytest.mark.parametrize(
    "make",
    [_Subclass, lambda: keras.Sequential([keras.layers.Dense(3, "softmax")])],
    ids=["subclass", "sequential"],
)
def test_unbuilt_network_trains_in_both_loops(make_splits, make):
    data = make_splits("multiclass")

    def build():
        model = make()
        model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
        return model

    found = [fit(data, build=build, loop=loop)[1].history for loop in ("auto", "fit")]
    for name, values in found[0].items():
        assert values == pytest.approx(found[1][name], rel=1e-5), name
