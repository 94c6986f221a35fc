"""Demands numbers of the columns of a CSV file, and names all cells that are none."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from tuner.data.csv_column import CsvColumn
from tuner.data.faults import Faults
from tuner.data.precision import blurred, remedy
from tuner.data.schema import ColumnSchema
from tuner.units import count
from tuner.wording import quoted, toml

_MOST_COLUMNS = 3  # columns that one fault describes
_EXACT = 2.0**24  # whole numbers up to here are exact in float32


def checked_numbers(
    columns: Sequence[CsvColumn],
    decided: Sequence[ColumnSchema],
    faults: Faults,
    *,
    training: bool = True,
) -> NDArray[np.float32]:
    """Converts the features among some columns and collects what is wrong with them.

    Args:
        columns: Columns of one table.
        decided: The decision for each of them.
        faults: Takes the faults; if there are any, the result means nothing.
        training: Whether columns may be left out, and must stay distinct in float32; else there
            may be gaps and texts, which are faults.

    Returns:
        float32 ``(rows, features)``.
    """
    features = [
        (column, decision)
        for column, decision in zip(columns, decided, strict=True)
        if decision.treatment == "number"
    ]
    values = np.empty((len(columns[0].numbers) if features else 0, len(features)), np.float32)
    empty = [column for column, decision in features if decision.missing]
    of_text: list[CsvColumn] = []
    for position, (column, decision) in enumerate(features):
        with np.errstate(over="ignore", invalid="ignore"):
            values[:, position] = column.numbers
        if column.odd.any():
            fault = column.notation_fault()
            if not training and fault is None and column.odd.mean() > 0.5:
                of_text.append(column)
                continue
            faults.add(fault)
            cure = number_cure(column.name) if training else "write a number"
            faults.add(column.cell_fault(cure))
        elif training and not decision.missing:
            faults.add(_precision_fault(column))
    if len(of_text) == 1:
        faults.add(of_text[0].cell_fault("write numbers"))
    else:
        faults.add(_text_fault(of_text))
    faults.add(_empty_fault(empty))
    return values


def number_cure(name: str) -> str:
    """Returns what to do about a cell of a column of numbers that is none."""
    return f"correct it, or leave the column out: drop = [{toml(name)}]"


def _precision_fault(column: CsvColumn) -> str | None:
    """Returns the text for a column whose values are equal in float32."""
    values = column.numbers
    if not len(values):
        return None
    large_whole = np.abs(values).max() > _EXACT and (values == np.floor(values)).all()
    lost = blurred(values, column.cells.nunique() if large_whole else None)
    if lost is None:
        return None
    return (
        f"column {quoted(column.name)}: {lost} in float32, in which models compute; "
        f"{remedy(values)}, or leave it out: drop = [{toml(column.name)}]"
    )


def _text_fault(columns: Sequence[CsvColumn]) -> str | None:
    """Returns the text for columns that hold text."""
    if not columns:
        return None
    shown = [
        f"{quoted(column.name)} ({column.table.row_word} {column.table.line(row, column.name)}: "
        f"{quoted(column.cell(row))})"
        for column in columns[:_MOST_COLUMNS]
        for row in (int(column.odd.argmax()),)
    ]
    return (
        f"{count(len(columns), 'column')} of text, where numbers are needed: {', '.join(shown)}"
        f"{_more(columns)}; write numbers"
    )


def _empty_fault(columns: Sequence[CsvColumn]) -> str | None:
    """Returns the text for columns with empty cells; marks for missing values count as empty."""
    if not columns:
        return None
    shown = [
        f"{count(int(column.missing.sum()), 'empty cell')} in column {quoted(column.name)} "
        f"(first in {column.table.row_word} "
        f"{column.table.line(int(column.missing.argmax()), column.name)}{marks_words(column)})"
        for column in columns[:_MOST_COLUMNS]
    ]
    return f"{', '.join(shown)}{_more(columns)}; fill them in, or leave those rows out"


def marks_words(column: CsvColumn) -> str:
    """Returns which texts were taken for empty cells."""
    marks = column.marks()[:_MOST_COLUMNS]
    if not marks:
        return ""
    verb = "counts" if len(marks) == 1 else "count"
    return f"; {', '.join(map(quoted, marks))} {verb} as empty"


def _more(columns: Sequence[CsvColumn]) -> str:
    more = len(columns) - _MOST_COLUMNS
    return f" and {count(more, 'more column')}" if more > 0 else ""
