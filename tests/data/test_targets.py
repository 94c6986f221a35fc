from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from tuner.data.targets import check_class_sizes, read_target
from tuner.errors import DataError

FLOATS = [0.5, 1.5, 2.5, 3.5]


@pytest.mark.parametrize(
    ("y", "task", "numbers", "names"),
    [
        (["yes", "no", "yes"], "binary", [1, 0, 1], ("no", "yes")),
        ([True, False, True], "binary", [1, 0, 1], ("False", "True")),
        ([3, 5, 3], "binary", [0, 1, 0], ("3", "5")),
        ([0.0, 1.0, 1.0], "binary", [0, 1, 1], ("0", "1")),
        ([9, 10, 2], "multiclass", [1, 2, 0], ("2", "9", "10")),
        ([b"a", b"b", b"c"], "multiclass", [0, 1, 2], ("a", "b", "c")),
        (np.array(["a", "b", "c"], dtype=object), "multiclass", [0, 1, 2], ("a", "b", "c")),
        (np.array([1, 2.5, 4], dtype=object), "regression", [1, 2.5, 4], ()),
        (FLOATS, "regression", FLOATS, ()),
        ([[value] for value in FLOATS], "regression", FLOATS, ()),
        ([[0.5, 1], [2, 3]], "regression", [[0.5, 1], [2, 3]], ()),
    ],
)
def test_the_task_follows_from_the_targets(y: Any, task: str, numbers: Any, names: Any) -> None:
    target = read_target(np.asarray(y), "y")
    assert (target.task, target.class_names) == (task, names)
    assert target.y.tolist() == numbers
    assert target.y.dtype == (np.int32 if task == "multiclass" else np.float32)


@pytest.mark.parametrize(
    ("y", "words"),
    [
        ([], "mine: there are no rows"),
        ([7, 7, 7], "mine is 7 in every row: with a constant target there is nothing to learn"),
        ([1.5, np.nan, 2], "mine holds 1 value that is NaN or infinite"),
        (np.array(["a", None], dtype=object), "holds None where a class should be"),
        (np.array(["a", np.nan], dtype=object), "holds nan where a class should be"),
        (np.array(["a", {}], dtype=object), "must hold numbers or text, but it holds dict"),
        (np.array(["2026-01-01"], dtype="datetime64[D]"), r"its dtype is datetime64\[D\]"),
        (np.eye(3), r"shape \(3, 3\) .* looks one-hot; .* y.argmax\(axis=1\)"),
        (np.full((2, 2), "a"), r"must be of shape \(n,\) or \(n, k\) numbers"),
    ],
)
def test_unusable_targets_are_refused(y: Any, words: str) -> None:
    with pytest.raises(DataError, match=words):
        read_target(np.asarray(y), "mine")


def test_a_small_class_is_named() -> None:
    with pytest.raises(DataError, match=r'class "c" has 1 row, too few .* at least 5'):
        check_class_sizes(read_target(np.array(["a"] * 5 + ["b"] * 5 + ["c"]), "y"), "y")
    with pytest.raises(DataError, match=r"has 4 rows \(and 1 more class too\)"):
        check_class_sizes(read_target(np.array([1] * 5 + [2] * 4 + [3] * 4), "y"), "y")


def test_quantities_have_no_class_sizes() -> None:
    check_class_sizes(read_target(np.array(FLOATS), "y"), "y")
