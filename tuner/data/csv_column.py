"""A column of a CSV file: its kind and values, its cells as written, and their faults."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from tuner.data.csv_cells import (
    bare,
    is_number_like,
    joined,
    mark,
    missing_marks,
    notation_of,
    parsed,
    readings,
)
from tuner.data.csv_file import TextTable
from tuner.data.faults import Fault
from tuner.data.table import Column, Typed, from_texts
from tuner.units import count
from tuner.wording import quoted

if TYPE_CHECKING:
    import pandas as pd

_LARGEST = float(np.finfo(np.float32).max)
_LOOKED_AT = 1000  # cells by which another notation is recognised


@dataclass(frozen=True, eq=False)
class CsvColumn(Column):
    """A typed column that knows how its cells are written, by the rules of `csv_cells`.

    Attributes:
        table: Where it stands.
        cells: ``(n,)`` text without blanks around it.
        numbers: ``(n,)`` numbers, integers where all cells are; NaN where a cell is none, infinity
            where it is beyond float32.
    """

    table: TextTable = field(kw_only=True)
    cells: pd.Series[str] = field(kw_only=True)
    numbers: NDArray[Any] = field(kw_only=True)

    @property
    def odd(self) -> NDArray[np.bool_]:
        """``(n,)`` whether a cell has a value that is no finite number."""
        return np.asarray(~np.isfinite(self.numbers) & ~self.missing)

    def cell(self, row: int) -> str:
        """Returns the text of a cell."""
        return str(self.cells.iat[row])

    def where(self, row: int) -> str:
        """Returns column and line of a cell, as errors name it."""
        return f"line {self.table.line(row, self.name)}, column {quoted(self.name)}"

    @cached_property
    def number_like(self) -> frozenset[str]:
        """The cells that are numbers in any notation, if most cells are."""
        present = self.cells[~self.missing]
        like = frozenset(filter(is_number_like, present.unique()))
        return like if present.isin(like).mean() > 0.5 else frozenset()

    def notation_fault(self) -> Fault | None:
        """Returns the text for a column whose numbers are written in another notation.

        A column is judged by all its cells: most of them must be numbers in some notation, and
        some must not be in the declared one. If they can be read in two ways, both are named.
        """
        odd = np.flatnonzero(np.isnan(self.numbers) & ~self.missing)
        if not len(odd):
            return None
        row = next((row for row in odd.tolist() if self.cell(row) in self.number_like), None)
        if row is None:
            return None
        like = sorted(self.number_like)
        found = readings(like)
        if not found:
            return self._unit_fault(row, like)
        if len(found) > 1:  # a cell by which the readings differ
            apart = next(
                i for i, _ in enumerate(like) if len({values[i] for _, values in found}) > 1
            )
            row = int((self.cells == like[apart]).to_numpy().argmax())
        cell = self.cell(row)
        declared = notation_of(self.table.dialect)
        settings = [self.table.setting(**notation.settings(declared)) for notation, _ in found]
        ways = [
            f"{joined([values[like.index(cell)]])} with {setting}"
            for setting, (_, values) in zip(settings, found, strict=True)
        ]
        what = "the one that is meant" if len(ways) > 1 else "it"
        todo = f"give {what}" if self.table.by_options else f"add {what} to dataset"
        text = f"{self.where(row)}: {quoted(cell)} is {', or '.join(ways)}; {todo}"
        return Fault(text, kind=" ".join(settings))

    def _unit_fault(self, row: int, like: list[str]) -> Fault:
        """Returns the text for numbers with units or brackets, or in several notations."""
        cell = self.cell(row)
        if any(bare(one) != one for one in like):
            numbers = joined(dict.fromkeys(values[0] for _, values in readings([bare(cell)])))
            return Fault(
                f"{self.where(row)}: {quoted(cell)} is not a plain number; write {numbers}, and "
                "all cells of the column in that way",
                kind="unit",
            )
        return Fault(
            f"{self.where(row)}: {quoted(cell)} is written otherwise than other numbers of the "
            "column; write all of them in one way"
        )

    def cell_fault(self, cure: str) -> str | None:
        """Returns the text for single cells that are no numbers, with what to do about them.

        Cells that `notation_fault` names are left out.
        """
        if not self.odd.any():
            return None
        explained = np.isnan(self.numbers) & self.cells.isin(self.number_like).to_numpy()
        odd = np.flatnonzero(self.odd & ~explained)
        if not len(odd):
            return None
        row = int(odd[0])
        cell = self.cell(row)
        more = f" (and {count(len(odd) - 1, 'more cell')} like it)" if len(odd) > 1 else ""
        if np.isinf(self.numbers[row]):
            return (
                f"{self.where(row)}: {quoted(cell)} is beyond what float32 holds ({_LARGEST:.1e})"
                f"{more}; correct it, or leave the row out"
            )
        return f"{self.where(row)}: {quoted(cell)} is not a number{more}; {cure}"

    def marks(self) -> list[str]:
        """Returns the texts that mark missing values here, beside empty cells."""
        return [cell for cell in self.cells[self.missing].unique() if cell]


def read_column(table: TextTable, name: str) -> CsvColumn:
    """Reads a column; `tuner.data.schema` decides whether it can be used.

    It is one of numbers if most of its cells are, in whatever notation.
    """
    cells = table.cells[name].str.strip()
    notation = notation_of(table.dialect)
    numbers = parsed(cells, notation)
    with np.errstate(over="ignore"):
        too_large = np.isinf(numbers.astype(np.float32))
    if too_large.any():
        numbers = np.where(too_large, np.inf, numbers)
    missing = ~np.isfinite(numbers)
    if missing.any():
        marks = missing_marks(table.dialect)
        missing[missing] = [mark(cell) in marks for cell in cells[missing]]
    for text in table.dialect.missing or ():  # -999 marks the cell -999.0, too
        if (plain := notation.plain(text.strip())) is not None:
            missing |= numbers == float(plain)
    typed: Typed = ("number", numbers, "")
    if not _are_numbers(numbers[~missing], cells[~missing]):
        typed = from_texts(cells, missing)
    kind, values, written = typed
    return CsvColumn(
        *(name, kind, values, missing, written), table=table, cells=cells, numbers=numbers
    )


def _are_numbers(numbers: NDArray[Any], cells: pd.Series[str]) -> bool:
    """Returns whether most cells are numbers; those in another notation are seen in the first."""
    if 2 * np.isfinite(numbers).sum() >= len(numbers):
        return True
    return bool(cells.iloc[:_LOOKED_AT].map(is_number_like).mean() > 0.5)
