from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from whole_table import whole

from tuner.data import Split, Splits, functions
from tuner.data import load_splits as load
from tuner.data.functions import load_function
from tuner.errors import DataError, UnknownNameError

X = np.arange(40, dtype=np.float64).reshape(20, 2)
Y = np.arange(20) % 2
PAIR = (X, Y)


def returning(monkeypatch: pytest.MonkeyPatch, value: Any) -> Splits:
    """What load_function makes of a function that returns the value."""
    monkeypatch.setattr(functions, "import_function", lambda reference, base: lambda: value)
    return load_function("my:load_data", Path())


def rows(data: Splits) -> list[int]:
    return [len(part) for part in (data.train, data.validation, data.test)]


def test_load_function_calls_a_module_beside_the_study(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(tmp_path)
    code = "import numpy as np\ndef load_data():\n    return np.eye(20), np.arange(20) % 2\n"
    (tmp_path / "own_data.py").write_text(code, encoding="utf-8")
    data = load("own_data:load_data", tmp_path)
    assert rows(data) == [12, 4, 4]
    assert data.name == "own_data:load_data"
    assert data.sealed().describe()["feature_names"][:2] == ["x1", "x2"]


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (PAIR, [12, 4, 4]),
        ([X, Y], [12, 4, 4]),
        ((X.tolist(), Y.tolist()), [12, 4, 4]),
        ((PAIR, PAIR, (X[:6], Y[:6])), [20, 20, 6]),
        ({"train": PAIR, "validation": PAIR, "test": (X[:6], Y[:6])}, [20, 20, 6]),
        ((PAIR, (X[:6], Y[:6])), [16, 4, 6]),
        (([X, Y], [X[:6], Y[:6]]), [16, 4, 6]),
        ((X.astype(object), Y), [12, 4, 4]),
    ],
)
def test_every_form_that_may_be_returned(
    monkeypatch: pytest.MonkeyPatch, value: Any, expected: list[int]
) -> None:
    data = returning(monkeypatch, value)
    assert rows(data) == expected
    assert data.task == "binary"
    assert data.train.x.dtype == np.float32


@pytest.mark.parametrize("form", [list, np.array, lambda x: np.array(x, dtype=object)])
def test_texts_are_taken_in_every_form(monkeypatch: pytest.MonkeyPatch, form: Any) -> None:
    data = returning(monkeypatch, (form([f"text {n}" for n in range(20)]), Y))
    assert data.kind == "text"
    assert data.feature_names == ("text",)
    assert sorted(whole(data).x)[0] == "text 0"


def test_splits_are_taken_as_they_are(monkeypatch: pytest.MonkeyPatch) -> None:
    part = Split(X, Y)
    data = Splits(part, part, part, task="multiclass")
    assert returning(monkeypatch, data) is data


def test_classes_are_numbered_in_common(monkeypatch: pytest.MonkeyPatch) -> None:
    def part(*names: str) -> tuple[Any, Any]:
        return np.zeros((len(names), 1)), np.array(names)

    data = returning(monkeypatch, (part("a", "b", "c"), part("c"), part("b", "c")))
    assert data.class_names == ("a", "b", "c")
    assert data.validation.y.tolist() == [2]
    assert data.test.y.tolist() == [1, 2]
    with pytest.raises(DataError, match='class "c" is not in the training part'):
        returning(monkeypatch, (part("a", "b"), part("c"), part("b")))


def test_frames_name_their_columns(monkeypatch: pytest.MonkeyPatch) -> None:
    import pandas

    frame = pandas.DataFrame({"size": np.arange(20), "old": Y == 1, "price": np.arange(20) / 3})
    data = returning(monkeypatch, (frame[["size", "old"]], frame["price"]))
    assert data.feature_names == ("size", "old")
    assert data.task == "regression"


def test_images_have_no_column_names(monkeypatch: pytest.MonkeyPatch) -> None:
    data = returning(monkeypatch, (np.zeros((20, 4, 4, 1)), Y))
    assert data.feature_names == ()
    assert data.input_shape == (4, 4, 1)


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (None, r'"my:load_data" returned nothing \(None\); return \(x, y\) arrays, three pairs'),
        (X, "returned a ndarray; return"),
        ((X, Y, X), r"returned a tuple of 3 \(ndarray, ndarray, ndarray\); return"),
        ((PAIR, PAIR, PAIR, PAIR), "returned a tuple of 4"),
        ({"train": PAIR, "test": PAIR}, "returned a dict with the keys 'train', 'test'; return"),
        ({"train": PAIR, "validation": PAIR, "test": X}, r"a dict of 3 \(tuple, tuple, ndarray\)"),
        ((X, Y[:5]), '"my:load_data": x has 20 rows and y has 5; they must agree'),
        ((X[:8], Y[:8]), "8 rows; at least 10"),
        (([[1.0], [1.0, 2.0]], [0, 1]), "returned rows of different lengths"),
        ((X, np.eye(20)), "looks one-hot; return one class number a row"),
        ((X, np.arange(20)), r'class "0" has 1 row \(and 19 more classes too\).* as floats'),
        ((X.astype(str), Y), "train: x must hold numbers, .* encode text"),
        ((np.where(X == 3, np.nan, X), Y), "x holds 1 value that"),
        ((np.float64(3), np.float64(3)), "a row per example"),
        ((PAIR, PAIR, (X, np.ones((20, 2)))), r"one shape in all splits: .* test \(2,\)"),
        ((PAIR, PAIR, (np.ones((20, 3)), Y)), "rows of x must have one shape"),
        ((PAIR, PAIR, (X, Y[:5])), "test: x has 20 rows and y has 5"),
    ],
)
def test_unusable_result_is_refused(
    monkeypatch: pytest.MonkeyPatch, value: Any, words: str
) -> None:
    with pytest.raises(DataError, match=words) as caught:
        returning(monkeypatch, value)
    assert "my:load_data" in str(caught.value)


def test_exception_in_load_data_is_one_line(tmp_path: Path) -> None:
    code = "def load_data():\n    return open('no such file')\n"
    (tmp_path / "own_broken.py").write_text(code, encoding="utf-8")
    words = r'"own_broken:load_data" raised FileNotFoundError: .* \(own_broken.py, line 2\)'
    with pytest.raises(DataError, match=words):
        load("own_broken:load_data", tmp_path)


def test_function_with_arguments_is_refused(tmp_path: Path) -> None:
    (tmp_path / "own_wants.py").write_text("def load_data(seed):\n    pass\n", encoding="utf-8")
    words = r'^"own_wants:load_data" raised TypeError: .* missing 1 required .* \'seed\'$'
    with pytest.raises(DataError, match=words):
        load("own_wants:load_data", tmp_path)


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("wien", r'no data set "wien"; did you mean wine\?'),
        ("qqqq", "the data sets are: line, birth-life, elderly"),
        ("own.csv", r'a file is written \{ csv = "own.csv", target = "column to predict" \}'),
    ],
)
def test_unknown_name_suggests_a_known_one(name: str, words: str) -> None:
    with pytest.raises(UnknownNameError, match=words):
        load(name, Path())
