"""Rows to predict: columns found by name, with the kinds that the schema has from the training.

Other columns, and the order of columns, do not matter. In a mixed table a cell that cannot be read
as its column's kind counts as missing; levels of a category that training never saw stay what they
are, as the model knows what to do with them. Models without a schema take numbers, or texts.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from tuner.data.csv_column import CsvColumn
from tuner.data.csv_file import read_text
from tuner.data.csv_numbers import checked_numbers
from tuner.data.csv_rows import LINE_BREAK
from tuner.data.faults import Faults
from tuner.data.mixed import to_frame
from tuner.data.other_files import frame_table
from tuner.data.schema import ColumnSchema, Schema, TargetSchema
from tuner.data.split import Inputs, texts
from tuner.data.table_file import Table, iter_tables, read_table, table_of
from tuner.data.text_table import TextTable
from tuner.errors import DataError
from tuner.spec import Dialect
from tuner.spec.access import require_regular
from tuner.units import count
from tuner.wording import hint, quoted

if TYPE_CHECKING:
    import pandas as pd

ROWS_PER_CHUNK = 20_000
_OF_A_FRAME = Path("rows to predict")


def rows_from_table(path: Path, schema: Schema, dialect: Dialect | None = None) -> Inputs:
    """Reads all rows of a file; see :func:`iter_rows`."""
    (rows,) = iter_rows(path, schema, dialect, rows_per_chunk=None)
    return rows


def rows_from_csv(
    path: Path, feature_names: Sequence[str], dialect: Dialect | None = None
) -> NDArray[np.float32]:
    """Reads rows for a model of numbers without a schema.

    Columns are found by name, in any order; other columns are ignored, whatever they hold.

    Args:
        path: The file.
        feature_names: The columns that the model takes.
        dialect: How the file is written.

    Returns:
        float32 ``(n, features)``, columns in the order of ``feature_names``.

    Raises:
        DataError: The model takes no table, columns are missing, cells are empty or no numbers,
            or there are no rows.
    """
    if not feature_names:
        raise DataError(f"{path}: this model does not take the rows of a table")
    features = [
        ColumnSchema(name=name, kind="number", treatment="number") for name in feature_names
    ]
    schema = Schema(columns=tuple(features), target=TargetSchema(task="regression"))
    rows: NDArray[np.float32] = rows_from_table(path, schema, dialect or Dialect())
    return rows


def texts_from_file(
    path: Path, column: str = "text", dialect: Dialect | None = None
) -> NDArray[np.object_]:
    """Reads texts for a model without a schema: lines of a .txt file, else a column of a CSV file.

    Args:
        path: The file.
        column: The column of texts.
        dialect: How the file is written; of a .txt file only the encoding counts.

    Returns:
        ``(n,)`` of ``str``.

    Raises:
        DataError: The file cannot be read, lacks the column, or has no texts.
    """
    if path.suffix.lower() != ".txt":
        table = read_text(path, dialect, by_options=True)
        if column not in table.cells:
            spare = hint(column, list(table.cells.columns), "columns")
            raise DataError(
                f"{path} lacks the column {quoted(column)} that the model takes; {spare}"
            )
        lines = table.cells[column].tolist()
    else:
        require_regular(path)
        try:
            text = path.read_text((dialect and dialect.encoding) or "utf-8-sig")
            lines = [line for line in LINE_BREAK.split(text) if line.strip()]
        except FileNotFoundError as exc:
            raise DataError(f"there is no file {path}") from exc
        except (OSError, UnicodeDecodeError) as exc:
            encoding = (dialect and dialect.encoding) or "UTF-8"
            raise DataError(f"{path} cannot be read as {encoding} text ({exc})") from exc
    if not lines:
        raise DataError(f"{path} has no texts")
    return texts(lines, str(path))


def iter_rows(
    path: Path,
    schema: Schema,
    dialect: Dialect | None = None,
    rows_per_chunk: int | None = ROWS_PER_CHUNK,
    *,
    sheet: str | None = None,
    note: Callable[[str], None] = lambda text: None,
) -> Iterator[Inputs]:
    """Yields the rows of a file in their order.

    Args:
        path: A file as a study's ``dataset`` may name.
        schema: The schema of the training data.
        dialect: How the file is written, as far as that is declared; None as the training file
            was, but for the separator and the encoding, which are found out.
        rows_per_chunk: At most so many rows at once; None for all.
        sheet: A sheet of a workbook; the first if None.
        note: Called once a column of a mixed table in which cells count as missing that could not
            be read, with a line that names the first.

    Yields:
        x as the model takes it, see `tuner.data.splits`: float32 ``(n, features)``, ``(n,)`` of
        texts, or a frame as `tuner.data.mixed` describes it.

    Raises:
        DataError: Columns are missing, there are no rows, or, where the model takes numbers
            without gaps, cells are empty or no numbers.
    """
    if dialect is None and schema.dialect is not None:
        dialect = schema.dialect.model_copy(update={"sep": None, "encoding": None})
    like = {feature.name: feature for feature in schema.features}
    if rows_per_chunk is None:
        read = read_table(path, dialect, sheet=sheet, like=like, by_options=True)
        tables: Iterator[Table] = iter((read,))
    else:
        tables = iter_tables(path, dialect, like=like, rows=rows_per_chunk, sheet=sheet)
    noted: set[str] = set()
    are_any = False
    for table in tables:
        if not are_any:
            _check_names(table.text, schema.features)
        if len(table):
            are_any = True
            yield _inputs(table, schema)
        for column in table.columns:
            if column.note and column.name not in noted and schema.form == "mixed":
                noted.add(column.name)
                note(f"column {quoted(column.name)}: {column.note}")
    if not are_any:
        raise DataError(f"{path} has no rows below its header")


def rows_from_frame(frame: pd.DataFrame, schema: Schema) -> Inputs:
    """Returns the rows of a frame of pandas as the model takes them; see :func:`iter_rows`."""
    text = frame_table(frame.reset_index(drop=True), _OF_A_FRAME, by_options=True)
    _check_names(text, schema.features)
    if not len(frame):
        raise DataError("there are no rows to predict")
    return _inputs(table_of(text, like={one.name: one for one in schema.features}), schema)


def _inputs(table: Table, schema: Schema) -> Inputs:
    columns = {column.name: column for column in table.columns}
    read = [columns[feature.name] for feature in schema.features]
    faults = Faults(table.path)
    for column in read:
        faults.add(column.ambiguity_fault())
    faults.raise_if_any()
    if schema.form == "text":
        return texts([text or "" for text in read[0].values], str(table.path))
    if schema.form == "table" and all(column.kind == "number" for column in read):
        return _numbers(read, schema.features, table.path)
    for position, column in enumerate(read):
        if column.kind == "number" and not np.isfinite(column.values[~column.missing]).all():
            finite = np.isfinite(column.values)
            read[position] = replace(column, missing=~finite)
    frame = to_frame(read, {feature.name: feature.treatment for feature in schema.features})
    if schema.form == "mixed":
        return frame
    gaps = [str(name) for name in frame if frame[name].isna().any()]
    if gaps:
        raise DataError(
            f"{table.path}: column {quoted(gaps[0])} has missing values, or some that cannot be "
            "read as in the training; the model takes numbers without gaps: leave those rows out"
        )
    return frame.to_numpy(dtype=np.float32)


def _numbers(
    columns: Sequence[CsvColumn], features: Sequence[ColumnSchema], path: Path
) -> NDArray[np.float32]:
    """Returns numbers without gaps; names all cells that are none."""
    faults = Faults(path)
    decided = [
        feature.model_copy(update={"missing": int(column.missing.sum())})
        for column, feature in zip(columns, features, strict=True)
    ]
    values = checked_numbers(columns, decided, faults, training=False)
    faults.raise_if_any()
    return values


def _check_names(table: TextTable, features: Sequence[ColumnSchema]) -> None:
    """Refuses rows that lack a column of the model's."""
    header = [str(name) for name in table.cells.columns]
    names = [feature.name for feature in features]
    missing = [name for name in names if name not in header]
    if not missing:
        return
    cure = ""
    if len(header) == 1 and len(names) > 1 and table.path != _OF_A_FRAME:
        cure = "; what separates columns is declared with --sep"
    elif table.dialect.encoding and not "".join(header).isascii():
        cure = f"; if it is not text in {table.dialect.encoding}, declare --encoding"
    spare = [name for name in header if name not in names]
    raise DataError(
        f"{table.path} {'lack' if table.path == _OF_A_FRAME else 'lacks'} "
        f"{count(len(missing), 'column')} that the model takes: "
        f"{', '.join(map(quoted, missing))}; {hint(missing[0], spare, 'other columns')}{cure}"
    )
