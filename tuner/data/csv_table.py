"""A person's own table: numeric columns and a target from a CSV file."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from tuner.data.arrays import About, row_count_fault, split_up
from tuner.data.counting import count
from tuner.data.csv_file import first_line_hint, read_text
from tuner.data.csv_numbers import checked_numbers, numbers
from tuner.data.csv_rows import LINE_BREAK, likely_separator
from tuner.data.csv_target import CsvTask, csv_target
from tuner.data.faults import Faults
from tuner.data.split import texts
from tuner.data.splits import Splits
from tuner.data.targets import Target, class_size_fault
from tuner.errors import DataError
from tuner.spec import Dialect
from tuner.spec.access import require_regular
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
    x, read, about = read_csv(path, target, source, task=task, drop=drop, dialect=dialect)
    return split_up(x, read.y, read.task, about, read.class_names)


def read_csv(
    path: Path,
    target: str,
    source: str = "",
    *,
    task: CsvTask | None = None,
    drop: Sequence[str] = (),
    dialect: Dialect | None = None,
) -> tuple[NDArray[np.float32], Target, About]:
    """Reads a table.

    Without a ``task``, what is to be learnt follows from the target column: text, at most 20
    distinct whole numbers and any two distinct numbers are classes, anything else is a quantity.
    Every other column is a feature and must be numeric, without empty cells.

    Args:
        path: The CSV file; its first line names the columns.
        target: Name of the column to predict.
        source: Where the data comes from, for people.
        task: What the target holds.
        drop: Names of columns that are no features.
        dialect: How the file is written.

    Returns:
        The features, ``(n, features)``, the target, and what is to be said of them.

    Raises:
        DataError: The file, columns, cells or the number of rows are not what they must be; the
            text names all faults.
    """
    table = read_text(path, dialect)
    header = list(table.cells.columns)
    faults = Faults(path)
    features = _features(header, target, drop, faults)
    rows = row_count_fault(len(table.cells))
    faults.add(rows and f"below the header: {rows}")
    x = checked_numbers(table, features, faults)
    found = csv_target(table, target, task, faults) if target in header and not rows else None
    if found is not None and (small := class_size_fault(found, 'task = "regression"')):
        faults.add(f"column {quoted(target)}: {small}")
    faults.raise_if_any()
    assert found is not None
    about = About(
        name=path.name.removesuffix(".gz").removesuffix(".csv"),
        feature_names=tuple(features),
        source=source or path.name,
    )
    return x, found, about


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


def _features(header: list[str], target: str, drop: Sequence[str], faults: Faults) -> list[str]:
    """Returns the columns that are features; a misspelt target is none."""
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
    return features if len(header) > 1 else []


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
