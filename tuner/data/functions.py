"""Calls a user's own ``load_data()`` and makes `Splits` of what it returns."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np

from tuner.data.arrays import LEAST_ROWS, About, divided, joined
from tuner.data.dividing import hold_out
from tuner.data.importing import import_function, user_code
from tuner.data.inputs import is_array, is_pandas, read_inputs, several, targets
from tuner.data.mixed import is_frame
from tuner.data.schema import ColumnSchema, Schema, TargetSchema
from tuner.data.split import Inputs
from tuner.data.splits import PARTS, Split, Splits
from tuner.data.targets import check_class_sizes, read_target
from tuner.errors import DataError

_MOST_NAMED = 1000
FORMS = (
    "return (x, y) arrays, three pairs (x, y) for train, validation and test, a dict of pairs "
    'with the keys "train", "validation" and "test", or a tuner.data.Splits; (x, y, sample_weight) '
    "may stand for a pair"
)


def load_function(reference: str, base: Path) -> Splits:
    """Calls ``"module:function"`` without arguments and makes `Splits` of what it returns.

    It may return

    - a `Splits`, taken as it is;
    - a pair ``(x, y)`` of arrays, divided here 60/20/20, stratified; or ``(x, y, sample_weight)``,
      here and in what follows, as Keras takes it;
    - three pairs, for train, validation and test, or a dict of them by those names;
    - two pairs, ``(train, test)`` as ``keras.datasets`` gives them: a fifth of the training part
      becomes the validation split, stratified.

    In place of a pair a ``tf.data.Dataset`` of pairs may stand, batched or not. It is read
    to its end and kept in memory as arrays, so its own order, batching and ``shuffle`` mean
    nothing afterwards, and augmentation belongs into the model. Arrays may be NumPy's, pandas',
    SciPy's sparse ones, lists or tensors (see `tuner.data.inputs`). A function must return the
    same rows in the same order each time: every worker calls it, and a resumed study compares
    fingerprints.

    The task follows from ``y`` (see `tuner.data.targets`): floats are a quantity, unless there
    are but two values; integers, text and booleans are classes.

    Raises:
        DataError: The function cannot be imported or called, or returns something else.
    """
    function = import_function(reference, base)
    with user_code(reference, base):
        returned = function()
    if isinstance(returned, Splits):
        return returned
    where = f'"{reference}"'
    if _is_rows(returned):
        rows, columns = _rows(returned, reference, base)
        about = About(reference, _feature_names(returned, rows.x), source=reference)
        weight = rows.sample_weight
        data = divided(rows.x, rows.y, where=where, about=about, sample_weight=weight)
        return _with_schema(data, columns, returned)
    parts: Sequence[Any] = returned if isinstance(returned, tuple | list) else ()
    if isinstance(returned, Mapping):
        if set(returned) != set(PARTS):
            keys = ", ".join(repr(key) for key in returned) or "none"
            raise DataError(f"{where} returned a dict with the keys {keys}; {FORMS}")
        parts = [returned[part] for part in PARTS]
    if len(parts) not in (2, 3) or not all(map(_is_rows, parts)):
        _refuse_several(returned, where)
        raise DataError(f"{where} returned {_form(returned)}; {FORMS}")
    splits, columns = _parts(parts, reference, base)
    about = About(reference, _feature_names(parts[0], splits[0].x), source=reference)
    if len(splits) == 2:
        splits = [*_with_validation(splits[0], reference), splits[1]]
    return _with_schema(joined(splits, where=where, about=about), columns, parts[0])


def _with_schema(data: Splits, columns: Sequence[ColumnSchema] | None, pair: Any) -> Splits:
    """Adds the schema of the frame that x came as, if it did."""
    if columns is None:
        return data
    name = getattr(pair[1], "name", None)
    target = TargetSchema(
        column=name if isinstance(name, str) else None,
        task=data.task,
        class_names=data.class_names,
    )
    return replace(data, schema=Schema(columns=tuple(columns), target=target))


def _is_dataset(value: Any) -> bool:
    """Returns whether it is a ``tf.data.Dataset``, by its methods: TensorFlow is not imported."""
    return hasattr(value, "as_numpy_iterator") and hasattr(value, "element_spec")


def _is_rows(value: Any) -> bool:
    """Returns whether it is ``(x, y)``, ``(x, y, sample_weight)`` or a dataset of them."""
    if isinstance(value, tuple | list) and len(value) in (2, 3):
        is_one = all(map(is_array, value)) and not all(map(_is_rows, value))
        return is_one and (len(value) == 2 or np.shape(value[2])[1:] in ((), (1,)))
    return _is_dataset(value)


def _parts(
    parts: Sequence[Any], reference: str, base: Path
) -> tuple[list[Split], Sequence[ColumnSchema] | None]:
    """Returns parts as `_rows` does; frames are read together, so that all have the same kinds."""
    frames = [part[0] for part in parts if not _is_dataset(part) and is_pandas(part[0])]
    frames = [frame.to_frame() if frame.ndim == 1 else frame for frame in frames]
    names = [list(frame.columns) for frame in frames]
    if len(frames) < len(parts) or names != [names[0]] * len(names):
        read = [_rows(part, reference, base, mixed=False) for part in parts]
        return [rows for rows, _ in read], read[0][1]
    import pandas as pd

    for part in parts:
        _refuse_several(part, f'"{reference}"')
    x, columns = read_inputs(pd.concat(frames, ignore_index=True), f'"{reference}"')
    ends = np.cumsum([0, *map(len, frames)])
    whole = Split(x, np.zeros(len(x)))
    cut = [whole.take(np.arange(*pair)).x for pair in pairwise(ends)]
    return [
        _with_x(part, own, f'"{reference}"') for part, own in zip(parts, cut, strict=True)
    ], columns


def _with_x(value: Any, x: Inputs, where: str) -> Split:
    weight = np.asarray(value[2]) if len(value) == 3 else None
    return Split(x, targets(value[1], where), weight)


def _rows(
    value: Any, reference: str, base: Path, *, mixed: bool = True
) -> tuple[Split, Sequence[ColumnSchema] | None]:
    """Returns x, y and perhaps weights as arrays of NumPy; see `read_inputs` for the columns."""
    if _is_dataset(value):
        return _materialised(value, reference, base), None
    where = f'"{reference}"'
    _refuse_several(value, where)
    x, columns = read_inputs(value[0], where, mixed=mixed)
    return _with_x(value, x, where), columns


def _refuse_several(value: Any, where: str) -> None:
    """Refuses several inputs or outputs, which Keras's models may have and a data set here not."""
    if not isinstance(value, tuple | list) or len(value) not in (2, 3):
        return
    x, y = value[:2]
    rows = len(x) if isinstance(x, list) else _length(x)
    if found := several(x, _length(y)):
        raise DataError(
            f"{where} returned x as {found}, but one array is taken; join the columns with "
            "np.hstack, and take them apart by slicing in your build_model"
        )
    if found := several(y, rows):
        raise DataError(
            f"{where} returned y as {found}, but one array of shape (n,) or (n, k) is taken; join "
            "quantities with np.column_stack, and make a study for each other output"
        )


def _length(value: Any) -> int | None:
    """Rows of an array or a list; None of what is neither, such as a list of two outputs."""
    if isinstance(value, list):
        nested = any(isinstance(part, list) or getattr(part, "shape", ()) for part in value)
        return len(value) if len(value) >= LEAST_ROWS or not nested else None
    shape = np.shape(value) if hasattr(value, "__array__") else getattr(value, "shape", ())
    return shape[0] if shape else None


def _materialised(dataset: Any, reference: str, base: Path) -> Split:
    """Reads a ``tf.data.Dataset`` of ``(x, y)`` or ``(x, y, sample_weight)`` to its end."""
    spec = dataset.element_spec
    is_rows = isinstance(spec, tuple) and len(spec) in (2, 3)
    if not (is_rows and all(hasattr(part, "shape") for part in spec)):
        raise DataError(
            f'"{reference}" returned a tf.data.Dataset whose elements are not pairs (x, y) of '
            f"tensors, but {spec}; map it to (x, y)"
        )
    if int(dataset.cardinality()) == -1:  # tf.data.INFINITE_CARDINALITY
        raise DataError(
            f'"{reference}" returned a tf.data.Dataset without an end; leave out its repeat()'
        )
    with user_code(reference, base):
        elements = list(dataset.as_numpy_iterator())
    if not elements:
        raise DataError(f'"{reference}" returned a tf.data.Dataset without elements')
    make = np.concatenate if _is_batched(spec) else np.stack
    return Split(*(make(column) for column in zip(*elements, strict=True)))


def _is_batched(spec: tuple[Any, ...]) -> bool:
    """Returns whether elements are batches: x and y begin with one dimension, perhaps unknown."""
    x, y = (tensor.shape for tensor in spec[:2])
    if x.rank is None or y.rank is None:
        return True  # only batches of a generator come without any shape
    if x.rank == 0 or y.rank == 0:
        return False
    # A row of as many features as targets looks like a batch; only two vectors are taken as rows.
    return x[0] is None or (x[0] == y[0] and x.rank + y.rank > 2)


def _with_validation(train: Split, reference: str) -> list[Split]:
    """Takes a fifth of the training rows for validation, stratified."""
    where = f'"{reference}", train, y'
    target = read_target(train.y, where)
    check_class_sizes(target, where)
    labels = None if target.task == "regression" else target.y
    return [train.take(rows) for rows in hold_out(np.arange(len(train)), 0.2, labels)]


def _feature_names(pair: Any, x: Inputs) -> tuple[str, ...]:
    """Returns the names of the columns: a frame's own, else x1, x2 …; none when x is an image."""
    frame: Any = x if _is_dataset(pair) else pair[0]
    if hasattr(frame, "columns"):
        return tuple(str(name) for name in frame.columns)
    if is_frame(x):  # a column of pandas
        return tuple(map(str, x.columns))
    if x.ndim not in (1, 2):
        return ()
    if x.dtype.kind in "OSTU":
        return ("text",)
    columns = 1 if x.ndim == 1 else x.shape[1]
    # Names exist so that rows to predict can be given as CSV; wider ones are not written by hand.
    return tuple(f"x{number}" for number in range(1, columns + 1)) if columns <= _MOST_NAMED else ()


def _form(value: Any) -> str:
    """Returns what came back, in a few words."""
    if value is None:
        return "nothing (None)"
    if isinstance(value, tuple | list | dict):
        items = list(value.values() if isinstance(value, dict) else value)[:4]
        inner = ", ".join(type(item).__name__ for item in items)
        return f"a {type(value).__name__} of {len(value)} ({inner})"
    return f"a {type(value).__name__}"
