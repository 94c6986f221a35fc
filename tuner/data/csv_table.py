"""A person's own table: numeric columns and a target from a CSV file."""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tuner.data.arrays import About, check_row_count, divided
from tuner.data.csv_file import read_rows
from tuner.data.csv_numbers import NumberColumns
from tuner.data.splits import Splits
from tuner.data.targets import MOST_CLASSES
from tuner.data.words import count
from tuner.errors import DataError
from tuner.wording import hint

_CHUNK = 4096  # rows converted at a time: text takes twenty times the memory of its numbers
_WHOLE = re.compile(r"[+-]?\d+")
_EXACT = 2.0**53  # whole numbers beyond this are not exact in float64
_ABSENT = frozenset({"", "na", "n/a", "nan", "null"})  # a missing target


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
    rows = read_rows(path)
    header = next(rows)[1]
    if target not in header:
        raise DataError(
            f'{path} has no column "{target}" (the target); {hint(target, header, "columns")}'
        )
    features = [name for name in header if name != target]
    if not features:
        raise DataError(f'{path} has no column beside the target "{target}"')
    numbers = NumberColumns(path, features, [header.index(name) for name in features])
    place = header.index(target)
    cells: list[str] = []
    lines: list[int] = []
    while chunk := list(islice(rows, _CHUNK)):
        numbers.take(chunk)
        cells.extend(row[place] for _, row in chunk)
        lines.extend(line for line, _ in chunk)
    check_row_count(len(cells), f"{path} (below its header)")
    x = numbers.finish()
    where = f'{path}, column "{target}"'
    return divided(
        x,
        _target(cells, lines, where),
        where=where,
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
    rows = read_rows(path)
    header = next(rows)[1]
    missing = [name for name in feature_names if name not in header]
    if missing:
        spare = [name for name in header if name not in feature_names]
        named = ", ".join(f'"{name}"' for name in missing)
        raise DataError(
            f"{path} lacks {count(len(missing), 'column')} that the model takes: {named}; "
            f"{hint(missing[0], spare, 'other columns')}"
        )
    numbers = NumberColumns(path, feature_names, [header.index(name) for name in feature_names])
    while chunk := list(islice(rows, _CHUNK)):
        numbers.take(chunk)
    if not len(numbers):
        raise DataError(f"{path} has no rows below its header")
    return numbers.finish()


def _target(cells: list[str], lines: list[int], where: str) -> NDArray[Any]:
    """Turns the target's cells into an array whose dtype says what they are."""
    absent = [line for cell, line in zip(cells, lines, strict=True) if cell.lower() in _ABSENT]
    if absent:
        raise DataError(
            f"{where}: {count(len(absent), 'empty cell')} (first in line {absent[0]}); a row "
            "without a target teaches nothing: leave it out"
        )
    distinct = set(cells)
    odd = {cell for cell in distinct if not _is_number(cell)}
    if odd:
        strange = [(cell, line) for cell, line in zip(cells, lines, strict=True) if cell in odd]
        if len(distinct) > MOST_CLASSES and len(strange) * 2 < len(cells):
            raise DataError(
                f'{where}, line {strange[0][1]}: "{strange[0][0]}" is not a number, but most '
                "others are; correct it, or leave the row out"
            )
        return np.array(cells, dtype=np.str_)
    values = np.array(cells, dtype=np.float64)
    whole = all(_WHOLE.fullmatch(cell) for cell in distinct)
    if whole and len(np.unique(values)) <= MOST_CLASSES and np.abs(values).max() < _EXACT:
        return values.astype(np.int64)
    return values


def _is_number(cell: str) -> bool:
    """True for a finite number."""
    try:
        return bool(np.isfinite(float(cell))) and "_" not in cell
    except ValueError:
        return False
