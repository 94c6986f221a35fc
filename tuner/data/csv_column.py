"""A column of a CSV file: its kind and values, its cells as written, and their faults."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from tuner.data.csv_cells import (
    bare,
    is_mark,
    is_number_like,
    joined,
    missing_marks,
    notation_of,
    readings,
)
from tuner.data.faults import Fault
from tuner.data.numerals import Numerals
from tuner.data.table import Column
from tuner.data.text_table import TextTable
from tuner.units import count
from tuner.wording import quoted

if TYPE_CHECKING:
    import pandas as pd

PLAIN_NUMERALS = Numerals()
_LARGEST = float(np.finfo(np.float32).max)
_LOOKED_AT = 1000  # cells by which another notation is recognised


@dataclass(frozen=True, eq=False)
class CsvColumn(Column):
    """A typed column that knows how its cells are written, by the rules of `csv_cells`.

    Attributes:
        table: Where it stands.
        source: ``(n,)`` text without blanks around it, or the values of a source with types.
        numbers: ``(n,)`` numbers, integers where all cells are; NaN where a cell is none, infinity
            where it is beyond float32.
        numerals: How the numbers are written.
        ambiguous: Whether they can be read in two ways, and the likelier one was taken.
    """

    table: TextTable = field(kw_only=True)
    source: pd.Series[Any] = field(kw_only=True)
    numbers: NDArray[Any] = field(kw_only=True)
    numerals: Numerals = field(default=PLAIN_NUMERALS, kw_only=True)
    ambiguous: bool = field(default=False, kw_only=True)

    @cached_property
    def cells(self) -> pd.Series[str]:
        """``(n,)`` text without blanks around it; empty where a typed value is missing."""
        return as_text(self.source, self.missing)

    @property
    def odd(self) -> NDArray[np.bool_]:
        """``(n,)`` whether a cell has a value that is no finite number."""
        return np.asarray(~np.isfinite(self.numbers) & ~self.missing)

    def cell(self, row: int) -> str:
        """Returns the text of a cell."""
        return str(self.cells.iat[row])

    def where(self, row: int) -> str:
        """Returns column and line of a cell, as errors name it."""
        word, line = self.table.row_word, self.table.line(row, self.name)
        return f"{word} {line}, column {quoted(self.name)}"

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
        return self._fault_of(np.isnan(self.numbers) & ~self.missing)

    def ambiguity_fault(self) -> Fault | None:
        """Returns the text for a column that is ambiguous, with both readings."""
        return self._fault_of(~self.missing) if self.ambiguous else None

    def _fault_of(self, among: NDArray[np.bool_]) -> Fault | None:
        """Returns the text for the first of some cells that is a number, with its readings."""
        rows = np.flatnonzero(among)
        if not len(rows) or not self.number_like:
            return None
        row = next((row for row in rows.tolist() if self.cell(row) in self.number_like), None)
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


def as_text(source: pd.Series[Any], missing: NDArray[np.bool_]) -> pd.Series[str]:
    """Returns values as text: whole numbers without a point, dates as ISO 8601 has them."""
    import pandas as pd

    if isinstance(source.dtype, pd.StringDtype):
        return source
    if source.dtype.kind == "f":
        numbers = source.to_numpy(dtype=np.float64, na_value=np.nan)
        present = numbers[~missing]
        if (
            np.isfinite(present) & (present == np.floor(present)) & (np.abs(present) < 2**53)
        ).all():
            whole = np.where(missing, 0, numbers).astype(np.int64)
            source = pd.Series(whole, index=source.index)
    text = (
        source.astype("object").map(str).astype("str")
        if source.dtype == object
        else source.astype("str")
    )
    return text.mask(missing, "").str.strip()


def finite_in_float32(numbers: NDArray[Any]) -> NDArray[Any]:
    """Returns numbers with infinity for those that are beyond float32."""
    with np.errstate(over="ignore"):
        too_large = np.isinf(numbers.astype(np.float32))
    return np.where(too_large, np.inf, numbers) if too_large.any() else numbers


def missing_cells(
    table: TextTable, cells: pd.Series[str], numbers: NDArray[Any]
) -> NDArray[np.bool_]:
    """Returns which cells mark a missing value: those that are declared, and the usual marks."""
    missing = ~np.isfinite(numbers)
    if missing.any():
        missing[missing] = is_mark(cells[missing], missing_marks(table.dialect))
    notation = notation_of(table.dialect)
    for text in table.dialect.missing or ():  # -999 marks the cell -999.0, too
        if (plain := notation.plain(text.strip())) is not None:
            missing |= numbers == float(plain)
    return np.asarray(missing, dtype=np.bool_)


def are_numbers(numbers: NDArray[Any], cells: pd.Series[str]) -> bool:
    """Returns whether most cells are numbers; those in another notation are seen in the first."""
    if 2 * np.isfinite(numbers).sum() >= len(numbers):
        return True
    return bool(cells.iloc[:_LOOKED_AT].map(is_number_like).mean() > 0.5)
