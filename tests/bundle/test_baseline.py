from __future__ import annotations

import numpy as np
import pytest

from tuner.bundle.baseline import baseline
from tuner.data import Split


def split(*y: float) -> Split:
    return Split(np.zeros((len(y), 1)), np.array(y))


def test_the_most_frequent_class() -> None:
    found = baseline(
        split(0, 1, 1, 1),
        split(1, 1, 0, 1),
        "multiclass",
        ("red", "white"),
        ["loss", "sparse_categorical_accuracy", "top_k"],
    )
    assert found["predicts"] == "always white"
    assert found["test"] == {
        "loss": pytest.approx(-(3 * np.log(0.75) + np.log(0.25)) / 4),
        "sparse_categorical_accuracy": 0.75,
    }


def test_always_positive_and_always_negative() -> None:
    measured = ["accuracy", "precision", "recall", "auc"]
    yes = baseline(split(1, 1, 0), split(1, 0), "binary", ("no", "yes"), measured)
    assert yes["test"] == {"accuracy": 0.5, "precision": 0.5, "recall": 1.0, "auc": 0.5}
    no = baseline(split(0, 0, 1), split(1, 0), "binary", ("no", "yes"), measured)
    assert no["predicts"] == "always no"
    assert no["test"] == {"accuracy": 0.5, "precision": 0.0, "recall": 0.0, "auc": 0.5}


def test_a_class_that_training_never_saw_costs_much_but_not_infinitely() -> None:
    found = baseline(split(0, 0), split(1), "multiclass", ("a", "b"), ["loss"])
    assert 10 < found["test"]["loss"] < 20


def test_the_mean_of_a_quantity_or_of_several() -> None:
    found = baseline(split(1, 3), split(2, 5), "regression", (), ["loss", "mse", "mae"])
    assert found == {
        "predicts": "always the mean, 2",
        "test": {"loss": 4.5, "mse": 4.5, "mae": 1.5},
    }
    train = Split(np.zeros((2, 1)), np.array([[0.0, 10.0], [2.0, 30.0]]))
    test = Split(np.zeros((1, 1)), np.array([[1.0, 22.0]]))
    found = baseline(train, test, "regression", (), ["mean_absolute_error"])
    assert found == {"predicts": "always the mean, 1, 20", "test": {"mean_absolute_error": 1.0}}
