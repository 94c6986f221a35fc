"""The trivial predictor predicts the constant that the metric favours."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
import pytest
from numpy.typing import NDArray

from tuner.data import Split, Splits
from tuner.data.trivial import trivial


def splits(train: Any, held: Any, task: str, weight: Any = None, names: Any = ()) -> Splits:
    def part(y: Any) -> Split:
        y = np.asarray(y)
        weights = None if weight is None else np.resize(np.asarray(weight, float), len(y))
        return Split(np.zeros((len(y), 1)), y, weights)

    parts = (part(train), part(held), part(held))
    return Splits(*parts, task=task, class_names=names)  # type: ignore[arg-type]


QUANTITIES = splits([1.0, 2.0, 9.0], [3.0, 5.0], "regression")
BINARY = splits([0, 0, 0, 1], [0, 1], "binary", names=("no", "yes"))
CLASSES = splits([0, 1, 1, 1, 2], [1, 2], "multiclass", names=("a", "b", "c"))


def keras_value(metric: Any, y: NDArray[Any], predicted: Any) -> float:
    several = np.ndim(predicted) > 0
    metric.update_state(
        y if several else y[:, None], np.tile(np.atleast_1d(predicted), (len(y), 1))
    )
    return float(metric.result())


@pytest.mark.parametrize(
    ("data", "metric", "predicts", "predicted", "of_keras"),
    [
        (QUANTITIES, "mse", "always the mean, 4", 4, keras.metrics.MeanSquaredError),
        (QUANTITIES, "rmse", "always the mean, 4", 4, keras.metrics.RootMeanSquaredError),
        (QUANTITIES, "mae", "always the median, 2", 2, keras.metrics.MeanAbsoluteError),
        (BINARY, "accuracy", "always no", 0, keras.metrics.BinaryAccuracy),
        (BINARY, "precision", "always no", 0, keras.metrics.Precision),
        (BINARY, "recall", "always no", 0, keras.metrics.Recall),
        (BINARY, "auc", "the class frequencies", 0.25, keras.metrics.AUC),
        (BINARY, "mse", "the class frequencies", 0.25, keras.metrics.MeanSquaredError),
        (BINARY, "mae", "always no", 0, keras.metrics.MeanAbsoluteError),
        (BINARY, "crossentropy", "the class frequencies", 0.25, keras.metrics.BinaryCrossentropy),
        (
            *(CLASSES, "crossentropy", "the class frequencies", [0.2, 0.6, 0.2]),
            keras.metrics.SparseCategoricalCrossentropy,
        ),
        (
            *(CLASSES, "accuracy", "always b", [0.2, 0.6, 0.2]),
            keras.metrics.SparseCategoricalAccuracy,
        ),
    ],
)
def test_value_is_that_of_keras_for_the_constant(
    data: Splits, metric: str, predicts: str, predicted: Any, of_keras: Any
) -> None:
    found = trivial(data.development, metric)
    assert found is not None
    assert found["predicts"] == predicts
    expected = keras_value(of_keras(), data.validation.y, predicted)
    assert found["value"] == pytest.approx(expected, abs=1e-6)


def test_the_majority_of_the_second_class_is_always_recalled() -> None:
    data = splits([1, 1, 0], [1, 1, 0, 0], "binary", names=("no", "yes"))
    assert trivial(data.development, "recall") == {"predicts": "always yes", "value": 1.0}
    assert trivial(data.development, "precision") == {"predicts": "always yes", "value": 0.5}


def test_several_quantities_have_a_mean_each() -> None:
    data = splits([[0.0, 10.0], [2.0, 30.0]], [[1.0, 22.0]], "regression")
    assert trivial(data.development, "mse") == {"predicts": "always the mean, 1, 20", "value": 2.0}


def test_a_loss_counts_the_sample_weights_and_a_metric_does_not() -> None:
    data = splits([0.0, 4.0, 0.0, 4.0], [0.0, 4.0], "regression", weight=[1, 3])
    assert trivial(data.development, "mse") == {"predicts": "always the mean, 2", "value": 4.0}
    # The weighted mean is 3, the errors 9 and 1, with the weights 1 and 3.
    assert trivial(data.development, "mse", weighted=True) == {
        "predicts": "always the mean, 3",
        "value": 6.0,
    }


@pytest.mark.parametrize(
    ("data", "metric", "found"),
    [
        (BINARY, "balanced_accuracy", {"predicts": "always no", "value": 0.5}),
        (BINARY, "f1", {"predicts": "always no", "value": 0.0}),
        (BINARY, "roc_auc", {"predicts": "the class frequencies", "value": 0.5}),
        (CLASSES, "f1_macro", {"predicts": "always b", "value": 1 / 3}),
        (QUANTITIES, "r2", {"predicts": "always the mean, 4", "value": 0.0}),
    ],
)
def test_metrics_from_predictions_have_a_trivial_value(
    data: Splits, metric: str, found: dict[str, Any]
) -> None:
    assert trivial(data.development, metric) == found


def test_undefined_metric_has_no_trivial_value() -> None:
    data = splits([0, 1], [1, 1], "binary", names=("no", "yes"))
    assert trivial(data.development, "roc_auc") is None


@pytest.mark.parametrize("metric", ["r2_score", "my_metric", "accuracy"])
def test_unknown_metric_has_no_trivial_value(metric: str) -> None:
    assert trivial(QUANTITIES.development, metric) is None


def test_a_class_that_training_lacks_is_no_error() -> None:
    data = splits([0, 1], [2, 1], "multiclass", names=("a", "b", "c"))
    found = trivial(data.development, "crossentropy")
    assert found is not None
    assert found["value"] == pytest.approx((-np.log(1e-7) - np.log(0.5)) / 2)
