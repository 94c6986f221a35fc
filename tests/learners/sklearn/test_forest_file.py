"""Forests on the disk: they predict the same, and forged ones are refused."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import skops.io
from sklearn.linear_model import LinearRegression
from tables import data

from tuner.errors import BundleError
from tuner.learners.registry import open_learner
from tuner.learners.setup import Setup
from tuner.learners.sklearn import FILE
from tuner.learners.sklearn.forest import Forest
from tuner.learners.sklearn.forest_file import read_forest, write_forest
from tuner.learners.watch import Watch

ROWS = data().validation.x
SHAPES = {"binary": 2, "multiclass": 3, "regression": 0}


def forest(task: str = "multiclass") -> Forest:
    learner = open_learner("random_forest", Setup())
    found = data(task, SHAPES[task])
    fitted = learner.fit({"n_estimators": 3, "n_parts": 1}, found, 1, Watch(1))
    assert isinstance(fitted, Forest)
    return fitted


@pytest.mark.parametrize("task", SHAPES)
def test_forest_predicts_the_same_when_it_is_read_again(task: str, tmp_path: Path) -> None:
    fitted = forest(task)
    fitted.save(tmp_path)
    read = read_forest(tmp_path, 3, SHAPES[task])
    np.testing.assert_array_equal(read.predict(ROWS), fitted.predict(ROWS))


@pytest.mark.parametrize(
    ("name", "position", "value", "said"),
    [
        ("left", 0, 2**31 - 1, "a node of a tree has children that are not behind it"),
        ("right", 0, 0, "a node of a tree has children that are not behind it"),
        ("left", 0, -1, "its leaves have more or fewer values than they need"),
        ("right", 0, -1, "a node of a tree has children that are not behind it"),
        ("left", 0, -2, "a node of a tree has children that are not behind it"),
        ("feature", 0, 3, "a tree splits by a column that is not one of 3"),
        ("feature", 0, -1, "a tree splits by a column that is not one of 3"),
        ("sizes", 0, 10**6, "its trees have more or fewer nodes than it says"),
        ("sizes", 0, 0, "a tree has no nodes"),
        ("sizes", 0, -5, "a tree has no nodes"),
        ("classes", 2, 7, "it has a class that is not one of 3"),
        ("classes", 0, -1, "its classes are not in order"),
        ("classes", 0, 5, "its classes are not in order"),
    ],
)
def test_forged_arrays_are_refused(
    name: str, position: int, value: int, said: str, tmp_path: Path
) -> None:
    with pytest.raises(BundleError, match=rf"model\.skops cannot be used: {said}; train the"):
        read_forged(tmp_path, lambda arrays: arrays[name].__setitem__(position, value))


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"left": None}, "its left is not an array of int32 with 1 dimension"),
        ({"value": np.zeros(3, np.float32)}, "its value is not an array of float32 with 2 dim"),
        ({"threshold": np.zeros(3)}, "its threshold is not an array of float32 with 1 dimension"),
        ({"sizes": np.zeros(0, np.int32)}, "a tree has no nodes"),
        ({"value": np.zeros((3, 3), np.float32)}, "its leaves have more or fewer values"),
        ({"classes": np.arange(2)}, "its leaves have more or fewer values"),
    ],
)
def test_arrays_of_other_shapes_are_refused(
    change: dict[str, Any], said: str, tmp_path: Path
) -> None:
    with pytest.raises(BundleError, match=said):
        read_forged(tmp_path, lambda arrays: arrays.update(change))


def read_forged(folder: Path, change: Any) -> None:
    """Changes the arrays in the file of a forest and reads it."""
    write_forest(forest(), folder)
    arrays = skops.io.load(folder / FILE)
    change(arrays)
    skops.io.dump(arrays, folder / FILE)
    read_forest(folder, 3, 3)


def test_other_objects_are_refused(tmp_path: Path) -> None:
    skops.io.dump(LinearRegression().fit(ROWS, ROWS[:, 0]), tmp_path / FILE)
    with pytest.raises(BundleError, match="it holds LinearRegression and no arrays"):
        read_forest(tmp_path, 3, 3)


@pytest.mark.parametrize("content", [b"", b"no archive", b"PK\x05\x06" + bytes(18)])
def test_broken_files_are_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / FILE).write_bytes(content)
    with pytest.raises(BundleError, match=r"model\.skops cannot be loaded"):
        read_forest(tmp_path, 3, 3)
