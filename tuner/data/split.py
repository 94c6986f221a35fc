"""One part of a data set, checked and brought to the dtypes that `tuner.data.splits` declares."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from mmap import mmap
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from tuner.data.inputs import inputs, targets
from tuner.data.mixed import check_frame, is_frame, is_mixed, joined
from tuner.data.schema import Task
from tuner.errors import DataError
from tuner.units import count

Kind = Literal["table", "image", "text", "mixed"]
Inputs = Any
"""An array, or a frame of pandas for "mixed"."""


@dataclass(frozen=True, eq=False)
class Split:
    """Rows of one split.

    Attributes:
        x: Inputs, ``(n, …)``; in the package's dtypes once they are part of a `Splits`.
        y: Targets, ``(n,)`` or ``(n, k)``; the dtype follows from the task.
        sample_weight: How much each row counts for the loss, ``(n,)``, as in ``keras.Model.fit``;
            None if all count the same.
        group: Number of the group of each row, int64 ``(n,)``: rows of one group never stand on
            both sides of a division; None if rows do not belong together.
        time: When each row was, int64 ``(n,)``, in any unit: what is held out is never earlier
            than what is fitted on; None if that does not matter.
    """

    x: Inputs
    y: NDArray[Any]
    sample_weight: NDArray[Any] | None = None
    group: NDArray[np.int64] | None = None
    time: NDArray[np.int64] | None = None

    def __len__(self) -> int:
        """Number of rows."""
        return len(self.x)

    @property
    def input_shape(self) -> tuple[int, ...]:
        """Shape of one row of ``x``, without the number of rows; ``()`` for text."""
        return tuple(self.x.shape[1:])

    @property
    def kind(self) -> Kind:
        """What a row of ``x`` is: of a table of numbers or a mixed one, an image or a text."""
        if is_frame(self.x):
            return "mixed"
        if self.x.dtype == np.object_:
            return "text"
        return "image" if self.x.ndim > 2 else "table"

    @property
    def scale(self) -> float | None:
        """What an image is divided by to come into [0, 1]; None when ``x`` holds no images.

        255 for uint8; for float32 1, or the largest value when that is larger.
        """
        if self.kind != "image":
            return None
        if self.x.dtype == np.uint8:
            return 255.0
        return max(1.0, float(np.abs(self.x).max()))

    @property
    def arrays(self) -> tuple[NDArray[Any], ...]:
        """``(x, y)``, or ``(x, y, sample_weight)``, as Keras takes them."""
        weight = self.sample_weight
        return (self.x, self.y) if weight is None else (self.x, self.y, weight)

    def take(self, rows: NDArray[np.intp]) -> Split:
        """Returns the rows of these numbers."""
        x = self.x.iloc[rows].reset_index(drop=True) if is_frame(self.x) else self.x[rows]
        rest = (self.y, self.sample_weight, self.group, self.time)
        return Split(x, *(None if array is None else array[rows] for array in rest))  # type: ignore[arg-type]  # y is there

    def detached(self) -> Split:
        """Returns the same rows in arrays through whose ``base`` no other rows can be reached."""
        x = self.x.copy(deep=True) if is_frame(self.x) else _detached(self.x)
        rest = (self.y, self.sample_weight, self.group, self.time)
        return Split(x, *(None if array is None else _detached(array) for array in rest))  # type: ignore[arg-type]  # y is there


def _detached(array: NDArray[Any]) -> NDArray[Any]:
    return array.copy() if _is_part(array) else array


def _is_part(array: NDArray[Any]) -> bool:
    """Returns whether an array is a view of more than itself, or of a foreign object.

    A file that is mapped as a whole stays mapped: copying would read all of it into memory.
    """
    base: Any = array.base
    while isinstance(base, np.ndarray):
        if base.nbytes > array.nbytes:
            return True
        base = base.base
    return base is not None and not isinstance(base, mmap)


def concatenated(*splits: Split) -> Split:
    """Returns the rows of several splits in one; all have sample weights, or none has."""
    first = splits[0]
    if is_frame(first.x):
        x: Inputs = joined([split.x for split in splits])
    else:
        x = np.concatenate([split.x for split in splits])
    rest = (
        None if getattr(first, name) is None else np.concatenate([getattr(s, name) for s in splits])
        for name in ("y", "sample_weight", "group", "time")
    )
    return Split(x, *rest)  # type: ignore[arg-type]  # y is there


def checked(split: Split, task: Task, where: str) -> Split:
    """Returns the split in the package's dtypes, but for a quantity that is still float64.

    Args:
        split: Rows as they were read or made.
        task: What is to be learnt.
        where: Which part of which data this is, for error texts.

    Raises:
        DataError: The arrays are empty, disagree, hold what is no number, or are no classes.
    """
    if is_mixed(split.x):
        check_frame(split.x, where)
        x: Inputs = split.x
    else:
        x = split.x if type(split.x) is np.ndarray else inputs(split.x, where)
    y = split.y if type(split.y) is np.ndarray else targets(split.y, where)
    if y.dtype.kind not in "fiub":
        raise DataError(f"{where}: y must hold numbers, but its dtype is {y.dtype}")
    y = y[:, 0] if y.ndim == 2 and y.shape[1] == 1 else y
    if x.ndim == 0 or y.ndim == 0 or len(x) == 0:
        raise DataError(f"{where}: there are no rows")
    if x.size == 0:
        raise DataError(f"{where}: x has no columns, its shape is {x.shape}")
    if len(x) != len(y):
        raise DataError(f"{where}: x has {len(x)} rows and y has {len(y)}; they must agree")
    if task != "regression":
        _check_labels(y, task, where)
    kept = y.dtype == np.float32 or task != "regression"
    with np.errstate(over="ignore"):  # what float32 cannot hold is refused just below
        x = x if is_frame(x) else _inputs(x, where)
        narrow = y.astype(np.int32 if task == "multiclass" else np.float32, copy=False)
    for letter, array in (("x", x), ("y", narrow)):
        is_float = not is_frame(array) and array.dtype.kind == "f"
        bad = int(array.size - np.isfinite(array).sum()) if is_float else 0
        if bad:
            raise DataError(
                f"{where}: {letter} holds {count(bad, 'value that is', 'values that are')} "
                "NaN, infinite or beyond float32; fill them in or leave those rows out"
            )
    weight = split.sample_weight
    weight = None if weight is None else checked_weights(np.asarray(weight), len(x), where)
    y = narrow if kept else y.astype(np.float64, copy=False)
    return Split(x, y, weight, split.group, split.time)


def checked_weights(weight: NDArray[Any], rows: int, where: str) -> NDArray[np.float32]:
    """Returns sample weights as float32 ``(n,)``.

    Raises:
        DataError: They are not as many as rows, no numbers, negative, or all zero.
    """
    weight = weight[:, 0] if weight.ndim == 2 and weight.shape[1] == 1 else weight
    if weight.shape != (rows,):
        raise DataError(
            f"{where}: sample_weight must hold one number a row, so have the shape ({rows},), but "
            f"its shape is {weight.shape}"
        )
    try:
        numbers = weight.astype(np.float32)
    except (TypeError, ValueError):
        numbers = np.full(rows, np.nan, np.float32)
    if not np.isfinite(numbers).all() or (numbers < 0).any() or not numbers.any():
        raise DataError(
            f"{where}: sample_weight must hold finite numbers of at least 0, and one above 0; "
            "correct them, or return (x, y) alone"
        )
    return numbers


_LOST = 1e-4
_EXTREME = 1e15


def quantities(parts: Sequence[Split], train: Split, where: str) -> list[Split]:
    """Brings the targets of a regression to one dtype: float32 if it has digits enough, or float64.

    Args:
        parts: All parts of one data set, each `checked`.
        train: The one that models are fitted on; its deviation is the yardstick.
        where: Which data these are, for error texts.

    Raises:
        DataError: The unit is so small or large that float32 cannot hold squares of differences.
    """
    deviation = np.std(train.y, axis=0, dtype=np.float64)
    spread = deviation[deviation > 0] if deviation.ndim else np.array([deviation or 1.0])
    if ((spread > _EXTREME) | (spread < 1 / _EXTREME)).any():
        found = spread[(spread > _EXTREME) | (spread < 1 / _EXTREME)][0]
        raise DataError(
            f"{where}: y has a standard deviation of {found:.3g}, whose square is beyond float32; "
            f"give y in another unit, such as y * {1 / found:.0e}"
        )
    enough = all(float32_is_enough(part.y, deviation) for part in parts)
    dtype = np.float32 if enough else np.float64
    return [replace(part, y=part.y.astype(dtype, copy=False)) for part in parts]


def float32_is_enough(y: NDArray[Any], deviation: NDArray[np.float64]) -> bool:
    """Returns whether float32 keeps quantities apart: rounding is small beside their deviation.

    Args:
        y: ``(n,)`` or ``(n, k)``, finite.
        deviation: Standard deviation of each column.
    """
    with np.errstate(over="ignore"):
        lost = np.abs(y - y.astype(np.float32))
    return bool((lost <= _LOST * np.where(deviation > 0, deviation, 1.0)).all())


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
            f"{'encode dates as numbers' if x.dtype.kind in 'mM' else 'give an array of floats'}"
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
