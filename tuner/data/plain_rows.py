"""Reads rows of numbers, or texts, for models without a schema of their columns."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from tuner.data.csv_file import read_text
from tuner.data.csv_rows import LINE_BREAK
from tuner.data.rows_to_predict import rows_from_table
from tuner.data.schema import ColumnSchema, Schema, TargetSchema
from tuner.data.split import texts
from tuner.errors import DataError
from tuner.spec import Dialect
from tuner.spec.access import require_regular
from tuner.wording import hint, quoted


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
    features = [
        ColumnSchema(name=name, kind="number", treatment="number") for name in feature_names
    ]
    schema = Schema(columns=tuple(features), target=TargetSchema(task="regression"))
    rows: NDArray[np.float32] = rows_from_table(path, schema, dialect or Dialect())
    return rows


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
