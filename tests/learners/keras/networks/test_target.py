"""The target is standardised inside the model: in training as if it were, outside in its unit."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
from fitting import network, train
from numpy.typing import NDArray

from tuner.data import Split, Splits
from tuner.errors import DataError
from tuner.learners.fit_result import FitResult
from tuner.learners.keras import networks, training
from tuner.learners.keras.networks.target import loss_weight
from tuner.learners.keras.training.structures import Structures

RNG = np.random.default_rng(0)
X = RNG.normal(size=(90, 3))
LINE = X @ [1.0, -2.0, 0.5]  # about 2.3 times a standard normal


def splits(y: NDArray[Any], weight: NDArray[Any] | None = None) -> Splits:
    parts = [Split(X[i::3], y[i::3], None if weight is None else weight[i::3]) for i in range(3)]
    return Splits(*parts, task="regression")


def trained(
    data: Splits,
    structures: Structures | None = None,
    loop: Any = "auto",
    epochs: int = 40,
    seed: int = 1,
    metric: str = "mae",
    **params: Any,
) -> tuple[keras.Model, FitResult]:
    params = {"units": 8, "n_layers": 1, "learning_rate": 0.02, **params}
    return train(
        lambda: network("mlp", params, data, Path()),
        data,
        epochs=epochs,
        batch_size=10,
        seed=seed,
        watched=(metric, "minimize"),
        loop=loop,
        structures=structures,
    )


@pytest.mark.slow
@pytest.mark.parametrize(("optimizer", "loss"), [("adam", "mse"), ("sgd", "mae")])
def test_training_is_that_on_a_standardised_target(optimizer: str, loss: str) -> None:
    y = LINE * 5e4 + 3e5
    data = splits(y)
    mean, deviation = data.train.y.mean(dtype=float), data.train.y.std(dtype=float)
    by_hand = splits((y - mean) / deviation)
    settings = {"optimizer": optimizer, "loss": loss, "l2": 0.01, "epochs": 5, "metric": "loss"}
    model, inside = trained(data, **settings)
    plain, outside = trained(by_hand, target_scaling="none", **settings)
    for one, other in zip(model.get_weights(), plain.get_weights(), strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-3, atol=1e-4)
    assert inside.history["loss"] == pytest.approx(outside.history["loss"], rel=1e-3)
    in_its_unit = [value * deviation for value in outside.history["val_mae"]]
    assert inside.history["val_mae"] == pytest.approx(in_its_unit, rel=1e-2)


@pytest.mark.parametrize(
    ("scale", "offset"),
    [
        (1e5, 3e5),
        pytest.param(1e-12, 5e-12, marks=pytest.mark.slow),
        pytest.param(1e12, 0.0, marks=pytest.mark.slow),
        pytest.param(0.5, 300_000_000.25, marks=pytest.mark.slow),
    ],
)
def test_any_unit_is_learned_as_well(scale: float, offset: float) -> None:
    """Also float64 targets of which float32 would keep no digit: the spacing at 3e8 is 32."""
    data = splits(LINE * scale + offset)
    model, result = trained(data)
    assert result.value < 0.3 * scale  # the deviation is 2.3 times the scale
    scores = training.evaluate(model, data.test)
    predicted = np.asarray(model.predict(data.test.x, verbose=0), np.float64)[:, 0]
    assert scores["mae"] == pytest.approx(np.mean(np.abs(predicted - data.test.y)), rel=1e-3)
    assert scores["mae"] < 0.5 * scale


def test_float64_is_kept_only_where_float32_has_too_few_digits() -> None:
    assert splits(LINE * 1e5 + 3e5).train.y.dtype == np.float32
    assert splits(LINE + 300_000_000.25).train.y.dtype == np.float64
    # A user's network gets the targets unscaled.
    data = splits(LINE + 300_000_000.25)
    model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(1)])
    model.compile(loss="mse")
    assert networks.feeding.prepared(model, data.train)[1][0].y.dtype == np.float32


@pytest.mark.parametrize("scale", [1e-20, 1e20])
def test_a_unit_whose_squares_float32_cannot_hold_is_refused(scale: float) -> None:
    with pytest.raises(DataError, match=r"standard deviation of .*; give y in another unit, such"):
        splits(LINE * scale)


@pytest.mark.slow
def test_several_targets_have_means_and_deviations_of_their_own() -> None:
    data = splits(np.stack([LINE * 100 + 7, X[:, 0] * 100 - 1e4], axis=1))
    model, result = trained(data)
    assert result.value < 60
    means = data.train.y.mean(axis=0)
    for layer in model.layers:
        if layer.name == "output":
            layer.set_weights([np.zeros_like(one) for one in layer.get_weights()])
    np.testing.assert_allclose(model.predict(data.test.x, verbose=0)[0], means, rtol=1e-5)
    assert training.evaluate(model, data.train)["loss"] == pytest.approx(1.0, rel=1e-3)


@pytest.mark.slow
def test_a_target_that_is_constant_in_training_is_learned_as_it_is() -> None:
    data = splits(LINE)
    data = replace(data, train=replace(data.train, y=np.full(30, 4.0)))
    model, _ = trained(data, epochs=2)
    assert np.isfinite(model.predict(data.test.x, verbose=0)).all()
    assert loss_weight(data, "standard", "mse") == 1.0


def test_classes_are_not_scaled(make_splits: Callable[..., Splits]) -> None:
    for task in ("binary", "multiclass"):
        model = network("mlp", {}, make_splits(task), Path())
        assert [layer.name for layer in model.layers][-1] == "output"
        assert model.get_compile_config()["loss_weights"] is None


@pytest.mark.slow
@pytest.mark.parametrize("offset", [0.0, 300_000_000.25])
def test_a_kept_graph_and_fit_give_what_a_new_graph_gives(offset: float) -> None:
    data = splits(LINE * 0.5 + offset)
    structures = Structures()
    kept = [trained(data, structures, epochs=3, seed=s, l2=l2)[1] for s, l2 in ((1, 0.1), (2, 0.2))]
    assert len(structures) == 1
    assert kept[1] == trained(data, epochs=3, seed=2, l2=0.2)[1]
    by_fit = trained(data, loop="fit", epochs=3, seed=2, l2=0.2)[1]
    for name, values in kept[1].history.items():
        assert by_fit.history[name] == pytest.approx(values, rel=1e-4)


@pytest.mark.slow
@pytest.mark.parametrize("loop", ["resident", "fit"])
def test_sample_weights_count_as_they_do_in_keras(loop: str) -> None:
    weight = np.where(np.arange(90) % 2, 3.0, 0.25)
    data = splits(LINE, weight)
    model, result = trained(data, loop=loop, epochs=1, metric="loss", target_scaling="none")
    held = data.validation
    wrong = (model.predict(held.x, verbose=0)[:, 0] - held.y) ** 2
    # The loss is weighted, a metric is not.
    assert result.history["val_loss"][-1] == pytest.approx(np.mean(wrong * held.sample_weight))
    assert result.history["val_mse"][-1] == pytest.approx(np.mean(wrong))
    unweighted = trained(splits(LINE), loop=loop, epochs=1, metric="loss", target_scaling="none")
    assert unweighted[1].history["loss"][-1] != pytest.approx(result.history["loss"][-1])


@pytest.mark.slow
def test_rows_of_no_weight_are_not_learned_from() -> None:
    y = LINE.copy()
    y[::2] = 1e3
    data = splits(y, (np.arange(90) % 2).astype(float))
    _, ignoring = trained(data, metric="loss", target_scaling="none", epochs=80)
    assert ignoring.value < 0.5
