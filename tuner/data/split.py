"""One part of a data set, checked and brought to the dtypes that `tuner.data.splits` declares."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from tuner.data.words import count
from tuner.errors import DataError

Task = Literal["regression", "binary", "multiclass"]


@dataclass(frozen=True, eq=False)
class Split:
    """Rows of one split.

    Attributes:
        x: Inputs, ``(n, …)``; in the package's dtypes once they are part of a `Splits`.
        y: Targets, ``(n,)`` or ``(n, k)``; the dtype follows from the task.
    """

    x: NDArray[Any]
    y: NDArray[Any]

    def __len__(self) -> int:
        """Number of rows."""
        return len(self.x)


def checked(split: Split, task: Task, where: str) -> Split:
    """Returns the split in the package's dtypes.

    Args:
        split: Rows as they were read or made.
        task: What is to be learnt.
        where: Which part of which data this is, for error texts.

    Raises:
        DataError: The arrays are empty, disagree, hold what is no number, or are no classes.
    """
    x, y = np.asarray(split.x), np.asarray(split.y)
    if y.dtype.kind not in "fiub":
        raise DataError(f"{where}: y must hold numbers, but its dtype is {y.dtype}")
    y = y[:, 0] if y.ndim == 2 and y.shape[1] == 1 else y
    if x.ndim == 0 or y.ndim == 0 or len(x) == 0:
        raise DataError(f"{where}: there are no rows")
    if len(x) != len(y):
        raise DataError(f"{where}: x has {len(x)} rows and y has {len(y)}; they must agree")
    if task != "regression":
        _check_labels(y, task, where)
    with np.errstate(over="ignore"):  # what float32 cannot hold is refused just below
        x = _inputs(x, where)
        y = y.astype(np.int32 if task == "multiclass" else np.float32, copy=False)
    for letter, array in (("x", x), ("y", y)):
        bad = int(array.size - np.isfinite(array).sum()) if array.dtype.kind == "f" else 0
        if bad:
            raise DataError(
                f"{where}: {letter} holds {count(bad, 'value that is', 'values that are')} "
                "NaN, infinite or beyond float32; fill them in or leave those rows out"
            )
    return Split(x, y)


def texts(values: list[Any] | NDArray[Any], where: str) -> NDArray[np.object_]:
    """Returns texts, or bytes of UTF-8, as ``(n,)`` of ``str``.

    Objects and not NumPy's text: every cell of that is as long as the longest text.

    Raises:
        DataError: Something in there is no text, or there are several texts a row.
    """
    shape = np.shape(values) if isinstance(values, np.ndarray) else (len(values),)
    if len(shape) != 1 and shape[1:] != (1,):
        raise DataError(
            f"{where}: x must hold numbers, or one text a row, but it is {shape} and not all "
            "numbers; encode text and dates as numbers, or leave those columns out"
        )
    flat = values.ravel().tolist() if isinstance(values, np.ndarray) else values
    array = np.empty(len(flat), dtype=np.object_)
    for row, item in enumerate(flat):
        text = item.decode("utf-8", "replace") if isinstance(item, bytes) else item
        if not isinstance(text, str):
            raise DataError(
                f"{where}: x must hold numbers, or one text a row, but row {row} holds "
                f"{item!r:.80}; encode everything as numbers, or leave such rows out"
            )
        array[row] = text
    return array


def _inputs(x: NDArray[Any], where: str) -> NDArray[Any]:
    """Returns ``x`` as float32, uint8 images as they are, texts as objects."""
    if x.dtype.kind in "OSTU":
        return texts(x, where)
    if x.dtype.kind not in "fiub":
        raise DataError(
            f"{where}: x must hold numbers or text, but its dtype is {x.dtype}; "
            "encode dates as numbers"
        )
    if x.dtype == np.uint8 and x.ndim > 2:
        return x
    x = x[:, np.newaxis] if x.ndim == 1 else x  # one feature
    return x.astype(np.float32, copy=False)


def _check_labels(y: NDArray[Any], task: Task, where: str) -> None:
    """Checks class numbers: one a row, whole, from 0 on."""
    if y.ndim != 1:
        raise DataError(
            f"{where}: y must hold one class number a row, but its shape is {y.shape}; "
            "for a one-hot matrix give y.argmax(axis=1)"
        )
    if not np.isfinite(y).all() or (y < 0).any() or (y != np.floor(y)).any():
        raise DataError(f"{where}: y must hold class numbers 0, 1, 2 … for a {task} task")
    if task == "binary" and (y > 1).any():
        raise DataError(
            f"{where}: y must hold 0 and 1 for a binary task, but holds {y.max():g}; "
            'more classes are task "multiclass"'
        )
