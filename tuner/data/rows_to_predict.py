"""Rows to predict: columns found by name, with the kinds that the schema has from the training.

Other columns, and the order of columns, do not matter. In a mixed table a cell that cannot be read
as its column's kind counts as missing; levels of a category that training never saw stay what they
are, as the model knows what to do with them.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from tuner.data.csv_column import CsvColumn, read_column
from tuner.data.csv_file import TextTable, read_text
from tuner.data.csv_numbers import numbers
from tuner.data.mixed import to_frame
from tuner.data.schema import ColumnSchema, Schema
from tuner.data.split import Inputs, texts
from tuner.data.table import Column, from_frame
from tuner.errors import DataError
from tuner.spec import Dialect
from tuner.units import count
from tuner.wording import hint, quoted

if TYPE_CHECKING:
    import pandas as pd

ROWS_PER_CHUNK = 20_000


def rows_from_table(path: Path, schema: Schema, dialect: Dialect | None = None) -> Inputs:
    """Reads all rows of a file; see :func:`iter_rows`."""
    (rows,) = iter_rows(path, schema, dialect, rows_per_chunk=None)
    return rows


def iter_rows(
    path: Path,
    schema: Schema,
    dialect: Dialect | None = None,
    rows_per_chunk: int | None = ROWS_PER_CHUNK,
) -> Iterator[Inputs]:
    """Yields the rows of a file in their order.

    Args:
        path: A file as a study's ``dataset`` may name.
        schema: The schema of the training data.
        dialect: How the file is written; None as the training file was.
        rows_per_chunk: At most so many rows at once; None for all.

    Yields:
        x as the model takes it, see `tuner.data.splits`: float32 ``(n, features)``, ``(n,)`` of
        texts, or a frame as `tuner.data.mixed` describes it.

    Raises:
        DataError: Columns are missing, there are no rows, or, where the model takes numbers
            without gaps, cells are empty or no numbers.
    """
    table = read_text(path, dialect or schema.dialect, by_options=True)
    features = schema.features
    _check_names(list(table.cells.columns), features, table)
    if table.cells.empty:
        raise DataError(f"{path} has no rows below its header")
    x = _inputs_of_file(table, schema, features)
    size = rows_per_chunk or len(x)
    for begin in range(0, len(x), size):
        part = slice(begin, begin + size)
        yield x[part] if isinstance(x, np.ndarray) else x.iloc[part].reset_index(drop=True)


def rows_from_frame(frame: pd.DataFrame, schema: Schema) -> Inputs:
    """Returns the rows of a frame of pandas as the model takes them; see :func:`iter_rows`."""
    features = schema.features
    _check_names([str(name) for name in frame.columns], features, None)
    if not len(frame):
        raise DataError("there are no rows to predict")
    named = frame.rename(columns=str)[[feature.name for feature in features]]
    columns = [
        _as_trained(column, feature)
        for column, feature in zip(from_frame(named), features, strict=True)
    ]
    return _inputs(columns, schema, features)


def _inputs_of_file(table: TextTable, schema: Schema, features: Sequence[ColumnSchema]) -> Inputs:
    if schema.form == "table":
        return numbers(table, [feature.name for feature in features])
    columns = [_as_trained(read_column(table, feature.name), feature) for feature in features]
    return _inputs(columns, schema, features)


def _inputs(columns: Sequence[Column], schema: Schema, features: Sequence[ColumnSchema]) -> Inputs:
    if schema.form == "text":
        return texts([text or "" for text in columns[0].values], "rows to predict")
    frame = to_frame(columns, {feature.name: feature.treatment for feature in features})
    if schema.form == "mixed":
        return frame
    gaps = [name for name in frame if frame[name].isna().any()]
    if gaps:
        raise DataError(
            f"rows to predict: column {quoted(str(gaps[0]))} has missing values, or some that are "
            "no numbers; the model takes numbers without gaps: fill them in, or leave those rows "
            "out"
        )
    return frame.to_numpy(dtype=np.float32)


def _check_names(
    header: Sequence[str], features: Sequence[ColumnSchema], table: TextTable | None
) -> None:
    """Refuses rows that lack a column of the model's."""
    names = [feature.name for feature in features]
    missing = [name for name in names if name not in header]
    if not missing:
        return
    spare = [name for name in header if name not in names]
    cure = ""
    if table is not None and len(header) == 1 and len(names) > 1:
        cure = "; what separates columns is declared with --sep"
    elif table is not None and table.dialect.encoding and not "".join(header).isascii():
        cure = f"; if it is not text in {table.dialect.encoding}, declare --encoding"
    raise DataError(
        f"{table.path if table else 'the rows to predict'} "
        f"{'lacks' if table else 'lack'} {count(len(missing), 'column')} that the model takes: "
        f"{', '.join(map(quoted, missing))}; {hint(missing[0], spare, 'other columns')}{cure}"
    )


def _as_trained(column: Column, feature: ColumnSchema) -> Column:
    """Returns a column with the kind it had in the training; missing where it cannot be read."""
    values: NDArray[Any]
    match feature.kind:
        case "number" | "yes/no":
            values = _numbers(column, feature)
            return Column(column.name, "number", values, np.isnan(values))
        case "date":
            values = _dates(column, feature.notation)
            return Column(column.name, "date", values, np.isnat(values))
    cells = column.cells.tolist() if isinstance(column, CsvColumn) else column.values
    shown = [
        None if gone else _text(cell) for cell, gone in zip(cells, column.missing, strict=True)
    ]
    values = np.array(shown, dtype=np.object_)
    return Column(column.name, feature.kind, values, column.missing)


def _numbers(column: Column, feature: ColumnSchema) -> NDArray[np.float64]:
    if feature.kind == "yes/no" and isinstance(column, CsvColumn):
        words = feature.notation.split("/")
        found = column.cells.str.casefold()
        values = np.where(found == words[0], 1.0, np.where(found == words[-1], 0.0, np.nan))
    elif isinstance(column, CsvColumn):
        values = column.numbers.astype(np.float64)
    elif column.values.dtype.kind in "fiub":
        values = column.values.astype(np.float64)
    elif column.values.dtype.kind == "m":
        values = column.values / np.timedelta64(1, "s")
    else:
        import pandas as pd

        values = pd.to_numeric(pd.Series(column.values), errors="coerce").to_numpy(np.float64)
    return np.where(column.missing | ~np.isfinite(values), np.nan, values)


def _dates(column: Column, notation: str) -> NDArray[np.datetime64]:
    import pandas as pd

    if column.values.dtype.kind == "M":
        return column.values.astype("datetime64[us]")
    cells = column.cells if isinstance(column, CsvColumn) else pd.Series(column.values)
    read = pd.to_datetime(
        cells.mask(column.missing), format=notation or "ISO8601", errors="coerce", utc=True
    )
    return read.dt.tz_localize(None).to_numpy("datetime64[us]")


def _text(value: object) -> str:
    """Returns a value as a file has it: pandas makes floats of whole numbers beside gaps."""
    if isinstance(value, float | np.floating) and float(value).is_integer():
        return str(int(value))
    return str(value)
