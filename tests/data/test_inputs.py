"""Arrays of any library are taken, or refused in one line with the remedy."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import psutil
import pytest
import scipy.sparse

from tuner.data import Split, Splits, functions
from tuner.errors import DataError

N = 60
X = np.arange(3.0 * N).reshape(N, 3)
Y = np.arange(N) / 3
CLASSES = np.arange(N) % 2
WEIGHT = np.linspace(0, 1, N)
FRAME = pd.DataFrame(X, columns=["a", "b", "c"])
NULLABLE = FRAME.convert_dtypes()
MISSING = NULLABLE.copy()
MISSING.loc[[3, 4], "b"] = pd.NA
MISSING.loc[7, "c"] = pd.NA


def returning(monkeypatch: pytest.MonkeyPatch, value: Any) -> Splits:
    monkeypatch.setattr(functions, "import_function", lambda *_: lambda: value)
    return functions.load_function("my:load_data", None)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("x", "y", "task"),
    [
        (NULLABLE, Y, "regression"),
        (scipy.sparse.csr_matrix(X), CLASSES, "binary"),
        (scipy.sparse.coo_array(X), Y, "regression"),
        (X.tolist(), Y.tolist(), "regression"),
        (X.tolist(), list(Y[:, None]), "regression"),
        (X.astype(object), Y.astype(object), "regression"),
        (X, Y[:, None], "regression"),
        (X, pd.DataFrame({"p": Y, "q": Y}), "regression"),
        (X, range(0, N * 5, 5), None),
        (X, CLASSES == 1, "binary"),
        (X, np.where(CLASSES, "yes", "no"), "binary"),
        (X, pd.Series(CLASSES == 1, dtype="boolean"), "binary"),
        # Whole numbers are classes, also as pandas' own type or as objects.
        (X, pd.Series(np.arange(N) % 3, dtype="Int64"), "multiclass"),
        (X, (np.arange(N) % 3).astype(object), "multiclass"),
        (X, pd.Series(Y, dtype="Float64"), "regression"),
        (X, pd.Series(pd.Categorical(["u", "v"] * 30)), "binary"),
        (pd.Series(["a b", "c"] * 30, dtype="string"), CLASSES, "binary"),
        (FRAME["a"], Y, "regression"),
        (pd.concat([FRAME, FRAME], axis=1), Y, "regression"),  # names may be repeated
        # Lists to which a loop appended rows.
        (list(X), list(Y), "regression"),
        (list(X), [np.array([y, 2 * y]) for y in Y], "regression"),
    ],
)
def test_usual_arrays_are_taken(
    monkeypatch: pytest.MonkeyPatch, x: Any, y: Any, task: str | None
) -> None:
    if task is None:
        with pytest.raises(DataError, match=r'class "0" has 1 row .* give it as floats'):
            returning(monkeypatch, (x, y))
        return
    data = returning(monkeypatch, (x, y))
    assert data.task == task
    assert sum(data.sealed().describe()["rows"].values()) == N
    assert data.train.sample_weight is None


@pytest.mark.parametrize(
    ("value", "words"),
    [
        ((X, pd.Series([1, None] * 30, dtype="Int64")), "y is missing in 30 rows; a row without"),
        ((X, [None, *Y[1:]]), r"y holds 1 missing value \(first in row 0, counted from 0\)"),
        ((X, np.where(Y == 1, np.nan, Y)), "y holds 1 value that is NaN"),
        ((np.where(X == 1, None, X.astype(object)), Y), "x holds 1 missing value .None, NaN or"),
        ((np.ma.masked_less(X, 2), Y), "x is a masked array with 2 masked values"),
        ((pd.concat([FRAME, FRAME.mask(X > 9)], axis=1), Y), 'several columns with the name "a"'),
        ((FRAME.assign(k=[{n} for n in range(N)]), Y), 'it holds text in the column "k"; encode'),
        ((X, pd.date_range("2020", periods=N)), "y holds dates; give what is to be predicted as"),
        ((X, scipy.sparse.csr_matrix(CLASSES)), r"y is a sparse matrix; give an array, y.toarray"),
        (({"a": X, "b": X}, Y), r'returned x as 2 arrays \("a", "b"\), but one array is taken'),
        (([X, X[:, :2]], Y), r"returned x as 2 arrays of the shapes \(60, 3\), \(60, 2\)"),
        (((X, X), Y, WEIGHT), "returned x as 2 arrays of the shapes"),
        ((X, {"p": Y, "q": CLASSES}), r'returned y as 2 arrays \("p", "q"\), but one array of sh'),
        ((X, [Y, CLASSES]), "returned y as 2 arrays of the shapes .*np.column_stack"),
        ((X, (Y, CLASSES)), "returned y as 2 arrays of the shapes"),
        ((np.empty((0, 3)), np.empty(0)), "0 rows; at least 10"),
        (([], []), "0 rows; at least 10"),
        ((np.empty((N, 0)), Y), r"x has no columns, its shape is \(36, 0\)"),
        ((X, np.eye(2)[CLASSES]), "looks one-hot"),
        ((X, Y[:5]), "x has 60 rows and y has 5"),
        ((X + 1j, Y), "its dtype is complex128; give an array of floats"),
        ((X, Y, WEIGHT[:3]), r"sample_weight must hold one number a row, .* shape is \(3,\)"),
        ((list(X), list(Y), WEIGHT[:3]), '^"my:load_data": sample_weight must hold one number a r'),
        (([X, X], list(Y)), "returned x as 2 arrays of the shapes"),
        ((X * 1e300, Y), "x holds .* values that are NaN, infinite or beyond float32"),
        ((X, Y, -WEIGHT), "sample_weight must hold finite numbers of at least 0"),
        ((X, Y, 0 * WEIGHT), "sample_weight must hold .* and one above 0"),
        ((X, Y, np.array(["a"] * N)), "sample_weight must hold finite numbers"),
        ([(X, Y, WEIGHT), (X, Y), (X, Y)], "give sample_weight for all splits, or for none"),
    ],
)
def test_unusable_arrays_are_refused(
    monkeypatch: pytest.MonkeyPatch, value: Any, words: str
) -> None:
    with pytest.raises(DataError, match=words) as caught:
        returning(monkeypatch, value)
    assert "\n" not in str(caught.value)


def test_sparse_matrix_that_does_not_fit_in_memory_is_refused_with_sizes(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    free = type("Free", (), {"available": 3 * 2**30})
    monkeypatch.setattr(psutil, "virtual_memory", lambda: free)
    huge = scipy.sparse.csr_matrix((100_000, 50_000))
    words = "100,000 × 50,000: as an array it takes 18.6 GiB in every worker, and 3.0 GiB of memory"
    with pytest.raises(DataError, match=words):
        returning(monkeypatch, (huge, np.arange(100_000) % 2))


@pytest.mark.parametrize("column", [False, True])
def test_weights_stay_with_their_rows(monkeypatch: pytest.MonkeyPatch, column: bool) -> None:
    weight = X[:, 0] / X.max()
    data = returning(monkeypatch, (X, Y, weight[:, None] if column else weight))
    for part in (data.train, data.validation, data.test):
        assert part.sample_weight is not None
        np.testing.assert_allclose(part.sample_weight, part.x[:, 0] / X.max(), rtol=1e-6)
    assert data.fingerprint != returning(monkeypatch, (X, Y)).fingerprint
    assert data.development.rows.sample_weight is not None


@pytest.mark.parametrize("parts", [2, 3, "dict", "Dataset"])
def test_weights_come_in_every_form(monkeypatch: pytest.MonkeyPatch, parts: Any) -> None:
    triple: Any = (X, Y, WEIGHT)
    if parts == "Dataset":
        import tensorflow as tf

        value: Any = tf.data.Dataset.from_tensor_slices(triple).batch(7)
    elif parts == "dict":
        value = dict.fromkeys(("train", "validation", "test"), triple)
    else:
        value = (triple,) * parts
    data = returning(monkeypatch, value)
    assert data.test.sample_weight is not None
    assert data.test.sample_weight.dtype == np.float32


def test_splits_take_arrays_of_any_library() -> None:
    part = Split(scipy.sparse.csr_matrix(X), pd.Series(Y))  # type: ignore[arg-type]
    data = Splits(part, part, Split(NULLABLE, Y), task="regression")  # type: ignore[arg-type]
    assert data.train.x.tolist() == X.tolist() == data.test.x.tolist()
    with pytest.raises(DataError, match='data, test: values of x are missing: "b" in 2 rows'):
        Splits(part, part, Split(MISSING, Y), task="regression")  # type: ignore[arg-type]
