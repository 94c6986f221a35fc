"""Metrics that are computed from predictions, after each epoch of a network."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from fitting import network, train

from tuner.data import Split, Splits
from tuner.learners.keras.fitted_network import Network
from tuner.learners.keras.training.structures import Structures
from tuner.scoring import reported_names, score

pytestmark = pytest.mark.slow

SMALL = {"learning_rate": 0.05, "batch_size": 16}


def scored(data: Splits, metric: str, predictions: Any) -> float:
    return score([metric], data.task, data.validation.y, predictions)[metric]


def fit(
    data: Splits, metric: str, params: dict[str, Any], family: str = "mlp", **options: Any
) -> tuple[Network, list[float]]:
    """Returns the network of the best epoch and the metric's curve."""
    model, result = train(
        lambda: network(family, {**SMALL, **params}, data, Path()),
        data,
        epochs=3,
        batch_size=16,
        seed=1,
        watched=(metric, "maximize"),
        score=lambda predictions: scored(data, metric, predictions),
        **options,
    )
    curve = result.history[f"val_{metric}"]
    assert result.value == max(curve)
    return Network(model, data.task, Path()), curve


@pytest.mark.parametrize("loop", ["resident", "fit"])
@pytest.mark.parametrize(
    ("task", "metric", "params"),
    [
        ("binary", "roc_auc", {}),
        ("multiclass", "neg_log_loss", {"output": "logits"}),
        ("regression", "r2", {"dropout": 0.2}),
    ],
)
def test_best_value_is_that_of_the_best_models_predictions(
    make_splits: Any, task: str, metric: str, params: dict[str, Any], loop: str
) -> None:
    data = make_splits(task)
    best, curve = fit(data, metric, params, loop=loop)
    assert len(curve) == 3
    assert max(curve) == pytest.approx(
        scored(data, metric, best.predict(data.validation.x)), rel=1e-5
    )


def test_network_of_texts_is_scored(make_texts: Any) -> None:
    data = make_texts()
    best, curve = fit(data, "f1", {"embedding_width": 4}, family="embedding")
    assert max(curve) == pytest.approx(scored(data, "f1", best.predict(data.validation.x)))


def test_quantity_of_more_digits_than_float32_is_scored_with_its_offset() -> None:
    x = np.linspace(-1, 1, 40, dtype=np.float32)[:, None]
    part = Split(x, 300_000_000.25 + x[:, 0].astype(np.float64))
    data = Splits(part, part, part, task="regression")
    _, curve = fit(data, "neg_max_error", {})
    assert -3 < max(curve) < 0


def test_reused_graph_predicts_with_the_weights_of_the_new_model(make_splits: Any) -> None:
    data, structures = make_splits("binary"), Structures()
    options = {"structures": structures, "own_code": False}
    first, other = (fit(data, "roc_auc", {"learning_rate": r}, **options)[1] for r in (0.01, 0.1))
    assert len(structures) == 1
    assert first != other
    assert fit(data, "roc_auc", {"learning_rate": 0.01}, **options)[1] == first
    assert fit(data, "roc_auc", {"learning_rate": 0.01}, own_code=False)[1] == first


@pytest.mark.parametrize("task", ["binary", "multiclass", "regression"])
def test_scores_agree_with_keras_logs_of_the_same_name(make_splits: Any, task: str) -> None:
    data = make_splits(task)
    best, _ = fit(data, "r2" if task == "regression" else "balanced_accuracy", {})
    logs = best.evaluate(data.validation)
    predictions = best.predict(data.validation.x)
    found = score(reported_names(task), task, data.validation.y, predictions)
    assert found == pytest.approx({name: logs[name] for name in found}, rel=1e-5)
