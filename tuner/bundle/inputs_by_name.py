"""Rows to predict in memory: frames, dicts of columns or arrays, brought to the model's form.

Columns are found by name, in any order; those that the model does not take are ignored.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from tuner.data.mixed import is_frame
from tuner.data.rows_to_predict import rows_from_frame
from tuner.data.schema import Schema
from tuner.data.split import Inputs
from tuner.errors import DataError
from tuner.units import count
from tuner.wording import hint, quoted

if TYPE_CHECKING:
    import pandas as pd


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
        DataError: A column is missing, or holds what the model does not take; or an array has
            another shape.
    """
    kind, names = about.get("kind", "table"), about["feature_names"]
    if not _is_named(rows):
        array = rows if isinstance(rows, np.ndarray) else np.asarray(rows)
        shape = tuple(about["input_shape"])
        if tuple(array.shape[1:]) != shape:
            raise DataError(
                f"{where} takes rows of shape {shape}, but these have {tuple(array.shape[1:])}; "
                f"give an array of shape (n, {', '.join(map(str, shape))})"
            )
        if kind != "mixed":
            return array
        rows = dict(zip(names, array.T, strict=True))
    frame = _frame(rows, where)
    if (schema := schema_of(about)) is not None:
        try:
            return rows_from_frame(frame, schema)
        except DataError as error:
            raise DataError(f"{where}: {error}") from error.__cause__
    found = _columns(frame, names, where)
    if kind == "text":
        return found.iloc[:, 0].to_numpy(dtype=np.object_)
    return found if kind == "mixed" else _numbers(found, where)


def schema_of(about: Mapping[str, Any]) -> Schema | None:
    """Returns the schema of the columns that a model takes; None if nothing is known of them.

    Args:
        about: What ``bundle.json`` holds of the data.
    """
    if not about.get("schema"):
        return None
    schema = Schema.model_validate(about["schema"])
    is_whole = [column.name for column in schema.features] == list(about["feature_names"])
    return schema if is_whole else None


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
        return pd.DataFrame(rows).infer_objects()
    except ValueError as exc:
        raise DataError(f"{where}: the rows are no table: {exc}") from exc


def _columns(frame: pd.DataFrame, names: Sequence[str], where: str) -> pd.DataFrame:
    """Returns the columns of these names, where no schema says more about them."""
    if not names:
        raise DataError(f"{where} was trained without names of columns; give an array")
    header = [str(name) for name in frame.columns]
    if missing := [name for name in names if name not in header]:
        others = [name for name in header if name not in names]
        raise DataError(
            f"{where}: the rows to predict lack {count(len(missing), 'column')} that the model "
            f"takes: {', '.join(map(quoted, missing))}; {hint(missing[0], others, 'other columns')}"
        )
    return frame.iloc[:, [header.index(name) for name in names]]


def _numbers(frame: pd.DataFrame, where: str) -> NDArray[np.float32]:
    try:
        numbers = frame.to_numpy(dtype=np.float32, na_value=np.nan)
    except (TypeError, ValueError) as exc:
        raise DataError(f"{where}: the model takes numbers alone: {exc}") from exc
    if gaps := [str(name) for name in frame if frame[name].isna().any()]:
        raise DataError(
            f"{where}: column {quoted(gaps[0])} has missing values, but the model takes numbers "
            "without gaps; fill them in"
        )
    return numbers
