from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tuner.data import Splits, functions
from tuner.data.functions import load_function
from tuner.errors import DataError

pytestmark = pytest.mark.slow  # imports TensorFlow
X = np.arange(40, dtype=np.float32).reshape(20, 2)
Y = np.arange(20) % 2


@pytest.fixture(scope="module")
def tf() -> Any:
    import tensorflow

    return tensorflow


def returning(monkeypatch: pytest.MonkeyPatch, value: Any) -> Splits:
    monkeypatch.setattr(functions, "import_function", lambda reference, base: lambda: value)
    return load_function("my:load_data", Path())


@pytest.mark.parametrize("batch", [None, 1, 8, 20])
@pytest.mark.parametrize("drop_remainder", [False, True])
def test_dataset_is_read_whether_batched_or_not(
    tf: Any, monkeypatch: pytest.MonkeyPatch, batch: int | None, drop_remainder: bool
) -> None:
    dataset = tf.data.Dataset.from_tensor_slices((X, Y))
    if batch is not None:
        dataset = dataset.batch(batch, drop_remainder=drop_remainder)
    data = returning(monkeypatch, {"train": dataset, "validation": (X, Y), "test": (X, Y)})
    kept = 16 if batch == 8 and drop_remainder else 20
    np.testing.assert_array_equal(data.train.x, X[:kept])
    np.testing.assert_array_equal(data.train.y, Y[:kept])


def test_one_dataset_is_divided_and_two_are_train_and_test(
    tf: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    dataset = tf.data.Dataset.from_tensor_slices((X, Y))
    assert len(returning(monkeypatch, dataset).train) == 12
    assert len(returning(monkeypatch, (dataset, dataset.batch(5))).train) == 16


def test_text_labels_and_tensors_are_taken(tf: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    dataset = tf.data.Dataset.from_tensor_slices((X, np.array(["no", "yes"])[Y]))
    assert returning(monkeypatch, dataset).class_names == ("no", "yes")
    assert returning(monkeypatch, (tf.constant(X), tf.constant(Y))).task == "binary"


def test_unusable_datasets_are_refused(tf: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    dataset = tf.data.Dataset.from_tensor_slices((X, Y))
    with pytest.raises(DataError, match=r"without an end; leave out its repeat\(\)"):
        returning(monkeypatch, dataset.repeat())
    with pytest.raises(DataError, match=r"elements are not pairs \(x, y\)"):
        returning(monkeypatch, dataset.map(lambda x, y: x))
    with pytest.raises(DataError, match="without elements"):
        returning(monkeypatch, dataset.take(0))
    broken = dataset.map(lambda x, y: (tf.debugging.check_numerics(x / 0, "not finite"), y))
    with pytest.raises(DataError, match="raised InvalidArgumentError"):
        returning(monkeypatch, broken)
