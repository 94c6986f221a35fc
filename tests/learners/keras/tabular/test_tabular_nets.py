"""RealMLP and TabM: what is fitted together is what would be fitted alone, and it is good."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from net_tables import Task, mixed, numbers, watching

from tuner.data import Development, Split
from tuner.errors import SpecError, TrialFailed
from tuner.learners.base import Fitted
from tuner.learners.checks import check_data, check_space
from tuner.learners.keras.tabular.fitted_nets import Nets
from tuner.learners.keras.tabular.tabular_net import TabularNet
from tuner.learners.registry import open_learner, shipped
from tuner.learners.setup import Setup
from tuner.learners.watch import Watch
from tuner.scoring import score
from tuner.spec import EarlyStopping
from tuner.studies.catalog import find_space

slow = pytest.mark.slow
SMALL: dict[str, Any] = {"units": 16, "n_layers": 1, "batch_size": 64, "epochs": 6}
MODELS = {"realmlp": SMALL, "tabm": {**SMALL, "k": 4}}
CASES = [
    pytest.param(model, task, marks=() if task == "binary" else slow)
    for model in MODELS
    for task in ("binary", "multiclass", "regression")
]


@functools.cache
def learner(model: str, **setup: Any) -> TabularNet:
    """One for all tests, because tracing takes far longer than an epoch of theirs."""
    found = open_learner(model, Setup(**{"keep": True, **setup}))
    assert isinstance(found, TabularNet)
    return found


def folds(data: Development, sizes: Sequence[int]) -> list[Development]:
    """Divisions of the rows with different numbers of training rows."""
    n = len(data.rows)
    random = np.random.default_rng(1)
    orders = [random.permutation(n) for _ in sizes]
    return [data.fold(o[:size], o[size:]) for o, size in zip(orders, sizes, strict=True)]


def fitted(
    model: str, data: Development, seed: int = 3, watch: Watch | None = None, **params: Any
) -> tuple[Fitted, Watch]:
    merged = {**MODELS[model], **params}
    watch = watch or watching(data, int(merged["epochs"]))
    return learner(model).fit(merged, data, seed, watch), watch


@slow
@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("task", ["multiclass", "regression"])
def test_each_fold_is_fitted_as_it_would_be_alone(model: str, task: Task) -> None:
    together = folds(mixed(task), (40, 130, 200))  # of other columns, levels and batches
    params = {**MODELS[model], "epochs": 4, "n_layers": 2, "number_embedding": "pbld"}
    watches = [watching(data, 4) for data in together]
    found = learner(model).fit_folds(params, together, [5, 6, 7], watches)
    shapes = [one.saved.structure for one in found if isinstance(one, Nets)]
    assert len({(shape.plain, shape.codes, shape.levels) for shape in shapes}) > 1
    for data, seed, fold, watch in zip(together, (5, 6, 7), found, watches, strict=True):
        alone, own = fitted(model, data, seed, **params)
        assert watch.result().epoch == own.result().epoch
        for logs, others in zip(watch.logs, own.logs, strict=True):
            assert logs == pytest.approx(others, rel=1e-4)
        rows = data.validation.x
        np.testing.assert_allclose(fold.predict(rows), alone.predict(rows), 1e-4, 1e-4)


@pytest.mark.parametrize(("model", "task"), CASES)
def test_predictions_are_those_that_the_watch_saw_at_the_best_epoch(model: str, task: Task) -> None:
    data = mixed(task)
    found, watch = fitted(model, data, number_embedding="pbld")
    metric = "rmse" if task == "regression" else "log_loss"
    predictions = found.predict(data.validation.x)
    value = score([metric], task, data.validation.y, predictions)[metric]
    assert value == pytest.approx(watch.result().value, rel=1e-4)
    assert predictions.shape == ((100,) if task == "regression" else (100, data.n_classes))


@pytest.mark.slow
@pytest.mark.parametrize(("model", "task"), CASES)
def test_fit_beats_the_trivial_predictor_clearly(model: str, task: Task) -> None:
    data = mixed(task, rows=400)
    rate = {"learning_rate": 0.01} if model == "tabm" else {}
    found, _ = fitted(model, data, epochs=20, **rate)
    y, predictions = data.validation.y, found.predict(data.validation.x)
    if task == "regression":
        assert score(["r2"], task, y, predictions)["r2"] > 0.8
    else:
        most = max(np.bincount(y.astype(int))) / len(y)
        assert score(["accuracy"], task, y, predictions)["accuracy"] > most + 0.25


@pytest.mark.parametrize("model", MODELS)
def test_same_seed_gives_the_same_numbers(model: str) -> None:
    data = numbers()
    first, _ = fitted(model, data)
    other, _ = fitted(model, data, seed=4)
    again, _ = fitted(model, data)
    rows = data.validation.x
    np.testing.assert_array_equal(first.predict(rows), again.predict(rows))
    assert not np.allclose(first.predict(rows), other.predict(rows), 1e-3)


@slow
def test_trial_with_a_kept_graph_is_that_with_a_new_one() -> None:
    data, rows = numbers(), numbers().validation.x
    params = {**SMALL, "epochs": 3}
    fitted("realmlp", data, dropout=0.3)
    kept = learner("realmlp").fit(params, data, 1, watching(data, 3))
    new = learner("realmlp", keep=False).fit(params, data, 1, watching(data, 3))
    np.testing.assert_array_equal(kept.predict(rows), new.predict(rows))


@pytest.mark.slow
def test_seeds_of_a_fold_are_averaged() -> None:
    data = numbers()
    found, watch = fitted("realmlp", data, n_seeds=3, epochs=3)
    assert isinstance(found, Nets)
    each = [Nets(found.saved, [member]).predict(data.validation.x) for member in found.members]
    assert len(each) == 3
    np.testing.assert_allclose(np.mean(each, 0), found.predict(data.validation.x), atol=1e-6)
    seen = watch.logs[watch.result().epoch - 1]["val_log_loss"]
    value = score(["log_loss"], "multiclass", data.validation.y, np.mean(each, 0))["log_loss"]
    assert value == pytest.approx(seen, rel=1e-4)


def test_stopped_fold_keeps_its_best_epoch_while_others_go_on() -> None:
    both = folds(numbers(), (200, 200))
    ended: list[int] = []

    def end_at_two(step: int, _value: float, _logs: Any) -> str | None:
        ended.append(step)
        return "was not good enough" if step == 2 else None

    watches = [watching(both[0], 6, on_step=end_at_two), watching(both[1], 6)]
    found = learner("realmlp").fit_folds(SMALL, both, [5, 6], watches)
    assert ended == [1, 2]
    pruned, whole = (watch.result() for watch in watches)
    assert (pruned.state, pruned.epochs) == ("pruned", 2)
    assert (whole.state, whole.epochs) == ("complete", 6)
    y, rows = both[0].validation.y, both[0].validation.x
    value = score(["log_loss"], "multiclass", y, found[0].predict(rows))["log_loss"]
    assert value == pytest.approx(pruned.value, rel=1e-4)


@pytest.mark.slow
def test_early_stopping_ends_the_fit() -> None:
    data = numbers(rows=40)
    watch = watching(data, 60, early_stopping=EarlyStopping(patience=2))
    fitted("realmlp", data, watch=watch, epochs=60, dropout=0.0)
    assert watch.result().epochs == watch.result().epoch + 2 < 60


def test_blind_fit_runs_all_epochs_and_keeps_the_last() -> None:
    data = numbers()
    seen, watch = fitted("realmlp", data, epochs=3)
    assert watch.result().epoch == 3
    blind, own = fitted("realmlp", data, epochs=3, watch=Watch(3))
    assert own.result().epochs == 3
    np.testing.assert_array_equal(blind.predict(data.train.x), seen.predict(data.train.x))


def test_fit_to_a_shorter_end_follows_the_whole_schedule() -> None:
    data = numbers()
    _, whole = fitted("realmlp", data, epochs=6)
    _, cut = fitted("realmlp", data, epochs=6, watch=watching(data, 3))
    assert [*cut.logs] == whole.logs[:3]


def test_diverging_fit_fails() -> None:
    data = numbers("regression")
    watch = watching(data, 6)
    fitted("realmlp", data, watch=watch, learning_rate=1e30)
    with pytest.raises(TrialFailed, match=r"is (NaN|infinite) at epoch \d+: the training diverged"):
        watch.result()


@slow
def test_sample_weights_decide_between_contradictory_rows() -> None:
    x = np.zeros((200, 1), np.float32)
    y = (np.arange(200) % 2).astype(np.float32)
    weight = np.where(y == 1, 3.0, 1.0).astype(np.float32)
    data = Development(Split(x, y, weight), Split(x, y), "binary", class_names=("a", "b"))
    params = {"label_smoothing": 0.0, "epochs": 30, "weight_decay": 0.0}
    weighted, _ = fitted("realmlp", data, watch=Watch(30), **params)
    assert weighted.predict(x[:1])[0, 1] == pytest.approx(0.75, abs=0.04)


@slow
def test_balanced_classes_weigh_the_same() -> None:
    x = np.zeros((200, 1), np.float32)
    y = (np.arange(200) % 10 == 0).astype(np.float32)
    data = Development(Split(x, y), Split(x, y), "binary", class_names=("a", "b"))
    params = {"label_smoothing": 0.0, "epochs": 30, "weight_decay": 0.0}
    found, _ = fitted("realmlp", data, watch=Watch(30), class_weight="balanced", **params)
    assert found.predict(x[:1])[0, 1] == pytest.approx(0.5, abs=0.04)
    plain, _ = fitted("realmlp", data, watch=Watch(30), **params)
    assert plain.predict(x[:1])[0, 1] == pytest.approx(0.1, abs=0.04)


@slow
def test_several_quantities_are_predicted() -> None:
    data = numbers("regression")
    two = [
        replace(rows, y=np.stack([rows.y, -3 * rows.y], axis=1))
        for rows in (data.train, data.validation)
    ]
    both = replace(data, train=two[0], validation=two[1])
    found, _ = fitted("realmlp", both, epochs=20)
    predictions = found.predict(both.validation.x)
    assert predictions.shape == (100, 2)
    assert score(["r2"], "regression", both.validation.y, predictions)["r2"] > 0.5


def test_quantities_are_predicted_within_the_range_of_the_training_rows() -> None:
    data = numbers("regression")
    found, _ = fitted("realmlp", data)
    predictions = found.predict(1000 * data.validation.x)
    assert predictions.min() >= data.train.y.min()
    assert predictions.max() <= data.train.y.max()


def test_class_without_training_rows_has_a_probability() -> None:
    data = numbers()
    known = np.flatnonzero(data.train.y < 2)
    found, _ = fitted("realmlp", replace(data, train=data.train.take(known)))
    assert found.predict(data.validation.x).shape == (100, 3)


@slow
def test_hundreds_of_classes_are_told_apart() -> None:
    random = np.random.default_rng(0)
    y = np.arange(900, dtype=np.int32) % 300
    x = np.stack([np.cos(y / 300 * 6), np.sin(y / 300 * 6)], 1) + random.normal(0, 0.01, (900, 2))
    rows = Split(x.astype(np.float32), y)
    data = Development(rows, rows, "multiclass", class_names=tuple(map(str, range(300))))
    found, _ = fitted("realmlp", data, epochs=30, units=64)
    assert (found.predict(rows.x).argmax(axis=1) == y).mean() > 0.2


def test_label_smoothing_is_left_out_where_probabilities_are_compared() -> None:
    designs = {
        metric: learner("realmlp", metric=metric).design(shipped("realmlp").parameters(), "binary")
        for metric in ("roc_auc_ovr", "log_loss", "accuracy", "")
    }
    smoothing = {metric: design.smoothing for metric, design in designs.items()}
    assert smoothing == {"roc_auc_ovr": 0.0, "log_loss": 0.0, "accuracy": 0.1, "": 0.1}


def test_defaults_depend_on_the_task() -> None:
    params = shipped("realmlp").parameters()
    for task, rate, activation in (("binary", 0.04, "selu"), ("regression", 0.2, "mish")):
        design = learner("realmlp").design(params, task)
        found = (design.optimizing.learning_rate, design.structure.activation)
        assert found == (rate, activation)


@pytest.mark.parametrize("name", ["class_weight", "label_smoothing"])
def test_parameters_of_classes_are_refused_for_quantities(name: str) -> None:
    with pytest.raises(SpecError, match=f"{name} is for classes, but the target of data is a"):
        check_data(shipped("realmlp"), numbers("regression"), None, {name: "balanced"})


@pytest.mark.parametrize("model", MODELS)
def test_shipped_space_is_one_of_the_learner(model: str) -> None:
    check_space(shipped(model), find_space(model, Path()))
