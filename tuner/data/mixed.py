"""The rows of a mixed table: a frame of pandas in which every column has one of five dtypes.

A table is mixed unless all its features are numbers without gaps. Its ``x`` is a frame with a
column per feature, in the order of ``feature_names``, and the index 0 … n − 1. By the treatment
that the schema has for a column, its dtype is

- ``"number"``: float64, NaN where missing; yes and no are 1 and 0, a duration is in seconds;
- ``"category"``: ``pandas.CategoricalDtype`` of texts, the same for all parts of a data set, NaN
  where missing; development rows know their own levels only, and rows to predict may have others;
- ``"date"``: ``datetime64[us]`` without a time zone, NaT where missing;
- ``"text"``: object, of ``str``, None where missing.

What a learner makes of them is fitted on the training rows, see `tuner.learners.encoding`.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypeGuard

import numpy as np
from numpy.typing import NDArray

from tuner.data.table import Column
from tuner.errors import DataError
from tuner.wording import quoted

if TYPE_CHECKING:
    import pandas as pd


def is_frame(value: Any) -> TypeGuard[pd.DataFrame]:
    """Returns whether a value is a frame of pandas, without importing pandas."""
    pandas = sys.modules.get("pandas")
    return pandas is not None and isinstance(value, pandas.DataFrame)


def to_frame(columns: Sequence[Column], treatments: Mapping[str, str]) -> pd.DataFrame:
    """Returns features as the frame that the module describes.

    Args:
        columns: The features, in their order.
        treatments: Name of a column to "number", "category", "date" or "text".
    """
    import pandas as pd

    made = {column.name: _series(column, treatments[column.name]) for column in columns}
    return pd.DataFrame(made)


def _series(column: Column, treatment: str) -> Any:
    import pandas as pd

    values, missing = column.values, column.missing
    match treatment:
        case "number":
            if values.dtype.kind == "m":
                values = values / np.timedelta64(1, "s")
            return pd.Series(np.where(missing, np.nan, values.astype(np.float64)))
        case "date":
            return pd.Series(values.astype("datetime64[us]"))
        case "category":
            texts = _texts(values, missing)
            levels = sorted({text for text in texts if text is not None})
            return pd.Series(pd.Categorical(texts, categories=pd.Index(levels, dtype=object)))
        case "text":
            return pd.Series(_texts(values, missing), dtype=object)
    raise ValueError(treatment)


def _texts(values: NDArray[Any], missing: NDArray[np.bool_]) -> list[str | None]:
    return [None if gone else _text(v) for v, gone in zip(values, missing, strict=True)]


def _text(value: object) -> str:
    """Returns a value as a file has it: pandas makes floats of whole numbers beside gaps."""
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace")
    if isinstance(value, float | np.floating) and float(value).is_integer():
        return str(int(value))
    return str(value)


def is_mixed(value: Any) -> TypeGuard[pd.DataFrame]:
    """Returns whether a value is a frame as the module describes it, which is not all numbers."""
    if not is_frame(value):
        return False
    import pandas as pd

    dtypes = list(value.dtypes)
    is_known = all(
        dtype in (np.float64, np.object_)
        or isinstance(dtype, pd.CategoricalDtype)
        or dtype == "datetime64[us]"
        for dtype in dtypes
    )
    is_numbers = all(dtype == np.float64 for dtype in dtypes)
    return is_known and not (is_numbers and value.notna().all(axis=None))


def joined(frames: Sequence[pd.DataFrame]) -> pd.DataFrame:
    """Returns the rows of several frames with the same columns in one frame."""
    import pandas as pd

    return pd.concat(with_levels(frames), ignore_index=True)


def with_levels(frames: Sequence[pd.DataFrame]) -> list[pd.DataFrame]:
    """Returns copies of frames whose categories are the levels that are used in some of them."""
    import pandas as pd

    copies = [frame.copy() for frame in frames]
    for name in copies[0].columns:
        if isinstance(copies[0][name].dtype, pd.CategoricalDtype):
            used = {level for frame in frames for level in frame[name].dropna().unique()}
            levels = pd.CategoricalDtype(pd.Index(sorted(used), dtype=object))
            for frame in copies:
                frame[name] = frame[name].astype(levels)
    return copies


def check_frame(frame: pd.DataFrame, where: str) -> None:
    """Refuses infinite numbers in a frame as the module describes it.

    Raises:
        DataError: A column has some.
    """
    for name, series in frame.items():
        if series.dtype == np.float64 and np.isinf(series.to_numpy()).any():
            raise DataError(
                f"{where}: column {quoted(str(name))} holds infinite numbers; leave those cells "
                "empty, or correct them"
            )


def described(frame: pd.DataFrame) -> str:
    """Returns names and dtypes of the columns, in a text that is stable between versions."""
    import pandas as pd

    kinds = [
        "category" if isinstance(dtype, pd.CategoricalDtype) else dtype.kind
        for dtype in frame.dtypes
    ]
    return repr([[str(name), kind] for name, kind in zip(frame.columns, kinds, strict=True)])


def row_hashes(frame: pd.DataFrame) -> NDArray[np.uint64]:
    """Returns a hash for each row, by which equal rows are found, too."""
    import pandas as pd

    return np.asarray(pd.util.hash_pandas_object(frame, index=False), dtype=np.uint64)
