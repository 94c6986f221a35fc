"""The scores of a final model and of the trivial predictor, with a scripted model."""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from tuner.bundle.bundle_text import scores
from tuner.bundle.card import card_scores
from tuner.bundle.final_scores import final_scores
from tuner.data import Development, Split
from tuner.learners.base import Fitted, Learner
from tuner.learners.keras.networks.families import Mlp
from tuner.learners.setup import Setup


class Scripted(Fitted):
    def __init__(self, predictions: Any, logs: Mapping[str, float]) -> None:
        self._predictions, self._logs = np.asarray(predictions, np.float32), dict(logs)

    def predict(self, x: NDArray[Any]) -> NDArray[np.floating]:
        return self._predictions

    def save(self, folder: Path) -> None:
        raise NotImplementedError

    def evaluate(self, rows: Split) -> dict[str, float]:
        return self._logs


class Plain(Learner):
    def fit(self, *_: Any) -> Fitted:
        raise NotImplementedError

    load = fit  # type: ignore[assignment]  # neither is called


def data(train: Any, test: Any, task: Any, names: tuple[str, ...] = ()) -> Development:
    parts = (Split(np.zeros((len(y), 1)), np.array(y)) for y in (train, test))
    return Development(*parts, task, class_names=names)


def of_plain(rows: Development, metric: str, predictions: Any, **logs: float) -> Any:
    learner = Plain("own:Plain", Setup())
    return final_scores(learner, Scripted(predictions, logs), {}, metric, rows)


def test_quantities_are_compared_with_the_mean_and_mae_with_the_median() -> None:
    rows = data([1.0, 2.0, 9.0], [2.0, 5.0], "regression")
    found, baseline = of_plain(rows, "r2", [3.0, 5.0])
    assert found == pytest.approx({"mse": 0.5, "mae": 0.5, "r2": 1 - 0.5 / 2.25})
    assert baseline == {
        "predicts": "always the mean, 4",
        "test": pytest.approx({"mse": 2.5, "mae": 1.5, "r2": 1 - 2.5 / 2.25}),
        "predicts_for": {"mae": "always the median, 2"},
    }


def test_classes_are_compared_with_the_most_frequent_one() -> None:
    rows = data([0, 1, 1, 1], [1, 1, 0, 1], "binary", ("red", "white"))
    found, baseline = of_plain(rows, "log_loss", [[0.5, 0.5]] * 3 + [[0.1, 0.9]])
    assert found["accuracy"] == 0.5
    assert list(found) == ["accuracy", "precision", "recall", "log_loss"]
    loss = -(3 * math.log(0.75) + math.log(0.25)) / 4
    assert baseline == {
        "predicts": "always white",
        "test": pytest.approx({"accuracy": 0.75, "precision": 0.75, "recall": 1, "log_loss": loss}),
        "predicts_for": {"log_loss": "the class frequencies"},
    }


def test_name_that_the_learner_logs_keeps_the_learners_value() -> None:
    rows = data([0, 1, 2], [0, 1, 2], "multiclass", ("a", "b", "c"))
    found, baseline = of_plain(rows, "accuracy", np.eye(3), accuracy=0.25, own=7.0)
    assert found == {"accuracy": 0.25, "own": 7.0}
    assert baseline["test"] == {"accuracy": pytest.approx(1 / 3)}


def test_metric_that_the_rows_do_not_define_is_not_a_number() -> None:
    rows = data([0, 1, 2], [0, 1], "multiclass", ("a", "b", "c"))
    found, baseline = of_plain(rows, "roc_auc_ovr", np.eye(3)[:2])
    assert math.isnan(found["roc_auc_ovr"])
    assert "roc_auc_ovr" not in baseline["test"]


@pytest.mark.parametrize(
    ("params", "loss", "predicts"),
    [
        ({"target_scaling": "none"}, 2.5, "always the mean, 4"),
        ({"target_scaling": "none", "loss": "mae"}, 1.5, "always the median, 2"),
        ({"target_scaling": "standard"}, 2.5 / (38 / 3), "always the mean, 4"),
    ],
)
def test_loss_of_a_network_is_compared_as_its_parameters_define_it(
    params: dict[str, Any], loss: float, predicts: str
) -> None:
    rows = data([1.0, 2.0, 9.0], [2.0, 5.0], "regression")
    model = Scripted([3.0, 5.0], {"loss": 0.1})
    _, baseline = final_scores(Mlp("mlp", Setup()), model, params, "mse", rows)
    assert baseline["test"]["loss"] == pytest.approx(loss)
    assert baseline.get("predicts_for", {}).get("loss", baseline["predicts"]) == predicts


def test_card_names_what_is_predicted_where_it_is_something_else() -> None:
    info = {
        "scores": {"test": {"mse": 0.5, "mae": None}, "validation": {"mse": 0.25}},
        "baseline": {
            "predicts": "always the mean, 4",
            "test": {"mse": 2.5, "mae": 1.5},
            "predicts_for": {"mae": "always the median, 2"},
        },
    }
    assert scores(info)[1] == ("mae on test", "not a number", "1.5000", "always the median, 2")
    card = card_scores(info)
    assert "| score | this model | trivial predictor (always the mean, 4) |" in card
    assert "| mse on test | 0.5000 | 2.5000 |" in card
    assert "| mae on test | not a number | 1.5000 (always the median, 2) |" in card
    del info["baseline"]["predicts_for"]  # as an earlier version wrote it
    assert "| mae on test | not a number | 1.5000 |" in card_scores(info)
