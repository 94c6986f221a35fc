"""How much each column moved a prediction."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from tuner.bundle import Bundle
from tuner.bundle.explain import background_of, explain, explained_words
from tuner.errors import DataError, RequestError
from tuner.learners.base import Fitted


class Formula(Fitted):
    def predict(self, x: Any) -> Any:
        return 2.0 * x[:, 0] - x[:, 1]

    def save(self, folder: Path) -> None:
        raise NotImplementedError


class Sure(Formula):
    def predict(self, x: Any) -> Any:
        return np.stack([1 - x[:, 0], x[:, 0]], axis=1)


def bundle_of(model: Fitted, classes: tuple[str, ...] = (), **info: Any) -> Bundle:
    about = {"feature_names": ["a", "b"], "input_shape": [2], "kind": "table"}
    about |= {"n_classes": len(classes), "class_names": list(classes)}
    bundle = Bundle(Path("model"), {"data": about, **info})
    bundle.__dict__["fitted"] = model
    return bundle


def test_quantity_is_moved_by_the_difference_to_the_usual_value() -> None:
    bundle = bundle_of(Formula(), background={"a": [0.0, 2.0], "b": [1.0, 3.0]})
    (found,) = explain(bundle, np.array([[5.0, 2.0]], np.float32))
    assert found == {
        "row": 1,
        "prediction": 8.0,
        "explains": 8.0,
        "usual": 0.0,
        "moved": {"a": 8.0, "b": 0.0},
    }
    assert explained_words([found]) == [["1", "8.0000", "a", "+8.0000"], ["", "", "b", "+0"]]


def test_class_is_explained_by_its_probability() -> None:
    bundle = bundle_of(Sure(), ("no", "yes"), background={"a": [0.5], "b": [0.0]})
    (found,) = explain(bundle, np.array([[0.9, 0.0]]))
    assert found["prediction"] == "yes"
    assert found["explains"] == pytest.approx(0.9)
    assert found["moved"]["a"] == pytest.approx(0.4)


def test_bundle_without_training_rows_explains_nothing() -> None:
    with pytest.raises(RequestError, match="holds no training rows to compare with"):
        explain(bundle_of(Formula()), np.zeros((1, 2)))


def test_forged_training_rows_are_refused() -> None:
    bundle = bundle_of(Formula(), background={"a": [{}], "b": [1.0]})
    with pytest.raises(DataError, match="the model takes numbers alone"):
        explain(bundle, np.zeros((1, 2)))


def test_background_of_a_mixed_table_is_plain() -> None:
    frame = pd.DataFrame(
        {
            "n": [1.5, np.nan],
            "c": pd.Categorical(["x", None]),
            "d": pd.to_datetime(["2024-02-01", None]).astype("datetime64[us]"),
            "t": pd.Series(["long", None], dtype=object),
        }
    )
    assert background_of(frame, list(frame)) == {
        "n": [1.5, None],
        "c": ["x", None],
        "d": ["2024-02-01T00:00:00", None],
        "t": ["long", None],
    }
