"""Numeric columns of a text table; a bad cell is named by column, line and what it holds."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any, NoReturn

import numpy as np
from numpy.typing import NDArray

from tuner.data.csv_file import TextTable
from tuner.data.words import count
from tuner.errors import DataError

# What programs write for "no value": pandas, R, spreadsheets, the UCI repository.
MISSING = frozenset({"", "na", "n/a", "nan", "null", "none", "?", "-"})
_LARGEST = float(np.finfo(np.float32).max)
_DECIMAL_COMMA = re.compile(r"[+-]?\d+,\d+")


def numbers(table: TextTable, names: Sequence[str]) -> NDArray[np.float32]:
    """Converts some columns.

    Returns:
        float32 ``(rows, names)``.

    Raises:
        DataError: A cell is no number that float32 can hold (the first such cell is named), or
            cells are empty (one error tells of all of them).
    """
    import pandas as pd

    values = np.empty((len(table.cells), len(names)), dtype=np.float32)
    with np.errstate(over="ignore"):  # becomes infinite, which is found just below
        for place, name in enumerate(names):
            values[:, place] = pd.to_numeric(table.cells[name], errors="coerce")
    bad = ~np.isfinite(values)
    if bad.any():
        _refuse(table, names, bad)
    return values


def _refuse(table: TextTable, names: Sequence[str], bad: NDArray[np.bool_]) -> NoReturn:
    """Raises for the cells that are marked, ``(rows, names)``."""
    missing: dict[str, list[int]] = {}
    for row, place in np.argwhere(bad).tolist():
        cell = str(table.cells[names[place]].iat[row]).strip()
        if cell.lower() not in MISSING:
            raise DataError(_not_a_number(table, row, names[place], cell))
        missing.setdefault(names[place], []).append(row)
    told = [
        f'{count(len(rows), "empty cell")} in column "{name}" (first in line {table.line(rows[0])})'
        for name, rows in list(missing.items())[:3]
    ]
    more = len(missing) - len(told)
    rest = f" and in {count(more, 'more column')}" if more else ""
    raise DataError(
        f"{table.path}: {', '.join(told)}{rest}; fill them in, or leave those rows or columns out"
    )


def _not_a_number(table: TextTable, row: int, name: str, cell: str) -> str:
    """Text for a cell that is no number, and what to do about it."""
    where = f'{table.path}, line {table.line(row)}, column "{name}"'
    if _DECIMAL_COMMA.fullmatch(cell):
        return (
            f'{where}: "{cell}" is not a number; write {cell.replace(",", ".")} with a decimal '
            "point"
        )
    if _is_float(cell):
        return (
            f"{where}: {cell} is beyond what float32 holds ({_LARGEST:.1e}); correct it, or leave "
            "the row out"
        )
    return (
        f'{where}: "{cell}" is not a number; only numeric columns can be used: write numbers, or '
        "leave the column out"
    )


def _is_float(cell: str) -> bool:
    """True for what Python reads as a number; unlike Python, pandas takes no ``1_000``."""
    try:
        float(cell)
    except ValueError:
        return False
    return "_" not in cell


def target_values(table: TextTable, name: str, most_classes: int) -> NDArray[Any]:
    """Converts the column to predict to a dtype that says what it holds.

    Args:
        table: The table.
        name: The column.
        most_classes: Whole numbers with no more distinct values than this are classes.

    Returns:
        ``(rows,)``: int64 for few whole numbers, float64 for other numbers, text for anything
        else.

    Raises:
        DataError: Cells are empty, or a few cells among many numbers are none.
    """
    import pandas as pd

    where = f'{table.path}, column "{name}"'
    cells = table.cells[name].str.strip()
    absent = cells.str.lower().isin({"", "na", "n/a", "nan", "null"}).to_numpy()
    if absent.any():
        raise DataError(
            f"{where}: {count(int(absent.sum()), 'empty cell')} (first in line "
            f"{table.line(int(absent.argmax()))}); a row without a target teaches nothing: leave "
            "it out"
        )
    values = pd.to_numeric(cells, errors="coerce").to_numpy(np.float64)
    odd = ~np.isfinite(values)
    if odd.any():
        row = int(odd.argmax())
        if cells.nunique() > most_classes and odd.mean() < 0.5:
            raise DataError(
                f'{where}, line {table.line(row)}: "{cells.iat[row]}" is not a number, but most '
                "others are; correct it, or leave the row out"
            )
        return cells.to_numpy(dtype=np.str_)
    whole = bool(cells.str.fullmatch(r"[+-]?\d+").all())
    exact = bool((np.abs(values) < 2.0**53).all())  # whole numbers in float64
    few = len(np.unique(values)) <= most_classes
    return values.astype(np.int64) if whole and exact and few else values
