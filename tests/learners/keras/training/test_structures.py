"""A graph that is used again gives what a new one gives, bit by bit."""

from __future__ import annotations

import gc
from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras
import numpy as np
import psutil
import pytest
from fitting import network, refit, train

from tuner.data import Splits
from tuner.learners.fit_result import FitResult
from tuner.learners.keras import training
from tuner.learners.keras.networks.families import FAMILIES
from tuner.learners.keras.training.structures import Structures, structure
from tuner.learners.registry import open_learner
from tuner.learners.saved import load_model, pack_model, unpack_model
from tuner.learners.setup import Setup
from tuner.learners.watch import Watch

MEBIBYTE = 2**20


def trained(
    data: Splits,
    params: dict[str, Any],
    structures: Structures | None,
    *,
    family: str = "mlp",
    seed: int = 5,
    own_code: bool = False,
) -> FitResult:
    params = {"n_layers": 1, "units": 5, "filters": 3, "embedding_width": 4, **params}
    known = {k: v for k, v in params.items() if FAMILIES[family].setting(k)}
    _, result = train(
        lambda: network(family, known, data, Path()),
        data,
        epochs=3,
        batch_size=int(params.get("batch_size", 16)),
        seed=seed,
        watched=("loss", "minimize"),
        structures=structures,
        own_code=own_code,
    )
    return result


# Two trials of one structure: what differs is an input or a variable of the graph.
PAIRS = [
    ("mlp", {"optimizer": "adam", "dropout": 0.4}, {"dropout": 0.1, "learning_rate": 0.03}),
    ("mlp", {"optimizer": "sgd", "momentum": 0.9}, {"optimizer": "sgd", "momentum": 0.5}),
    ("mlp", {"optimizer": "rmsprop", "momentum": 0.2, "l2": 0.1}, {"momentum": 0.7, "l2": 0.01}),
    ("mlp", {"l1": 0.1, "l2": 0.1, "batch_norm": True}, {"l1": 0.01, "l2": 0.3}),
    ("mlp", {"schedule": "decay", "decay_rate": 0.5}, {"decay_rate": 0.9, "learning_rate": 0.1}),
    ("mlp", {"schedule": "cyclic", "cycle_epochs": 1}, {"cycle_epochs": 3, "batch_size": 7}),
    ("mlp", {"schedule": "plateau", "plateau_patience": 1}, {"plateau_factor": 0.1}),
    ("mlp", {"loss": "mse", "batch_size": 60}, {"batch_size": 1}),
    ("mlp", {"initializer": "zeros"}, {"initializer": "zeros", "learning_rate": 1.0}),
    ("linear", {"l1": 0.2, "optimizer": "sgd"}, {"l1": 0.1, "learning_rate": 0.5}),
    ("cnn", {"flip": True, "block_dropout": 0.4}, {"block_dropout": 0.2, "batch_size": 9}),
    ("embedding", {"embedding_dropout": 0.4}, {"embedding_dropout": 0.2, "learning_rate": 0.1}),
]


@pytest.mark.slow
@pytest.mark.parametrize(("family", "first", "second"), PAIRS)
def test_reused_graph_gives_the_results_of_a_new_one(make_kind, family, first, second):
    data = make_kind(family, "binary" if family == "embedding" else "multiclass")
    second = {**first, **second}
    structures = Structures()
    before = trained(data, first, structures, family=family)
    again = trained(data, second, structures, family=family, seed=9)
    assert len(structures) == 1, "the second trial has traced a graph of its own"
    assert again == trained(data, second, Structures(), family=family, seed=9)
    assert again == trained(data, second, None, family=family, seed=9, own_code=True)
    # And the second has left nothing behind.
    assert before == trained(data, first, structures, family=family)
    assert before.history != again.history


OTHERS = [
    {"units": 6},
    {"n_layers": 2},
    {"activation": "tanh"},
    {"optimizer": "sgd"},
    {"dropout": 0.2},
    {"l2": 0.1},
    {"batch_norm": True},
    {"loss": "mse"},
    {"schedule": "decay"},
    {"scaling": "standard"},
]


@pytest.mark.slow
def test_another_structure_is_another_graph(make_splits):
    data = make_splits("multiclass")
    structures = Structures()
    for params in ({}, *OTHERS):
        trained(data, params, structures)
    assert len(structures) == 1 + len(OTHERS)


@pytest.mark.slow
def test_other_rows_are_another_graph(make_splits):
    one, other = make_splits("binary"), make_splits("binary", rows=40)
    structures = Structures()
    assert trained(one, {}, structures) != trained(other, {}, structures)
    assert trained(other, {}, structures) == trained(other, {}, Structures())


@pytest.mark.slow
def test_kept_graphs_are_limited_by_number_and_memory(make_splits, monkeypatch):
    data = make_splits("binary")
    few, light = Structures(most=2), Structures(growth=100)
    used = iter([1000, 1000, 1000, 1000, 1000, 1101])
    monkeypatch.setattr(
        "tuner.learners.keras.training.structures._resident_bytes", lambda: next(used)
    )
    kept = []
    for units in (3, 4, 5):
        for structures in (few, light):
            trained(data, {"units": units}, structures)
            kept.append(len(structures))
    assert kept == [1, 1, 2, 2, 1, 1]  # of three, the older half has gone


@pytest.mark.slow
def test_model_whose_graph_is_kept_can_be_saved(make_splits, tmp_path):
    data = make_splits("binary").development
    learner = open_learner("mlp", Setup(keep=True))
    x = data.validation.x
    for number, dropout in enumerate((0.4, 0.2)):
        params = {"n_layers": 1, "units_1": 5, "dropout": dropout, "l2": 0.01, "epochs": 2}
        fitted = learner.fit(params, data, number, Watch(2, "loss"))
        folder = tmp_path / str(number)
        unpack_model(pack_model(fitted, learner, params), folder)
        loaded = load_model(folder, {"data": make_splits("binary").sealed().describe()})
        np.testing.assert_allclose(loaded.predict(x), fitted.predict(x), 1e-5)
        whole = tmp_path / "with what goes on training"
        whole.mkdir(exist_ok=True)
        fitted.save(whole)
        small, large = (one / "model.keras" for one in (folder, whole))
        assert small.stat().st_size < large.stat().st_size
        rates = [layer.rate for layer in loaded.model.layers if hasattr(layer, "rate")]
        assert rates == [dropout]


@pytest.mark.slow
def test_graph_is_not_kept_after_an_error(make_splits):
    data = make_splits("binary")
    structures = Structures()

    def broken(*_: object) -> None:
        raise ConnectionError("the database is gone")

    with pytest.raises(ConnectionError, match="the database is gone"):
        train(
            lambda: network("mlp", {}, data, Path()),
            data,
            epochs=2,
            batch_size=16,
            seed=0,
            watched=("loss", "minimize", broken),
            structures=structures,
        )
    assert len(structures) == 0


@pytest.mark.slow
def test_refitted_model_has_plain_numbers(make_splits):
    data = make_splits("binary")
    params = {"dropout": 0.3, "l2": 0.25, "optimizer": "sgd", "momentum": 0.5}
    model, _ = refit(
        lambda: network("mlp", params, data, Path()),
        *(data.train,),
        **{"epochs": 2, "batch_size": 16, "seed": 0},
    )
    assert type(model.optimizer.momentum) is float
    weights = sum(float((kernel**2).sum()) for kernel in model.get_weights() if kernel.ndim == 2)
    scores = training.evaluate(model, data.test)
    model.compile(loss=model.loss)
    plain = model.evaluate(data.test.x, data.test.y, verbose=0, return_dict=True)["loss"]
    assert scores["loss"] == pytest.approx(plain, rel=1e-6)
    assert scores["loss"] > 0.25 * weights


def own(loss: Any = "mse", *, kind: Callable[..., keras.Model] = keras.Model, **dense: Any):
    inputs = keras.Input((3,))
    model = kind(inputs, keras.layers.Dense(1, **dense)(keras.layers.Dense(4)(inputs)))
    model.compile("adam", loss)
    return model


class _Subclass(keras.Model):
    pass


def test_structure_is_none_unless_the_configuration_describes_the_model():
    assert structure(own()) is not None
    assert structure(own()) == structure(own())
    assert structure(own()) != structure(own(activation="relu"))
    assert structure(own(lambda y, p: keras.ops.mean((y - p) ** 2, axis=-1))) is None
    assert structure(own(activation=lambda x: x)) is None
    assert structure(own(kind=_Subclass)) is None
    words = keras.layers.TextVectorization(output_mode="multi_hot")
    words.adapt(np.array(["a b"]))
    bags = keras.Sequential([keras.Input((), dtype="string"), words, keras.layers.Dense(1)])
    bags.compile("adam", "mse")
    assert structure(bags) is None


@pytest.mark.slow
def test_users_network_is_traced_once(make_splits):
    data = make_splits("regression")

    def run(structures: Structures) -> FitResult:
        _, result = train(
            own,
            data,
            epochs=2,
            batch_size=16,
            seed=3,
            watched=("loss", "minimize"),
            structures=structures,
        )
        return result

    structures = Structures()
    assert run(structures) == run(structures) == run(Structures())
    assert len(structures) == 1


@pytest.mark.slow
def test_memory_stays_flat_over_many_trials(make_splits):
    data = make_splits("binary", rows=20)
    structures = Structures(most=8)
    used = []
    for trial in range(120):
        # Six structures in turn, and a new one now and then, for which older ones are dropped.
        units = 20 + trial // 15 if trial % 15 == 0 else 4 + trial % 6
        trained(data, {"units": units, "learning_rate": 0.001 * (1 + trial)}, structures)
        used.append(psutil.Process().memory_info().rss / MEBIBYTE)
    assert used[119] - used[39] < 50, [round(mebibytes) for mebibytes in used[::15]]


@pytest.mark.slow
def test_no_graph_outlives_its_training(make_splits):
    data = make_splits("binary", rows=20)
    before = graphs()
    for loop in ("resident", "fit"):
        train(
            lambda: network("mlp", {"units": 3}, data, Path()),
            data,
            epochs=1,
            batch_size=16,
            seed=0,
            watched=("loss", "minimize"),
            loop=loop,
        )
    assert graphs() == before


def graphs() -> int:
    gc.collect()
    return sum(type(thing).__name__ == "FuncGraph" for thing in gc.get_objects())
