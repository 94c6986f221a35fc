"""One array that a person returned, whatever library made it, as an array of NumPy's.

Terms:
    array: NumPy's, pandas' or polars' frames and columns, tensors, SciPy's sparse matrices, lists.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tuner.data.counting import count
from tuner.errors import DataError

_SHARE_OF_MEMORY = 0.25  # the parts of a data set are copies, and each worker has its own


def is_array(value: Any) -> bool:
    """Whether a value becomes an array."""
    return hasattr(value, "__array__") or isinstance(value, list | range) or is_sparse(value)


def is_sparse(value: Any) -> bool:
    """Whether a value is a sparse matrix or array of SciPy's, or of the same form."""
    return hasattr(value, "toarray") and hasattr(value, "nnz")


def several(value: Any, rows: int | None) -> str | None:
    """Returns ``2 arrays ("a", "b")`` if a value is several arrays, as Keras's models take them.

    Args:
        value: The x or y that was returned.
        rows: How many rows it would have to have as one array, if that is known.
    """
    if isinstance(value, Mapping):
        keys = ", ".join(f'"{key}"' for key in list(value)[:4])
        return f"{count(len(value), 'array')} ({keys})"
    if not isinstance(value, list | tuple) or not value or len(value) == rows:
        return None
    shapes = [np.shape(part) if hasattr(part, "__array__") else () for part in value]
    many = all(shape and (rows is None or shape[0] == rows) for shape in shapes)
    arrays = count(len(value), "array")
    return f"{arrays} of the shapes {', '.join(map(str, shapes[:4]))}" if many else None


def inputs(value: Any, where: str) -> NDArray[Any]:
    """Returns x as an array of numbers or of texts.

    Raises:
        DataError: Values are missing, a column is no number, rows differ in length, or a sparse
            matrix does not fit in memory.
    """
    if is_sparse(value):
        return _dense(value, where)
    if _is_pandas(value):
        return _table(value.to_frame() if value.ndim == 1 else value, where)
    _check_masked(value, where, "x")
    try:
        # A list of texts becomes objects: NumPy's own text is as long everywhere as the longest.
        texts = isinstance(value, list) and bool(value) and _is_text(value[0])
        x = np.asarray(value, dtype=np.object_ if texts else None)
    except ValueError as exc:
        raise DataError(f"{where} returned rows of different lengths in x") from exc
    return _numbers(x, where)


def targets(value: Any, where: str) -> NDArray[Any]:
    """Returns y as an array; pandas' own types become NumPy's.

    Raises:
        DataError: Values are missing, or it holds dates, or it is sparse.
    """
    import pandas as pd

    if is_sparse(value):
        raise DataError(f"{where}: y is a sparse matrix; give an array, y.toarray()")
    if _is_pandas(value):
        frame = value.to_frame() if value.ndim == 1 else value
        _check_missing(frame, where, "y")
        columns = [_plain(frame.iloc[:, number]) for number in range(frame.shape[1])]
        y = np.stack(columns, axis=1) if columns else np.empty((len(frame), 0))
    else:
        _check_masked(value, where, "y")
        try:
            y = np.asarray(value)
        except ValueError as exc:
            raise DataError(f"{where} returned rows of different lengths in y") from exc
    if y.dtype.kind in "mM":
        raise DataError(f"{where}: y holds dates; give what is to be predicted as numbers")
    if y.dtype == np.object_ and y.size:
        missing = pd.isna(y)
        if missing.any():
            row = int(np.argwhere(missing)[0][0])
            raise DataError(
                f"{where}: y holds {count(int(missing.sum()), 'missing value')} (first in row "
                f"{row}, counted from 0); a row without a target teaches nothing: leave it out"
            )
        if not any(map(_is_text, y.flat)):
            y = _as_inferred(y)
    return y


def _check_masked(value: Any, where: str, letter: str) -> None:
    """Refuses a masked array in which something is masked: what lies below is no value."""
    hidden = int(np.sum(value.mask)) if isinstance(value, np.ma.MaskedArray) else 0
    if hidden:
        raise DataError(
            f"{where}: {letter} is a masked array with {count(hidden, 'masked value')}; fill them "
            "in, or leave those rows out"
        )


def _dense(matrix: Any, where: str) -> NDArray[np.float32]:
    import psutil

    rows, columns = matrix.shape
    size, free = rows * columns * 4, psutil.virtual_memory().available
    if size > _SHARE_OF_MEMORY * free:
        raise DataError(
            f"{where}: x is a sparse matrix of {rows:,} × {columns:,}: as an array it takes "
            f"{size / 2**30:.1f} GiB in every worker, and {free / 2**30:.1f} GiB of memory are "
            "free; keep fewer columns, for example with sklearn.decomposition.TruncatedSVD"
        )
    dense: NDArray[np.float32] = matrix.astype(np.float32).toarray()
    return dense


def _is_pandas(value: Any) -> bool:
    return type(value).__module__.partition(".")[0] == "pandas" and hasattr(value, "iloc")


def _table(frame: Any, where: str) -> NDArray[Any]:
    """Returns a frame as float64, or its only column as texts."""
    import pandas as pd

    _check_missing(frame, where, "x")
    kinds: dict[str, list[str]] = {}
    columns = []
    for number, name in enumerate(frame.columns):
        column = _plain(frame.iloc[:, number])
        if column.dtype == np.object_ and not any(map(_is_text, column)):
            column = _as_inferred(column)
        if column.dtype.kind in "mM" or isinstance(frame.dtypes.iloc[number], pd.PeriodDtype):
            kinds.setdefault("dates", []).append(f'"{name}"')
        elif column.dtype.kind not in "fiub":
            kinds.setdefault("text", []).append(f'"{name}"')
        columns.append(column)
    if set(kinds) == {"text"} and len(columns) == 1:
        return columns[0]  # a text a row
    if kinds:
        found = " and ".join(
            f"{kind} in the column{'' if len(names) == 1 else 's'} {', '.join(names[:4])}"
            f"{f' and {len(names) - 4} more' if len(names) > 4 else ''}"
            for kind, names in kinds.items()
        )
        raise DataError(
            f"{where}: x must hold numbers, or one column of texts, but it holds {found}; "
            f"encode them as numbers{' (pandas.get_dummies)' if 'text' in kinds else ''}, or leave "
            "them out"
        )
    return np.stack(columns, axis=1).astype(np.float64) if columns else np.empty((len(frame), 0))


def _check_missing(frame: Any, where: str, letter: str) -> None:
    """Refuses NaN, None and pd.NA in a frame, by the names of its columns."""
    missing = frame.isna().sum()
    found = [
        f'"{name}" in {count(int(n), "row")}'
        for name, n in zip(frame.columns, missing, strict=True)
        if n
    ]
    if found and letter == "y":
        raise DataError(
            f"{where}: y is missing in {count(int(frame.isna().any(axis=1).sum()), 'row')}; a row "
            "without a target teaches nothing: leave those rows out"
        )
    if found:
        more = f" and {count(len(found) - 4, 'more column')}" if len(found) > 4 else ""
        raise DataError(
            f"{where}: values of x are missing: {', '.join(found[:4])}{more}; fill them in, or "
            "leave those rows or columns out"
        )


def _plain(column: Any) -> NDArray[Any]:
    """Returns a column of pandas' with a dtype of NumPy's; nothing in it is missing."""
    import pandas.api.types as kinds

    dtype = column.dtype
    if isinstance(dtype, np.dtype):
        return np.asarray(column)
    if kinds.is_bool_dtype(dtype):
        return np.asarray(column.to_numpy(dtype=bool))
    if kinds.is_integer_dtype(dtype):
        return np.asarray(column.to_numpy(dtype=np.int64))
    if kinds.is_float_dtype(dtype):
        return np.asarray(column.to_numpy(dtype=np.float64))
    if kinds.is_datetime64_any_dtype(dtype):
        return np.asarray(column, dtype="datetime64[ns]")
    return np.asarray(column, dtype=np.object_)


def _is_text(value: Any) -> bool:
    return isinstance(value, str | bytes)


def _as_inferred(array: NDArray[Any]) -> NDArray[Any]:
    """Returns numbers that came as objects with the dtype that NumPy gives to a list of them."""
    try:
        found = np.array(array.tolist())
    except ValueError:
        return array  # refused later, by the rule that it breaks
    if found.shape != array.shape or found.dtype == np.object_:
        try:
            return array.astype(np.float64)  # decimal.Decimal, fractions.Fraction
        except (TypeError, ValueError):
            return array
    return found


def _numbers(x: NDArray[Any], where: str) -> NDArray[Any]:
    """Objects that are numbers become numbers; what is missing among them is refused."""
    import pandas as pd

    if x.dtype != np.object_ or not x.size:
        return x
    missing = int(pd.isna(x).sum())
    if missing:
        raise DataError(
            f"{where}: x holds {count(missing, 'missing value')} (None, NaN or pd.NA); fill them "
            "in, or leave those rows out"
        )
    return x if any(map(_is_text, x.flat)) else _as_inferred(x)
