"""A training that is interrupted and resumed elsewhere ends like an uninterrupted one."""

from __future__ import annotations

import io
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
from fitting import network, train

from tuner import scoring
from tuner.data import Splits
from tuner.learners.fit_result import FitResult
from tuner.learners.keras.networks.families import FAMILIES
from tuner.learners.keras.training import State
from tuner.learners.keras.training.state_file import pack, unpack
from tuner.learners.keras.training.structures import Structures
from tuner.learners.watch import UnusableCheckpoint
from tuner.spec import EarlyStopping

EPOCHS = 7


class Killed(BaseException):
    """Stands for the death of the process: no part of the training handles it."""


class Kept:
    """Keeps the checkpoint of each epoch as bytes; raises after epoch ``dies_after``, unless 0."""

    def __init__(self, content: bytes = b"", dies_after: int = 0) -> None:
        self.content = content
        self.dies_after = dies_after
        self.misfits: list[str] = []

    def load(self, read: Callable[[bytes], tuple[int, State]]) -> State | None:
        if not self.content:
            return None
        try:
            _, state = read(self.content)
        except UnusableCheckpoint as error:
            self.misfits.append(str(error))
            return None
        return state

    def due(self) -> bool:
        return True

    def save(self, step: int, pack: Callable[[], bytes]) -> None:
        self.content = pack()
        if step == self.dies_after:
            raise Killed(f"killed after epoch {step}")


class Run:
    """Trains in a state of its own, as a new process would be."""

    def __init__(
        self,
        data: Splits,
        build: Callable[[], keras.Model],
        metric: tuple[str, str] = ("loss", "minimize"),
        **options: Any,
    ) -> None:
        self.epochs: list[int] = []

        def note(epoch: int, *_: object) -> None:
            self.epochs.append(epoch)

        given = {"epochs": EPOCHS, "batch_size": 16, "seed": 5, "structures": Structures()}
        model, self.result = train(build, data, **{"watched": (*metric, note), **given, **options})
        self.weights = [np.array(weight) for weight in model.get_weights()]


def of_family(family: str, data: Splits, params: dict[str, Any]) -> Callable[[], keras.Model]:
    small = {"units": 5, "n_layers": 1, "filters": 3, "embedding_width": 4, "batch_size": 16}
    known = {name: value for name, value in small.items() if FAMILIES[family].setting(name)}
    return lambda: network(
        family, {**known, "batch_size": 16, "learning_rate": 0.02, **params}, data, Path()
    )


def check(data: Splits, build: Callable[[], keras.Model], after: int, **options: Any) -> Run:
    whole = Run(data, build, **options)
    kept = Kept(dies_after=after)
    with pytest.raises(Killed, match="killed after"):
        Run(data, build, checkpoints=kept, **options)
    random.seed(99)  # whatever the next process did before
    np.random.seed(99)
    rest = Run(data, build, checkpoints=Kept(kept.content), **options)
    assert rest.epochs == list(range(after + 1, whole.result.epochs + 1))
    assert (rest.result.state, rest.result.epoch) == (whole.result.state, whole.result.epoch)
    assert (rest.result.epochs, rest.result.reason) == (whole.result.epochs, whole.result.reason)
    assert rest.result.value == pytest.approx(whole.result.value, rel=1e-6, abs=1e-6)
    assert rest.result.history.keys() == whole.result.history.keys()
    for name, curve in whole.result.history.items():
        assert rest.result.history[name] == pytest.approx(curve, rel=1e-6, abs=1e-6), name
    for mine, theirs in zip(rest.weights, whole.weights, strict=True):
        np.testing.assert_allclose(mine, theirs, rtol=1e-6, atol=1e-6)
    return rest


ADAM = {"optimizer": "adam", "dropout": 0.3, "batch_norm": True}
CYCLIC = {"optimizer": "sgd", "momentum": 0.9, "schedule": "cyclic"}
PLATEAU = {"optimizer": "rmsprop", "schedule": "plateau", "plateau_patience": 1}
DECAY = {"optimizer": "sgd", "schedule": "decay", "decay_rate": 0.8, "l1": 0.01}
CASES = [
    ("mlp", "multiclass", ADAM, "resident"),
    ("mlp", "multiclass", ADAM, "fit"),
    ("mlp", "multiclass", CYCLIC, "resident"),
    ("mlp", "regression", PLATEAU, "fit"),
    ("linear", "binary", DECAY, "resident"),
    ("cnn", "binary", {"flip": True, "translation": 0.1, "block_dropout": 0.2}, "resident"),
    ("embedding", "binary", {"embedding_dropout": 0.3, "dropout": 0.2}, "fit"),
]


@pytest.mark.slow
@pytest.mark.parametrize(("family", "task", "params", "loop"), CASES)
def test_resumed_training_equals_an_uninterrupted_one(make_kind, family, task, params, loop):
    data = make_kind(family, task)
    own_code = loop == "fit"  # both ways of seeding
    check(data, of_family(family, data, params), 3, loop=loop, own_code=own_code)


@pytest.mark.slow
def test_metric_from_predictions_is_kept_when_training_is_resumed(make_splits):
    data = make_splits("multiclass")

    def score(predictions):
        return scoring.score(["f1_macro"], "multiclass", data.validation.y, predictions)["f1_macro"]

    rest = check(data, of_family("mlp", data, {}), 3, metric=("f1_macro", "maximize"), score=score)
    assert len(rest.result.history["val_f1_macro"]) == EPOCHS


@pytest.mark.slow
def test_lowered_learning_rate_is_restored_and_lowered_again(make_splits):
    data = make_splits("regression")
    params = {"schedule": "plateau", "plateau_patience": 1, "learning_rate": 30.0}
    params["target_scaling"] = "none"  # a scaled target is learned at this rate, too
    rest = check(data, of_family("mlp", data, params), 4, epochs=12)
    rates = rest.result.history["learning_rate"]
    assert len(set(rates[:4])) > 1
    assert len(set(rates[4:])) > 1


@pytest.mark.slow
@pytest.mark.parametrize("loop", ["resident", "fit"])
def test_early_stopping_continues_to_count_when_resumed(make_splits, loop):
    data = make_splits("multiclass")
    build = of_family("mlp", data, {"learning_rate": 2.0, "optimizer": "sgd"})
    options = {"early_stopping": EarlyStopping(patience=3), "loop": loop, "epochs": 60}
    whole = Run(data, build, **options)
    assert "early stopping" in (whole.result.reason or "")
    # The best epoch is behind: its weights come from the checkpoint.
    rest = check(data, build, whole.result.epochs - 1, **options)
    assert rest.epochs == [whole.result.epochs]


@pytest.mark.slow
def test_checkpoint_of_one_loop_is_resumed_in_the_other(make_splits):
    data = make_splits("multiclass")
    build = of_family("mlp", data, {"dropout": 0.3, "batch_norm": True})
    whole = Run(data, build)
    for first, second in (("fit", "resident"), ("resident", "fit")):
        kept = Kept(dies_after=3)
        with pytest.raises(Killed, match="killed after"):
            Run(data, build, checkpoints=kept, loop=first)
        rest = Run(data, build, checkpoints=Kept(kept.content), loop=second)
        assert rest.epochs == [4, 5, 6, 7]
        assert rest.result.value == pytest.approx(whole.result.value, rel=1e-6)


@pytest.mark.slow
def test_reused_graph_resumes_from_a_checkpoint(make_splits):
    data = make_splits("multiclass")
    build = of_family("mlp", data, {"dropout": 0.3})
    structures = Structures()
    whole = Run(data, build, structures=structures)
    kept = Kept(dies_after=2)
    with pytest.raises(Killed, match="killed after"):
        Run(data, build, checkpoints=kept)
    Run(data, build, structures=structures, seed=8)
    rest = Run(data, build, structures=structures, checkpoints=Kept(kept.content))
    assert len(structures) == 1
    assert rest.result == whole.result


class Own(keras.Model):
    """Built by its first batch only; draws from generators that the whole process shares."""

    def __init__(self) -> None:
        super().__init__()
        self.dense = keras.layers.Dense(1)

    def call(self, x, training=False):
        x = x + 0.1 * keras.random.normal(keras.ops.shape(x)) if training else x
        return self.dense(x)


class Draws(keras.callbacks.Callback):
    def on_epoch_end(self, epoch, logs=None):
        logs["val_drawn"] = random.random() + np.random.random()


@pytest.mark.slow
def test_users_network_resumes_with_the_generators_of_the_process(make_splits):
    data = make_splits("regression")

    def build():
        model = Own()
        model.compile("adam", "mse")
        model.epoch_callbacks = [Draws()]
        return model

    monitored: list[int] = []

    def run(**options: Any) -> FitResult:
        monitored.clear()
        hook = ("drawn", "minimize", lambda epoch, *_: monitored.append(epoch))
        return Run(data, build, watched=hook, loop="fit", **options).result

    whole = run()
    kept = Kept(dies_after=3)
    with pytest.raises(Killed, match="killed after"):
        run(checkpoints=kept)
    rest = run(checkpoints=Kept(kept.content))
    assert monitored == [4, 5, 6, 7]
    assert rest.history == whole.history
    state = unpack(kept.content)
    refused = Kept(changed(state, best=state.best[:-1]))
    assert run(checkpoints=refused).history == whole.history
    assert refused.misfits == ["its weights are those of another network"]


@pytest.mark.slow
def test_resumed_model_can_be_fitted_again_from_epoch_0(make_splits):
    data = make_splits("regression")
    build = of_family("mlp", data, {})
    kept = Kept(dies_after=3)
    with pytest.raises(Killed, match="killed after"):
        Run(data, build, checkpoints=kept, loop="fit")
    model, _ = train(
        build,
        data,
        **{"epochs": EPOCHS, "batch_size": 16, "seed": 5, "loop": "fit"},
        watched=("loss", "minimize"),
        checkpoints=Kept(kept.content),
    )
    history = model.fit(data.train.x, data.train.y, epochs=2, verbose=0)
    assert history.epoch == [0, 1]


def state_of(data: Splits, params: dict[str, Any], after: int = 2) -> State:
    kept = Kept(dies_after=after)
    with pytest.raises(Killed, match="killed after"):
        Run(data, of_family("mlp", data, params), checkpoints=kept)
    return unpack(kept.content)


def changed(state: State, **changes: Any) -> bytes:
    return pack(State(**{**vars(state), **changes}))


@pytest.mark.slow
def test_unfit_checkpoint_is_noted_and_training_restarts(make_splits):
    data = make_splits("regression")
    build = of_family("mlp", data, {})
    structures = Structures()
    whole = Run(data, build, structures=structures)
    state = state_of(data, {})
    other = state_of(data, {"units": 6})
    nan = [*state.logs, {**state.logs[0], "loss": float("nan")}]
    broken_numpy = {**state.generators["numpy"], "state": {"key": [1] * 624, "pos": 10**9}}
    cases = {
        "are those of another network": pack(other),
        "its weights are those": changed(state, best=other.best),
        "variables are those": changed(state, variables=[*state.variables[:-1], np.zeros(3)]),
        "another seed or batch": changed(state, seed=6),
        "of epoch 0 of 7": changed(state, logs=[]),
        "of epoch 8 of 7": changed(state, logs=[state.logs[0]] * 8),
        "would have ended": changed(state, logs=nan),
        "generators are none": changed(
            state, generators={**state.generators, "numpy": broken_numpy}
        ),
        "its random generators": changed(state, generators={"python": 3}),
    }
    for words, content in cases.items():
        kept = Kept(content)
        run = Run(data, build, checkpoints=kept, structures=structures)
        assert len(kept.misfits) == 1
        assert words in kept.misfits[0]
        assert run.result == whole.result, words


@pytest.mark.slow
def test_unpack_reverses_pack(make_splits):
    state = state_of(make_splits("regression"), {"batch_norm": True})
    state = State(**{**vars(state), "logs": [{"a": float("nan"), "b": None}, {"a": 0.1}]})
    again = unpack(pack(state))
    assert str(again.logs) == str(state.logs)
    for mine, theirs in ((again.variables, state.variables), (again.best, state.best)):
        assert len(mine) == len(theirs) > 0
        assert all(np.array_equal(one, two) for one, two in zip(mine, theirs, strict=True))
        assert all(one.dtype == two.dtype for one, two in zip(mine, theirs, strict=True))


class Evil:
    ran = False

    def __reduce__(self):
        return (setattr, (Evil, "ran", True))


@pytest.mark.slow
def test_damaged_or_foreign_checkpoint_is_refused_and_never_executed(make_splits):
    content = pack(state_of(make_splits("regression"), {}))
    for length in (*range(0, len(content), 97), len(content) - 1):
        with pytest.raises(UnusableCheckpoint, match=r"it is torn|it is not a checkpoint"):
            unpack(content[:length])
    middle = len(content) // 2
    flipped = content[:middle] + bytes([content[middle] ^ 1]) + content[middle + 1 :]
    with pytest.raises(UnusableCheckpoint, match=r"it is torn|it is not a checkpoint"):
        unpack(flipped)

    def saved(**arrays: Any) -> bytes:
        file = io.BytesIO()
        np.savez(file, allow_pickle=True, **arrays)
        return file.getvalue()

    file = io.BytesIO()
    np.save(file, np.array([Evil()], dtype=object), allow_pickle=True)
    zeros = io.BytesIO()
    np.savez_compressed(zeros, about=np.zeros(50_000_000, np.uint8))
    about = np.frombuffer(b'{"format": 1}', np.uint8)
    for foreign in (
        b"",
        b"PK\x03\x04 and more",
        np.random.default_rng(0).bytes(1000),
        file.getvalue(),
        saved(about=np.array([Evil()], dtype=object)),
        saved(about=about, variable_0=np.array([Evil()], dtype=object)),
        saved(about=about),
        saved(about=np.frombuffer(b"[" * 100_000, np.uint8)),
        zeros.getvalue(),
    ):
        with pytest.raises(UnusableCheckpoint, match=r"it is torn|it is not a checkpoint"):
            unpack(foreign)
    assert not Evil.ran
