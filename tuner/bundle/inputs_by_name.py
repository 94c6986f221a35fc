"""Rows to predict in memory: frames, dicts of columns or arrays, brought to the model's form.

Columns are found by name, in any order; those that the model does not take are ignored.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from tuner.data.mixed import is_frame, to_frame
from tuner.data.split import Inputs
from tuner.data.table import YES_NO, Column, from_frame
from tuner.errors import DataError
from tuner.units import count
from tuner.wording import hint, quoted

if TYPE_CHECKING:
    import pandas as pd

_MOST_NAMED = 5


def as_inputs(rows: Any, about: Mapping[str, Any], where: str) -> Inputs:
    """Returns rows as the model takes them.

    Args:
        rows: A frame of pandas; a mapping of names to columns, or to the cells of one row; a list
            of such rows; or an array in the order of the model's columns.
        about: What ``bundle.json`` holds of the data.
        where: What the rows are for, for error texts.

    Returns:
        A frame as `tuner.data.mixed` describes it for a mixed table, else an array.

    Raises:
        DataError: A column is missing, or holds what its kind does not allow; or an array has
            another shape.
    """
    names = list(about["feature_names"])
    kind = about.get("kind", "table")
    if _is_named(rows):
        frame = columns_of(_frame(rows, where), names, where)
        if kind == "mixed":
            return _mixed(frame, about, where)
        if kind == "text":
            return frame.iloc[:, 0].to_numpy(dtype=np.object_)
        return _numbers(frame, where)
    array = rows if isinstance(rows, np.ndarray) else np.asarray(rows)
    shape = tuple(about["input_shape"])
    if tuple(array.shape[1:]) != shape:
        raise DataError(
            f"{where} takes rows of shape {shape}, but these have {tuple(array.shape[1:])}; "
            f"give an array of shape (n, {', '.join(map(str, shape))})"
        )
    if kind != "mixed":
        return array
    import pandas as pd

    return _mixed(pd.DataFrame(array, columns=names).infer_objects(), about, where)


def _is_named(rows: Any) -> bool:
    is_records = isinstance(rows, list) and bool(rows) and isinstance(rows[0], Mapping)
    return is_frame(rows) or isinstance(rows, Mapping) or is_records


def _frame(rows: Any, where: str) -> pd.DataFrame:
    import pandas as pd

    if is_frame(rows):
        return rows.reset_index(drop=True)
    if isinstance(rows, Mapping) and rows and all(np.ndim(cell) == 0 for cell in rows.values()):
        rows = [rows]
    try:
        return pd.DataFrame(rows)
    except ValueError as exc:
        raise DataError(f"{where}: the rows are no table: {exc}") from exc


def columns_of(frame: pd.DataFrame, names: Sequence[str], where: str) -> pd.DataFrame:
    """Returns the columns of these names.

    Raises:
        DataError: One is missing, or is there twice.
    """
    if not names:
        raise DataError(f"{where} was trained without names of columns; give an array")
    frame = frame.rename(columns=str)
    if missing := [name for name in names if name not in frame.columns]:
        shown = ", ".join(quoted(name) for name in missing[:_MOST_NAMED])
        more = " …" if len(missing) > _MOST_NAMED else ""
        others = [name for name in frame.columns if name not in names]
        raise DataError(
            f"{where} takes {count(len(missing), 'column')} that the rows lack: {shown}{more}; "
            f"{hint(missing[0], others, 'other columns')}"
        )
    found = frame[list(names)]
    if found.shape[1] != len(names):
        twice = next(name for name in names if list(frame.columns).count(name) > 1)
        raise DataError(f"{where}: the rows have two columns {quoted(twice)}; leave one out")
    return found


def _numbers(frame: pd.DataFrame, where: str) -> NDArray[np.float32]:
    columns = [_number(frame[name], where) for name in frame.columns]
    for name, column in zip(frame.columns, columns, strict=True):
        if (gaps := int(np.isnan(column).sum())) > 0:
            raise DataError(
                f"{where}: column {quoted(name)} has {count(gaps, 'missing value')}, but the model "
                "was trained on a table without any; fill them in"
            )
    return np.stack(columns, axis=1).astype(np.float32)


def _mixed(frame: pd.DataFrame, about: Mapping[str, Any], where: str) -> pd.DataFrame:
    """Returns a frame whose columns have the dtypes of the training rows'."""
    found = {one["name"]: one for one in (about.get("schema") or {}).get("columns", ())}
    made, treatments = [], {}
    for column in from_frame(frame):
        known = found.get(column.name, {})
        treatment = known.get("treatment") or _usual(column)
        treatments[column.name] = treatment
        made.append(_column(column, frame[column.name], treatment, known, where))
    return to_frame(made, treatments)


def _usual(column: Column) -> str:
    """Returns the treatment of a column of which no schema says it."""
    return "number" if column.kind == "yes/no" else column.kind


def _column(
    column: Column, series: pd.Series[Any], treatment: str, known: Mapping[str, Any], where: str
) -> Column:
    import pandas as pd

    values: NDArray[Any] = column.values
    match treatment:
        case "number" if values.dtype.kind not in "m":
            values = _number(series, where, known.get("notation", ""))
            return Column(column.name, "number", values, np.isnan(values))
        case "date" if values.dtype.kind != "M":
            form = known.get("notation") or "ISO8601"
            dates = pd.to_datetime(series, format=form, errors="coerce", utc=True)
            _check_read(series, dates, "dates", where)
            values = dates.dt.tz_localize(None).to_numpy(dtype="datetime64[us]")
            return Column(column.name, "date", values, np.isnat(values))
        case "category" | "text" if values.dtype.kind == "f":
            texts = np.empty(len(values), np.object_)
            texts[:] = [f"{v:g}" if float(v).is_integer() else str(v) for v in values]
            return Column(column.name, "category", texts, column.missing)
    return column


def _number(series: pd.Series[Any], where: str, notation: str = "") -> NDArray[np.float64]:
    import pandas as pd

    words = {word: yes for pair in YES_NO for word, yes in zip(pair, (1.0, 0.0), strict=True)}
    if notation in {"/".join(pair) for pair in YES_NO} and series.dtype.kind not in "biuf":
        texts = series.astype(str).str.casefold()
        numbers = texts.map(words).where(series.notna())
    else:
        numbers = pd.to_numeric(series, errors="coerce")
    _check_read(series, numbers, "numbers", where)
    return np.asarray(numbers.to_numpy(dtype=np.float64, na_value=np.nan))


def _check_read(series: pd.Series[Any], read: pd.Series[Any], what: str, where: str) -> None:
    """Refuses cells that are there and cannot be read.

    Raises:
        DataError: Names one.
    """
    lost = series[read.isna() & series.notna()]
    if len(lost):
        raise DataError(
            f"{where}: column {quoted(str(series.name))} holds {count(len(lost), 'cell')} that are "
            f"no {what}, such as {quoted(str(lost.iloc[0]))}; correct them, or leave them empty"
        )
