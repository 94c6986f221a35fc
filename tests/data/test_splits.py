from __future__ import annotations

import hashlib
import json
from typing import Any

import numpy as np
import pytest

from tuner.data import Split, Splits
from tuner.errors import DataError


def split(rows: int = 4, features: int = 2, y: Any = None) -> Split:
    x = np.arange(rows * features, dtype=np.float64).reshape(rows, features)
    return Split(x, np.arange(rows) % 2 if y is None else np.asarray(y))


def splits(task: Any = "binary", **about: Any) -> Splits:
    parts: dict[str, Any] = {
        "train": split(),
        "validation": split(),
        "test": split(),
        "name": "toy",
    }
    return Splits(**(parts | {"task": task} | about))


@pytest.mark.parametrize(
    ("task", "dtype", "n_classes"),
    [("regression", np.float32, 0), ("binary", np.float32, 2), ("multiclass", np.int32, 2)],
)
def test_dtypes_follow_from_the_task(task: Any, dtype: Any, n_classes: int) -> None:
    data = splits(task)
    for part in (data.train, data.validation, data.test):
        assert part.x.dtype == np.float32
        assert part.y.dtype == dtype
        assert len(part) == 4
    assert data.n_classes == n_classes
    assert data.input_shape == (2,)


def test_one_feature_and_one_target_lose_needless_dimensions() -> None:
    part = Split(np.zeros(4), np.zeros((4, 1)))
    data = Splits(part, part, part, task="regression")
    assert data.train.x.shape == (4, 1)
    assert data.train.y.shape == (4,)


def test_description_is_json() -> None:
    about = {"source": "here", "licence": "CC0", "note": "half of it"}
    data = splits(feature_names=["a", "b"], class_names=["no", "yes"], **about)
    assert json.loads(json.dumps(data.sealed().describe())) == {
        "name": "toy",
        "task": "binary",
        "rows": {"train": 4, "validation": 4, "test": 4},
        "kind": "table",
        "input_shape": [2],
        "input_dtype": "float32",
        "scale": None,
        "n_classes": 2,
        "feature_names": ["a", "b"],
        "class_names": ["no", "yes"],
        "source": "here",
        "licence": "CC0",
        "note": "half of it",
        "fingerprint": data.fingerprint,
    }


def test_fingerprint_is_over_dtype_shape_and_bytes() -> None:
    data = splits()
    digest = hashlib.sha256()
    for part in (data.train, data.validation, data.test):
        digest.update(b"<f4(4, 2)" + part.x.tobytes() + b"<f4(4,)" + part.y.tobytes())
    assert data.fingerprint == digest.hexdigest()
    assert splits().fingerprint == data.fingerprint
    assert splits("multiclass").fingerprint != data.fingerprint
    assert splits(test=split(y=[0, 1, 1, 1])).fingerprint != data.fingerprint


def test_texts_are_kept_as_they_are() -> None:
    part = Split(np.array([b"one", "zwei — drei"], dtype=object), np.array([0, 1]))
    other = Split(np.array(["one", "zwei — drei"]), np.array([0, 1]))
    data = Splits(part, other, other, task="binary", feature_names=("text",))
    assert data.kind == "text"
    assert data.input_shape == ()
    assert data.train.x.tolist() == data.test.x.tolist() == ["one", "zwei — drei"]
    assert data.train.x.dtype == object
    about = data.sealed().describe()
    assert (about["input_dtype"], about["input_shape"], about["scale"]) == ("text", [], None)


def test_fingerprint_depends_on_where_a_text_ends() -> None:
    def fingerprint(*texts: str) -> str:
        part = Split(np.array(texts, dtype=object), np.arange(len(texts)) % 2)
        return Splits(part, part, part, task="binary").fingerprint

    assert fingerprint("ab", "c") == fingerprint("ab", "c")
    assert len({fingerprint("ab", "c"), fingerprint("a", "bc"), fingerprint("a", "b")}) == 3


@pytest.mark.parametrize(
    ("dtype", "highest", "kept", "scale"),
    [
        (np.uint8, 200, np.uint8, 255.0),
        (np.float64, 0.5, np.float32, 1.0),
        (np.float32, 200, np.float32, 200.0),
        (np.int64, 200, np.float32, 200.0),
    ],
)
def test_images_keep_uint8_and_have_a_scale(
    dtype: Any, highest: float, kept: Any, scale: float
) -> None:
    part = Split(np.full((4, 5, 5, 1), highest, dtype=dtype), np.arange(4) % 2)
    data = Splits(part, part, part, task="binary")
    assert data.kind == "image"
    assert data.train.x.dtype == kept
    assert data.scale == data.sealed().describe()["scale"] == scale
    assert data.sealed().describe()["input_dtype"] == str(np.dtype(kept))


def test_unnamed_classes_get_their_numbers() -> None:
    three = split(y=[0, 1, 2, 2])
    data = splits("multiclass", train=three)
    assert data.class_names == ("0", "1", "2")


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"task": "ranking"}, r"toy: task must be one of 'regression', .* it is 'ranking'"),
        ({"test": split(rows=0)}, "toy, test: there are no rows"),
        ({"test": split(features=3)}, r"one shape in all splits: train \(2,\), .* test \(3,\)"),
        ({"train": split(y=[0, 1])}, "toy, train: x has 4 rows and y has 2; they must agree"),
        (
            {"train": Split(np.array([["a", "b"]]), np.zeros(1))},
            "x must hold numbers, .* encode text",
        ),
        (
            {"train": Split(np.array(["a", None]), np.zeros(2))},
            "toy, train: x must hold numbers, or one text a row, but row 1 holds None",
        ),
        (
            {"train": Split(np.array(["a"]), np.zeros(1))},
            r"one shape .* train \(\), validation \(2,\)",
        ),
        (
            {"train": Split(np.array(["2026-01-01"], dtype="datetime64[D]"), np.zeros(1))},
            r"x must hold numbers or text, but its dtype is datetime64\[D\]; encode dates",
        ),
        ({"train": split(y=list("abcd"))}, "y must hold numbers, but its dtype is <U1"),
        ({"train": split(y=[0, 1, 2, 1])}, 'holds 2; more classes are task "multiclass"'),
        ({"train": split(y=[0, 1, -1, 1])}, "must hold class numbers 0, 1, 2"),
        ({"train": split(y=[0, 0.5, 1, 1])}, "must hold class numbers 0, 1, 2"),
        ({"train": split(y=np.eye(4))}, r"one-hot matrix give y.argmax\(axis=1\)"),
        ({"train": Split(np.array([[1.0, np.nan]]), np.zeros(1))}, "x holds 1 value that is NaN"),
        ({"train": Split(np.array([[1.0, 1e39]]), np.zeros(1))}, "beyond float32"),
        ({"feature_names": ("a",)}, r"1 feature names for rows of shape \(2,\)"),
        ({"class_names": ("a",)}, "1 class names"),
        ({"class_names": ("a", "b", "c")}, "3 class names"),
        ({"task": "regression", "test": split(y=np.ones((4, 2)))}, "rows of y must have one shape"),
    ],
)
def test_inconsistent_splits_are_refused(change: dict[str, Any], words: str) -> None:
    with pytest.raises(DataError, match=words):
        splits(**change)


def test_class_names_are_unique() -> None:
    with pytest.raises(DataError, match='toy: several classes have the name "a"; every class need'):
        splits(class_names=["a", "a"])
