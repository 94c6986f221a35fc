"""A person's own ``load_data()``: whatever usual form it returns, as `Splits`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tuner.data.arrays import About, Pair, divided, joined
from tuner.data.dividing import hold_out
from tuner.data.importing import import_function, user_code
from tuner.data.splits import PARTS, Splits
from tuner.data.targets import check_class_sizes, read_target
from tuner.errors import DataError

_MOST_NAMED = 1000
FORMS = (
    "return (x, y) arrays, three pairs (x, y) for train, validation and test, a dict of pairs "
    'with the keys "train", "validation" and "test", or a tuner.data.Splits'
)


def load_function(reference: str, base: Path) -> Splits:
    """Calls ``"module:function"`` without arguments and makes `Splits` of what it returns.

    It may return

    - a `Splits`, taken as it is;
    - a pair ``(x, y)`` of arrays, divided here 60/20/20, stratified;
    - three pairs, for train, validation and test, or a dict of them by those names;
    - two pairs, ``(train, test)`` as ``keras.datasets`` gives them: a fifth of the training part
      becomes the validation split, stratified.

    In place of a pair a ``tf.data.Dataset`` of ``(x, y)`` may stand, batched or not. It is read
    to its end and kept in memory as arrays, so its own order, batching and ``shuffle`` mean
    nothing afterwards, and augmentation belongs into the model. Arrays may be NumPy's, pandas',
    lists or tensors. A function must return the same rows in the same order each time: every
    worker calls it, and a resumed study compares fingerprints.

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
    if _is_pair(returned):
        x, y = _pair(returned, reference, base)
        about = About(reference, _feature_names(returned, x), source=reference)
        return divided(x, y, where=f'"{reference}", y', about=about)
    parts: Sequence[Any] = returned if isinstance(returned, tuple | list) else ()
    if isinstance(returned, Mapping):
        if set(returned) != set(PARTS):
            keys = ", ".join(repr(key) for key in returned) or "none"
            raise DataError(f'"{reference}" returned a dict with the keys {keys}; {FORMS}')
        parts = [returned[part] for part in PARTS]
    if len(parts) not in (2, 3) or not all(map(_is_pair, parts)):
        raise DataError(f'"{reference}" returned {_form(returned)}; {FORMS}')
    pairs = [_pair(part, reference, base) for part in parts]
    about = About(reference, _feature_names(parts[0], pairs[0][0]), source=reference)
    if len(pairs) == 2:
        pairs = [*_with_validation(pairs[0], reference), pairs[1]]
    return joined(pairs, where=f'"{reference}"', about=about)


def _is_dataset(value: Any) -> bool:
    """True for a ``tf.data.Dataset``, told by its methods, for TensorFlow stays unimported."""
    return hasattr(value, "as_numpy_iterator") and hasattr(value, "element_spec")


def _is_array(value: Any) -> bool:
    """True for what becomes an array: arrays, tensors, frames, lists of numbers."""
    return hasattr(value, "__array__") or (isinstance(value, list) and bool(value))


def _is_pair(value: Any) -> bool:
    """True for ``(x, y)`` or a dataset of them."""
    if isinstance(value, tuple | list) and len(value) == 2:
        return all(map(_is_array, value)) and not all(map(_is_pair, value))
    return _is_dataset(value)


def _pair(value: Any, reference: str, base: Path) -> Pair:
    """Returns x and y as arrays."""
    if _is_dataset(value):
        return _materialised(value, reference, base)
    x, y = value
    try:
        # A list of texts becomes objects: NumPy's own text is as long everywhere as the longest.
        x = np.asarray(x, dtype=np.object_ if isinstance(x, list) and _is_text(x[0]) else None)
        return _numbers(x), np.asarray(y)
    except ValueError as exc:  # lists of different lengths
        raise DataError(f'"{reference}" returned rows of different lengths; {FORMS}') from exc


def _is_text(value: Any) -> bool:
    return isinstance(value, str | bytes)


def _numbers(x: NDArray[Any]) -> NDArray[Any]:
    """A frame of mixed integers, floats and booleans comes as objects: numbers all the same."""
    if x.dtype != np.object_ or _is_text(x.flat[0]):
        return x
    try:
        return x.astype(np.float64)
    except (TypeError, ValueError):
        return x  # refused by Splits, which names the part


def _materialised(dataset: Any, reference: str, base: Path) -> Pair:
    """Reads a ``tf.data.Dataset`` of ``(x, y)`` to its end."""
    spec = dataset.element_spec
    if not (isinstance(spec, tuple) and len(spec) == 2 and all(hasattr(s, "shape") for s in spec)):
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
    return make([x for x, _ in elements]), make([y for _, y in elements])


def _is_batched(spec: tuple[Any, Any]) -> bool:
    """Tells batches from rows: x and y begin with the same dimension, or both with an unknown."""
    x, y = (tensor.shape for tensor in spec)
    if x.rank is None or y.rank is None:
        return True  # only batches of a generator come without any shape
    if x.rank == 0 or y.rank == 0:
        return False
    # A row of as many features as targets looks like a batch; only two vectors are taken as rows.
    return x[0] is None or (x[0] == y[0] and x.rank + y.rank > 2)


def _with_validation(train: Pair, reference: str) -> list[Pair]:
    """Takes a fifth of the training rows for validation, stratified."""
    x, y = train
    where = f'"{reference}", train, y'
    target = read_target(y, where)
    check_class_sizes(target, where)
    labels = None if target.task == "regression" else target.y
    return [(x[rows], y[rows]) for rows in hold_out(np.arange(len(y)), 0.2, labels)]


def _feature_names(pair: Any, x: NDArray[Any]) -> tuple[str, ...]:
    """Names of the columns: a frame's own, else x1, x2 …; none when x is an image."""
    frame: Any = x if _is_dataset(pair) else pair[0]
    if hasattr(frame, "columns"):
        return tuple(str(name) for name in frame.columns)
    if x.ndim not in (1, 2):
        return ()
    if x.dtype.kind in "OSTU":
        return ("text",)
    columns = 1 if x.ndim == 1 else x.shape[1]
    # Names exist so that rows to predict can be given as CSV; nobody writes wider ones by hand.
    return tuple(f"x{number}" for number in range(1, columns + 1)) if columns <= _MOST_NAMED else ()


def _form(value: Any) -> str:
    """What came back, in a few words."""
    if value is None:
        return "nothing (None)"
    if isinstance(value, tuple | list | dict):
        items = list(value.values() if isinstance(value, dict) else value)[:4]
        inner = ", ".join(type(item).__name__ for item in items)
        return f"a {type(value).__name__} of {len(value)} ({inner})"
    return f"a {type(value).__name__}"
