"""Decides from the targets alone what is to be learnt: a quantity or a class.

The rule, for every source of data:

- text, booleans, integers and any two distinct values are classes: two of them make a
  ``"binary"`` task, more a ``"multiclass"`` one;
- any other numbers are a quantity: ``"regression"``.

In a CSV file a number has no type, so there a column of whole numbers (written without a decimal
point) counts as integers only up to `MOST_CLASSES` distinct values, and a study file can name the
task (`tuner.data.csv_target`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tuner.data.dividing import LEAST_OF_A_CLASS
from tuner.data.schema import Task
from tuner.data.split import float32_is_enough
from tuner.errors import DataError
from tuner.units import count
from tuner.wording import excerpt, quoted

MOST_CLASSES = 20
_MOST_NAMED = 3
_MOST_LEFT_OUT = 0.1  # of the rows


@dataclass(frozen=True)
class Target:
    """Targets in the form that `tuner.data.splits` declares.

    Attributes:
        task: What is to be learnt.
        y: float32 or int32 ``(n,)``, or float32 ``(n, k)``; a quantity is float64 where float32
            has too few digits.
        class_names: A name per class, in their order, each once; empty for a regression.
    """

    task: Task
    y: NDArray[Any]
    class_names: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        assert len(set(self.class_names)) == len(self.class_names), self.class_names


def class_target(labels: NDArray[Any], class_names: tuple[str, ...]) -> Target:
    """Returns the target of class numbers ``(n,)``; two classes make a binary task."""
    if len(class_names) == 2:
        return Target("binary", labels.astype(np.float32), class_names)
    return Target("multiclass", labels.astype(np.int32), class_names)


def read_target(y: NDArray[Any], where: str) -> Target:
    """Applies the module's rule to an array.

    Args:
        y: ``(n,)``, ``(n, 1)`` or ``(n, k)``, of numbers, booleans or text.
        where: What the array is, for error texts: ``'my_data:load_data, y'``.

    Raises:
        DataError: The targets are missing in places, all the same, one-hot, or of no usable type.
    """
    y = y[:, 0] if y.ndim == 2 and y.shape[1] == 1 else y
    if y.ndim == 0 or len(y) == 0:
        raise DataError(f"{where}: there are no rows")
    if y.dtype.kind in "OSTU":
        y = _as_text(y, where)
    elif y.dtype.kind not in "fiub":
        raise DataError(f"{where} must hold numbers or text, but its dtype is {y.dtype}")
    elif y.dtype.kind == "f" and not np.isfinite(y).all():
        bad = int(y.size - np.isfinite(y).sum())
        raise DataError(
            f"{where} holds {count(bad, 'value that is', 'values that are')} NaN or infinite"
        )
    if y.ndim > 1:
        return _several(y, where)
    values, labels = np.unique(y, return_inverse=True)
    if len(values) == 1:
        value = excerpt(str(values[0]))
        raise DataError(
            f"{where} is {value} in every row: with a constant target there is nothing to learn"
        )
    if y.dtype.kind == "f" and len(values) > 2:
        return Target("regression", quantity(y))
    return class_target(labels, tuple(_name(value) for value in values))


def check_class_sizes(target: Target, where: str) -> None:
    """Refuses classes that are too small to be in all three splits.

    Raises:
        DataError: A class has fewer rows than it takes to have some in every split.
    """
    if fault := class_size_fault(target, "give it as floats"):
        raise DataError(f"{where}: {fault}")


def class_size_fault(target: Target, cure: str) -> str | None:
    """Returns the text for classes that are too small to be in all three splits.

    Args:
        target: Classes or a quantity.
        cure: What to do if it is a quantity.
    """
    if target.task == "regression":
        return None
    least = LEAST_OF_A_CLASS
    sizes = np.bincount(target.y.astype(np.intp), minlength=len(target.class_names))
    small = np.flatnonzero(sizes < least)
    if not len(small):
        return None
    first = int(small[0])
    others = f" (and {count(len(small) - 1, 'more class', 'more classes')} too)"
    return (
        f"class {quoted(target.class_names[first])} has {count(int(sizes[first]), 'row')}"
        f"{others if len(small) > 1 else ''}, too few to be divided into train, validation and "
        f"test; a class needs at least {least}: add rows, merge classes, or, if this is a quantity "
        f"and not a class: {cure}"
    )


def without_small_classes(target: Target) -> tuple[Target, NDArray[np.bool_], str | None]:
    """Leaves out the rows of classes that are too small to be in all three splits.

    Only if two classes are left, and if they are at most a tenth of the rows: else the target was
    probably misunderstood, which `class_size_fault` reports.

    Returns:
        The target of the rows that are kept, which rows these are, ``(n,)``, and what was left
        out, for people; None if that is nothing.
    """
    kept = np.ones(len(target.y), dtype=np.bool_)
    if target.task == "regression":
        return target, kept, None
    labels = target.y.astype(np.intp)
    sizes = np.bincount(labels, minlength=len(target.class_names))
    large = np.flatnonzero(sizes >= LEAST_OF_A_CLASS)
    kept = np.isin(labels, large)
    gone = len(kept) - int(kept.sum())
    if not gone or len(large) < 2 or gone > _MOST_LEFT_OUT * len(kept):
        return target, np.ones_like(kept), None
    small = [target.class_names[label] for label in range(len(sizes)) if label not in large]
    shown = ", ".join(map(quoted, small[:_MOST_NAMED])) + (" …" if len(small) > _MOST_NAMED else "")
    words = f"{count(len(small), 'class', 'classes')} with fewer than {LEAST_OF_A_CLASS} rows"
    note = f"{count(gone, 'row')} of {words} left out: {shown}"
    names = tuple(target.class_names[label] for label in large)
    return class_target(np.searchsorted(large, labels[kept]), names), kept, note


def read_as(task: Task, class_names: Sequence[str], *, is_csv: bool) -> str:
    """Returns how the targets were read, and how to change that if they came from a CSV file.

    Such as ``the target was read as 5 classes (0, 1, 2 …)``.
    """
    if task == "regression":
        words = "the target was read as a quantity"
        todo = 'if it holds classes: task = "classification" in dataset'
    else:
        shown = ", ".join(map(excerpt, class_names[:_MOST_NAMED]))
        more = " …" if len(class_names) > _MOST_NAMED else ""
        named = f"{len(class_names)} classes ({shown}{more})"
        words = f"the target was read as {named if class_names else 'classes'}"  # not yet known
        todo = 'if it is a quantity: task = "regression" in dataset'
    return f"{words}; {todo}" if is_csv else words


def quantity(y: NDArray[Any]) -> NDArray[Any]:
    """Returns quantities as float32, or as they came where that has too few digits."""
    enough = float32_is_enough(y, np.std(y, axis=0, dtype=np.float64))
    return y.astype(np.float32 if enough else np.float64, copy=False)


def _several(y: NDArray[Any], where: str) -> Target:
    """Returns several targets a row, ``(n, k)``: quantities, never classes."""
    if y.dtype.kind not in "fiub" or y.ndim != 2:
        raise DataError(f"{where} must be of shape (n,) or (n, k) numbers, but it is {y.shape}")
    if np.isin(y, (0, 1)).all():
        raise DataError(
            f"{where} of shape {y.shape} holds only 0 and 1 and looks one-hot; return one class "
            "number a row instead, y.argmax(axis=1), and compile with the sparse loss"
        )
    return Target("regression", quantity(y))


def _as_text(y: NDArray[Any], where: str) -> NDArray[Any]:
    """Returns text of any kind as one dtype; ``tf.data`` gives bytes, pandas gives objects."""
    flat = [item.decode("utf-8") if isinstance(item, bytes) else item for item in y.ravel()]
    if all(isinstance(item, str) for item in flat):
        return np.array(flat, dtype=np.str_).reshape(y.shape)
    other = next(item for item in flat if not isinstance(item, str))
    if other is None or other != other:  # NaN, as pandas marks a missing text
        raise DataError(f"{where} holds {other!r} where a class should be: leave those rows out")
    try:
        return np.array(flat, dtype=np.float64).reshape(y.shape)
    except (TypeError, ValueError) as exc:
        raise DataError(
            f"{where} must hold numbers or text, but it holds {type(other).__name__}"
        ) from exc


def _name(value: Any) -> str:
    """Returns a class as people write it: 1 and not 1.0; other numbers with all their digits."""
    return str(value).removesuffix(".0")
