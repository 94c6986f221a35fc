"""Decides what the target of a CSV file is: classes, named by their cells, or a quantity."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import TYPE_CHECKING, Literal

import numpy as np

from tuner.data.csv_cells import MISSING, is_number_like, mark
from tuner.data.csv_column import CsvColumn
from tuner.data.csv_numbers import marks_words
from tuner.data.faults import Faults
from tuner.data.targets import MOST_CLASSES, Target, class_target, quantity
from tuner.units import count
from tuner.wording import excerpt, quoted, toml

if TYPE_CHECKING:
    import pandas as pd

    from tuner.data.csv_cells import Notation

CsvTask = Literal["classification", "regression"]
_MANY = 1000  # different texts; with more, the numbers are more than a few, however written
_CURE = 'correct it, leave the row out, or, if these are classes: task = "classification"'
_WITH_UNIT = r"^(\D*?)\s*([+-]?\d(?:.*\d)?)\s*(\D*)$"
_CODE = re.compile(r"[+-]?0\d+")  # 007 is no number: the zeros mean something


def csv_target(column: CsvColumn, task: CsvTask | None, faults: Faults) -> Target | None:
    """Reads the column to predict and collects what is wrong with it.

    Without a task, text, at most `MOST_CLASSES` different whole numbers and any two different
    numbers are classes; other numbers are a quantity. Rows without a target are left out.

    Args:
        column: The column.
        task: What the study file says that it holds.
        faults: Takes the faults.

    Returns:
        The targets of the rows that have one; None if there are faults.
    """
    before = len(faults.found)
    if column.missing.all():
        faults.add(_missing_fault(column))
        return None
    present = column.cells[~column.missing]
    notation = column.numerals.notation
    if task is None:
        task = _task(column, notation, faults)
    if task == "regression":
        faults.add(column.notation_fault())
        faults.add(column.cell_fault(_CURE))
    if len(faults.found) > before or task is None:
        return None
    if task == "classification":
        target = classes(present, notation)
    else:
        numbers = column.numbers[~column.missing]
        target = Target("regression", quantity(numbers.astype(np.float64)))
    if len(np.unique(target.y)) == 1:
        value = excerpt(str(present.iat[0]))
        rows = "every row that has a value" if column.missing.any() else "every row"
        faults.add(
            f"column {quoted(column.name)} is {value} in {rows}: with a constant target there "
            "is nothing to learn"
        )
    return target if len(faults.found) == before else None


def classes(cells: pd.Series[str], notation: Notation) -> Target:
    """Returns the classes that cells name, each by its text.

    Numbers are sorted as numbers, and equal ones (1 and 1.0) are one class with the shortest of
    its texts, unless a leading zero says that they are codes. Texts are sorted as texts.
    """
    names, of_spelling = _classes(cells, notation)
    return class_target(cells.map(of_spelling).to_numpy(np.int64), tuple(names))


def _classes(cells: pd.Series[str], notation: Notation) -> tuple[list[str], dict[str, int]]:
    """Returns the classes' names in order, and the number of the class of each text."""
    spellings = sorted(cells.unique().tolist(), key=lambda text: (len(text), text))
    plain = {text: notation.plain(text) for text in spellings}
    if None in plain.values():
        names = sorted(spellings)
        return names, {name: number for number, name in enumerate(names)}
    values = {text: Decimal(number) for text, number in plain.items() if number is not None}
    if any(_CODE.match(number) for number in plain.values() if number is not None):
        names = sorted(spellings, key=lambda text: (values[text], text))
        return names, {name: number for number, name in enumerate(names)}
    shortest: dict[Decimal, str] = {}
    for text in spellings:
        shortest.setdefault(values[text], text)
    numbers = {value: number for number, value in enumerate(sorted(shortest))}
    return [shortest[value] for value in numbers], {t: numbers[v] for t, v in values.items()}


def _task(column: CsvColumn, notation: Notation, faults: Faults) -> CsvTask | None:
    """Returns what the cells hold; None if the user must declare it."""
    odd = column.odd[~column.missing]
    numeric = column.cells[~column.missing & ~column.odd]
    if odd.any():
        if np.isinf(column.numbers).any() and not np.isnan(column.numbers[~column.missing]).any():
            faults.add(column.cell_fault(_CURE))
            return None
        if fault := column.notation_fault():
            faults.add(f'{fault.text}; if these are classes: task = "classification"')
            return None
        if odd.mean() < 0.5 and _is_quantity(numeric, notation):
            faults.add(column.cell_fault(f"most others are; {_CURE}"))
            return None
        if word := _one_word(column):
            faults.add(
                f"{column.where(int(column.odd.argmax()))}: {quoted(word)} is not a number, but "
                f"all others are; if it marks a missing value: missing = [{toml(word)}]; if it is "
                f"a class: not_missing = [{toml(word)}]"
            )
            return None
        if (unit := _unit_fault(column)) is not None:
            faults.add(unit)
            return None
        return "classification"
    return "regression" if _is_quantity(numeric, notation) else "classification"


def _one_word(column: CsvColumn) -> str | None:
    """Returns the only text in a column of numbers, unless it was declared to be a value.

    A text with digits (``3+``) is no such word: it continues the numbers.
    """
    words = column.cells[column.odd].unique().tolist()
    share = column.odd[~column.missing].mean()
    if not (share < 0.5 and len({word.casefold() for word in words}) == 1):
        return None
    kept = {mark(text) for text in column.table.dialect.not_missing or ()}
    word = str(words[0])
    return None if mark(word) in kept or any(sign.isdigit() for sign in word) else word


def _unit_fault(column: CsvColumn) -> str | None:
    """Returns the text for a quantity whose cells name its unit: ``5 kg``, ``USD 5``, ``5k``.

    All cells must be a number with the same text before and behind it. At most `MOST_CLASSES` of
    them are classes, as are whole numbers behind a text (``subject 31``).
    """
    cells = column.cells[~column.missing].drop_duplicates()
    if len(cells) <= MOST_CLASSES:
        return None
    parts = cells.str.extract(_WITH_UNIT)
    if parts.isna().any(axis=None) or len(parts[[0, 2]].drop_duplicates()) > 1:
        return None
    numbers = parts[1]
    are_labels = parts[0].iat[0] and numbers.str.isdigit().all()
    if are_labels or not numbers.map(is_number_like).all():
        return None
    row = int(np.flatnonzero(~column.missing)[0])
    return (
        f"{column.where(row)}: {quoted(column.cell(row))} is a number with a unit, as are all "
        'others; write the numbers alone, or, if these are classes: task = "classification"'
    )


def _is_quantity(cells: pd.Series[str], notation: Notation) -> bool:
    """Returns whether numbers, as they are written, are a quantity and no classes."""
    spellings = cells.unique()
    if len(spellings) > _MANY:
        return True
    names, _ = _classes(cells, notation)
    if len(names) == 2:
        return False
    whole = all((notation.plain(text) or "").lstrip("+-").isdigit() for text in spellings)
    return not whole or len(names) > MOST_CLASSES


def left_out_note(column: CsvColumn) -> str | None:
    """Returns how many rows are left out as they have no target; None if all have one."""
    missing = int(column.missing.sum())
    if not missing:
        return None
    rows = count(missing, "row")
    return f"{rows} without a value of {quoted(column.name)} left out{_marks(column)}"


def _missing_fault(column: CsvColumn) -> str:
    return f"column {quoted(column.name)} has no values: there is nothing to learn{_marks(column)}"


def _marks(column: CsvColumn) -> str:
    """Returns which texts count as missing, and what to do if they are classes."""
    marks = ", ".join(toml(text) for text in column.marks() if mark(text) in MISSING)
    cure = f"; if it is a class: not_missing = [{marks}]" if marks else ""
    return f"{marks_words(column)}{cure}"
