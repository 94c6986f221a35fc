"""Reads a user's own CSV file: a table to learn from, or rows and texts to predict."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from tuner.data.arrays import About, row_count_fault, split_up
from tuner.data.csv_column import read_column
from tuner.data.csv_file import read_text
from tuner.data.csv_header import first_line_hint
from tuner.data.csv_numbers import checked_numbers, numbers
from tuner.data.csv_rows import LINE_BREAK, likely_separator
from tuner.data.csv_target import CsvTask, csv_target
from tuner.data.faults import Faults
from tuner.data.schema import NUMBERS, Schema, TargetSchema, decide
from tuner.data.split import texts
from tuner.data.splits import Splits
from tuner.data.targets import Target, class_size_fault
from tuner.errors import DataError
from tuner.spec import Dialect
from tuner.spec.access import require_regular
from tuner.units import count
from tuner.wording import hint, nearest, quoted, toml


def load_csv(
    path: Path,
    target: str,
    source: str = "",
    *,
    task: CsvTask | None = None,
    drop: Sequence[str] = (),
    dialect: Dialect | None = None,
) -> Splits:
    """Loads a table and divides it 60/20/20, stratified by class; see :func:`read_csv`."""
    table = read_csv(path, target, task=task, drop=drop, dialect=dialect)
    about = About(
        name=table_name(path),
        feature_names=table.feature_names,
        source=source or path.name,
        schema=table.schema,
    )
    return split_up(table.x, table.target.y, table.target.task, about, table.target.class_names)


def table_name(path: Path) -> str:
    """Returns the name of a table: that of its file without ``.csv`` and ``.gz``."""
    return path.name.removesuffix(".gz").removesuffix(".csv")


@dataclass(frozen=True, eq=False)
class CsvTable:
    """A table that can be learnt from.

    Attributes:
        x: The features, float32 ``(n, features)``.
        target: What is to be predicted.
        schema: What was found in the columns and decided about them.
    """

    x: NDArray[np.float32]
    target: Target
    schema: Schema

    @property
    def feature_names(self) -> tuple[str, ...]:
        """Names of the columns of ``x``."""
        return tuple(c.name for c in self.schema.columns if c.treatment == "number")


def read_csv(
    path: Path,
    target: str,
    *,
    task: CsvTask | None = None,
    drop: Sequence[str] = (),
    dialect: Dialect | None = None,
) -> CsvTable:
    """Reads a table: typed columns, then the schema, then numbers.

    Without a ``task``, what is to be learnt follows from the target column: text, at most 20
    distinct whole numbers and any two distinct numbers are classes, anything else is a quantity.
    Every other column is a feature and must be numeric, without empty cells.

    Args:
        path: The CSV file; its first line names the columns.
        target: Name of the column to predict.
        task: What the target holds.
        drop: Names of columns that are no features.
        dialect: How the file is written.

    Raises:
        DataError: The file, columns, cells or the number of rows are not what they must be; the
            text names all faults.
    """
    text = read_text(path, dialect)
    header = list(text.cells.columns)
    faults = Faults(path)
    unused = _check_names(header, target, drop, faults)
    rows = row_count_fault(len(text.cells))
    faults.add(rows and f"below the header: {rows}")
    columns = [read_column(text, name) for name in header]
    decided = decide(columns, takes=NUMBERS, target=target, drop=unused)
    x = checked_numbers(columns, decided, faults)
    found = None
    if target in header and not rows:
        found = csv_target(columns[header.index(target)], task, faults)
    if found is not None and (small := class_size_fault(found, 'task = "regression"')):
        faults.add(f"column {quoted(target)}: {small}")
    faults.raise_if_any()
    assert found is not None
    read_as = TargetSchema(
        column=target, task=found.task, declared=task is not None, class_names=found.class_names
    )
    return CsvTable(x, found, Schema(columns=tuple(decided), target=read_as, dialect=text.found))


def rows_from_csv(
    path: Path, feature_names: Sequence[str], dialect: Dialect | None = None
) -> NDArray[np.float32]:
    """Reads raw rows for a prediction.

    Columns are found by name, in any order; other columns are ignored, whatever they hold.

    Args:
        path: The CSV file.
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
    table = read_text(path, dialect, by_options=True)
    header = list(table.cells.columns)
    missing = [name for name in feature_names if name not in header]
    if missing:
        spare = [name for name in header if name not in feature_names]
        named = ", ".join(map(quoted, missing))
        cure = ""
        if len(header) == 1 and len(feature_names) > 1:
            cure = "; what separates columns is declared with --sep"
        elif table.dialect.encoding and not "".join(header).isascii():
            cure = f"; if it is not text in {table.dialect.encoding}, declare --encoding"
        raise DataError(
            f"{path} lacks {count(len(missing), 'column')} that the model takes: {named}; "
            f"{hint(missing[0], spare, 'other columns')}{cure}"
        )
    if table.cells.empty:
        raise DataError(f"{path} has no rows below its header")
    return numbers(table, feature_names)


def _check_names(header: list[str], target: str, drop: Sequence[str], faults: Faults) -> set[str]:
    """Looks for the columns that are named, and collects what is wrong with the names.

    Returns:
        Columns that are no features and not the target: those to drop, and those whose name was
            probably meant by a misspelt one.
    """
    joined = ""
    if len(header) == 1:
        joined = (
            "; the header is one column: remove a title or comment above it, or, if there are "
            "several columns, declare what separates them: "
            f"sep = {toml(likely_separator(header[0]))}"
        )
    if target not in header:
        known = hint(target, header, "columns")
        faults.add(
            f"no column {quoted(target)} (the target); {known}{joined or first_line_hint(header)}"
        )
    for name in drop:
        if name not in header:
            faults.add(f"no column {quoted(name)} to drop; {hint(name, header, 'columns')}")
    meant = {name if name in header else nearest(name, header) for name in (target, *drop)}
    features = [name for name in header if name not in meant]
    if target in header and not features:
        faults.add(f"no column beside the target {quoted(target)}{joined}")
    if len(header) == 1:
        return {*header} - {target}
    return {name for name in header if name in meant} - {target}


def texts_from_file(
    path: Path, column: str = "text", dialect: Dialect | None = None
) -> NDArray[np.object_]:
    """Reads raw texts for a prediction: a line each in a .txt file, else a column of a CSV file.

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
