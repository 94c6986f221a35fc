"""Converts an array of any usual library, as a user's ``load_data`` returns it, to NumPy.

Terms:
    array: NumPy's, pandas' or polars' frames and columns, tensors, SciPy's sparse matrices, lists.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from tuner.data.mixed import to_frame
from tuner.data.schema import ColumnSchema, form_of
from tuner.data.table import as_inferred, from_frame, is_text, plain
from tuner.data.treatments import Declared, decide
from tuner.errors import DataError
from tuner.units import count

if TYPE_CHECKING:
    import pandas as pd

_SHARE_OF_MEMORY = 0.25  # the parts of a data set are copies, and each worker has its own


def is_array(value: Any) -> bool:
    """Returns whether a value can be converted."""
    return hasattr(value, "__array__") or isinstance(value, list | range) or is_sparse(value)


def is_sparse(value: Any) -> bool:
    """Returns whether a value is a sparse matrix or array of SciPy, or of the same form."""
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
    """Returns x as an array of numbers or of texts; see :func:`read_inputs`."""
    x: NDArray[Any] = read_inputs(value, where, mixed=False)[0]
    return x


def read_inputs(
    value: Any, where: str, *, mixed: bool = True
) -> tuple[Any, list[ColumnSchema] | None]:
    """Reads x.

    Args:
        value: x as it came.
        where: What it is, for error texts.
        mixed: Whether a frame of pandas may hold other columns than numbers without gaps.

    Returns:
        An array of numbers or of texts, or a frame as `tuner.data.mixed` describes it; and what
        was decided about the columns of a frame of pandas, None of anything else.

    Raises:
        DataError: Values are missing, a column is no number, rows differ in length, or a sparse
            matrix does not fit in memory.
    """
    if is_sparse(value):
        return _dense(value, where), None
    if is_pandas(value):
        return _frame(value.to_frame() if value.ndim == 1 else value, where, mixed)
    _check_masked(value, where, "x")
    try:
        # A list of texts becomes objects: NumPy's own text is as long everywhere as the longest.
        texts = isinstance(value, list) and bool(value) and is_text(value[0])
        x = np.asarray(value, dtype=np.object_ if texts else None)
    except ValueError as exc:
        raise DataError(f"{where} returned rows of different lengths in x") from exc
    return _numbers(x, where), None


def targets(value: Any, where: str) -> NDArray[Any]:
    """Returns y as an array; pandas' own types become NumPy's.

    Raises:
        DataError: Values are missing, or it holds dates, or it is sparse.
    """
    import pandas as pd

    if is_sparse(value):
        raise DataError(f"{where}: y is a sparse matrix; give an array, y.toarray()")
    if is_pandas(value):
        frame = value.to_frame() if value.ndim == 1 else value
        if absent := int(frame.isna().any(axis=1).sum()):
            raise DataError(
                f"{where}: y is missing in {count(absent, 'row')}; a row without a target "
                "teaches nothing: leave those rows out"
            )
        columns = [plain(frame.iloc[:, number]) for number in range(frame.shape[1])]
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
        if not any(map(is_text, y.flat)):
            y = as_inferred(y)
    return y


def _check_masked(value: Any, where: str, letter: str) -> None:
    """Refuses a masked array in which something is masked: the value below a mask means nothing."""
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


def is_pandas(value: Any) -> bool:
    """Returns whether a value is a frame or a column of pandas."""
    return type(value).__module__.partition(".")[0] == "pandas" and hasattr(value, "iloc")


def _frame(frame: pd.DataFrame, where: str, mixed: bool) -> tuple[Any, list[ColumnSchema]]:
    """Returns a frame in the form that its columns have together, and the decisions."""
    columns = from_frame(frame)
    if len(columns) == 1 and columns[0].kind == "category":
        columns = [replace(columns[0], kind="text")]
    decided = decide(columns, Declared(select="all"))
    if not columns:
        return np.empty((len(frame), 0)), decided
    form = form_of(decided)
    refused = [column for column in decided if column.treatment == "refuse"]
    if not mixed:
        _refuse_missing(decided, where)
        numbers = ("number", "yes/no", *(("text",) if form == "text" else ()))
        refused = [c for c in decided if c.kind not in numbers or c.treatment == "refuse"]
    _refuse_kinds(refused, where)
    if form == "text":
        return np.where(columns[0].missing, "", columns[0].values).astype(np.object_), decided
    if form == "table" and all(column.values.dtype.kind in "fiub" for column in columns):
        return np.stack([column.values for column in columns], axis=1).astype(np.float64), decided
    if repeated := [name for name, n in Counter(frame.columns).items() if n > 1]:
        raise DataError(
            f'{where}: x has several columns with the name "{repeated[0]}"; every column needs its '
            "own name"
        )
    made = to_frame(columns, {column.name: column.treatment for column in decided})
    return made if form == "mixed" else made.to_numpy(dtype=np.float64), decided


def _refuse_kinds(refused: Sequence[ColumnSchema], where: str) -> None:
    """Refuses columns of kinds that learners do not take, by their names."""
    if not refused:
        return
    kinds: dict[str, list[str]] = {}
    for column in refused:
        kind = "dates" if column.kind == "date" else "text"
        kinds.setdefault(kind, []).append(f'"{column.name}"')
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


def _refuse_missing(columns: Sequence[ColumnSchema], where: str) -> None:
    """Refuses columns of x in which values are missing, by their names."""
    found = [f'"{c.name}" in {count(c.missing, "row")}' for c in columns if c.missing]
    if not found:
        return
    more = f" and {count(len(found) - 4, 'more column')}" if len(found) > 4 else ""
    raise DataError(
        f"{where}: values of x are missing: {', '.join(found[:4])}{more}; fill them in, or "
        "leave those rows or columns out"
    )


def _numbers(x: NDArray[Any], where: str) -> NDArray[Any]:
    """Returns objects that are numbers as numbers; refuses missing ones among them."""
    import pandas as pd

    if x.dtype != np.object_ or not x.size:
        return x
    missing = int(pd.isna(x).sum())
    if missing:
        raise DataError(
            f"{where}: x holds {count(missing, 'missing value')} (None, NaN or pd.NA); fill them "
            "in, or leave those rows out"
        )
    return x if any(map(is_text, x.flat)) else as_inferred(x)
