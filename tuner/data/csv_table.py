"""A person's own table: numeric columns and a target from a CSV file."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from tuner.access import require_regular
from tuner.data.arrays import About, check_row_count, divided
from tuner.data.csv_file import read_text
from tuner.data.csv_numbers import numbers, target_values
from tuner.data.split import texts
from tuner.data.splits import Splits
from tuner.data.targets import MOST_CLASSES
from tuner.data.words import count
from tuner.errors import DataError
from tuner.wording import hint


def load_csv(path: Path, target: str, source: str = "") -> Splits:
    """Loads a table and divides it 60/20/20, stratified by class.

    What is to be learnt follows from the target column (see `tuner.data.targets`): text, at most
    20 distinct whole numbers and any two distinct values are classes, anything else a quantity.
    Every other column is a feature and must be numeric, without empty cells.

    Args:
        path: The CSV file (comma, semicolon or tab; UTF-8; first line names the columns).
        target: Name of the column to predict.
        source: Where the data comes from, for people.

    Raises:
        DataError: The file, a column, a cell or the number of rows is not what it must be.
    """
    table = read_text(path)
    header = list(table.cells.columns)
    if target not in header:
        raise DataError(
            f'{path} has no column "{target}" (the target); {hint(target, header, "columns")}'
        )
    features = [name for name in header if name != target]
    if not features:
        raise DataError(f'{path} has no column beside the target "{target}"')
    check_row_count(len(table.cells), f"{path} (below its header)")
    return divided(
        numbers(table, features),
        target_values(table, target, MOST_CLASSES),
        where=f'{path}, column "{target}"',
        about=About(
            name=path.name.removesuffix(".gz").removesuffix(".csv"),
            feature_names=tuple(features),
            source=source or path.name,
        ),
    )


def rows_from_csv(path: Path, feature_names: Sequence[str]) -> NDArray[np.float32]:
    """Reads raw rows for a prediction.

    Columns are found by name, in any order; other columns are ignored, whatever they hold.

    Returns:
        float32 ``(n, features)``, columns in the order of ``feature_names``.

    Raises:
        DataError: The model takes no table, columns are missing, cells are empty or no numbers,
            or there are no rows.
    """
    if not feature_names:
        raise DataError(f"{path}: this model does not take the rows of a table")
    table = read_text(path)
    header = list(table.cells.columns)
    missing = [name for name in feature_names if name not in header]
    if missing:
        spare = [name for name in header if name not in feature_names]
        named = ", ".join(f'"{name}"' for name in missing)
        raise DataError(
            f"{path} lacks {count(len(missing), 'column')} that the model takes: {named}; "
            f"{hint(missing[0], spare, 'other columns')}"
        )
    if table.cells.empty:
        raise DataError(f"{path} has no rows below its header")
    return numbers(table, feature_names)


def texts_from_file(path: Path, column: str = "text") -> NDArray[np.object_]:
    """Reads raw texts for a prediction: a line each in a .txt file, else a column of a CSV file.

    Returns:
        ``(n,)`` of ``str``.

    Raises:
        DataError: The file cannot be read, lacks the column, or has no texts.
    """
    if path.suffix.lower() != ".txt":
        table = read_text(path)
        if column not in table.cells:
            spare = hint(column, list(table.cells.columns), "columns")
            raise DataError(f'{path} lacks the column "{column}" that the model takes; {spare}')
        lines = table.cells[column].tolist()
    else:
        require_regular(path)
        try:
            lines = [line for line in path.read_text("utf-8-sig").splitlines() if line.strip()]
        except FileNotFoundError as exc:
            raise DataError(f"there is no file {path}") from exc
        except (OSError, UnicodeDecodeError) as exc:
            raise DataError(f"{path} cannot be read as UTF-8 text ({exc})") from exc
    if not lines:
        raise DataError(f"{path} has no texts")
    return texts(lines, str(path))
