"""Reads the columns that say something of rows: their group, their time and their weight."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from tuner.data.csv_column import CsvColumn
from tuner.data.csv_numbers import marks_words
from tuner.data.faults import Faults
from tuner.units import count
from tuner.wording import quoted


def groups(column: CsvColumn, faults: Faults) -> NDArray[np.int64] | None:
    """Returns the number of each row's group, ``(n,)``; None if some row has none: a fault."""
    if _has_gaps(column, "group", faults):
        return None
    return _codes(column.values)


def times(column: CsvColumn, faults: Faults) -> NDArray[np.int64] | None:
    """Returns when each row was, ``(n,)``, by the rank of its date or number.

    None if a row has no time, or if the column holds something else, which is a fault.
    """
    if not (column.kind == "date" or _are_numbers(column)):
        faults.add(
            f"column {quoted(column.name)} is no time: {_first_other(column, 'date')}; time must "
            f"name a column of dates or numbers, and {quoted(column.name)} was read as "
            f"{column.kind}"
        )
        return None
    return None if _has_gaps(column, "time", faults) else _codes(column.values)


def weights(column: CsvColumn, faults: Faults) -> NDArray[np.float32] | None:
    """Returns how much each row counts, ``(n,)``; None if that is not said, which is a fault."""
    name = quoted(column.name)
    if not _are_numbers(column):
        faults.add(
            f"column {name} is no weight: {_first_other(column, 'number')}; weight must name a "
            f"column of numbers, and {name} was read as {column.kind}"
        )
        return None
    if _has_gaps(column, "weight", faults):
        return None
    values = column.numbers.astype(np.float32)
    if (values < 0).any() or not values.any():
        row = int((values < 0).argmax())
        found = f"{column.where(row)} is {column.cell(row)}" if (values < 0).any() else "all are 0"
        faults.add(f"column {name} is no weight: {found}; weights are at least 0, and one above 0")
        return None
    return values


def _codes(values: NDArray[Any]) -> NDArray[np.int64]:
    if values.dtype == np.object_:
        values = values.astype(np.str_)
    return np.unique(values, return_inverse=True)[1].astype(np.int64)


def _are_numbers(column: CsvColumn) -> bool:
    return column.kind == "number" and not column.odd.any()


def _has_gaps(column: CsvColumn, role: str, faults: Faults) -> bool:
    """Returns whether values are missing, which is a fault."""
    missing = int(column.missing.sum())
    if missing:
        row = int(column.missing.argmax())
        at = f"{column.table.row_word} {column.table.line(row, column.name)}"
        faults.add(
            f"{count(missing, 'empty cell')} in column {quoted(column.name)} (first in {at}"
            f"{marks_words(column)}), which is the {role} of each row; fill them in, or leave "
            "those rows out"
        )
    return missing > 0


def _first_other(column: CsvColumn, kind: str) -> str:
    """Returns a cell that is no number, or no date, and where it stands."""
    other = column.odd if column.kind == "number" else ~column.missing
    row = int(other.argmax())
    at = f"{column.table.row_word} {column.table.line(row, column.name)}"
    return f"{quoted(column.cell(row))} in {at} is no {kind}"
