"""Finds out how the cells of a file's columns are to be read, from all of them.

Numbers in any usual notation are read. Where the cells of a column can be read in two ways
(``1,234``), the other columns of the file decide; if they do not, the point is the decimal sign,
and the column is ambiguous.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from tuner.data.csv_cells import NOTATIONS, Notation, notation_of, parsed
from tuner.data.csv_column import as_text, missing_cells
from tuner.data.numerals import Numerals, numerals_of
from tuner.data.text_table import TextTable

if TYPE_CHECKING:
    import pandas as pd

_LOOKED_AT = 2_000  # cells by which a column without plain numbers is recognised
_RARE = 0.1  # share of plain numbers among them below which single ones are not read

Reading = tuple[Numerals, NDArray[Any]]  # how numbers are written, and the numbers (n,)
Chosen = tuple[Reading, bool]  # and whether there is another reading, so that it is ambiguous
Choices = dict[str, Chosen]  # by the name of a column; without those that hold no numbers


@dataclass(frozen=True, eq=False)
class Cells:
    """The cells of a column before it is known what they are.

    Attributes:
        table: Where they stand.
        name: The column.
        text: ``(n,)`` without blanks around it.
        numbers: ``(n,)`` as they are in the declared notation; NaN where a cell is none.
        missing: ``(n,)`` whether a cell marks a missing value.
    """

    table: TextTable
    name: str
    text: pd.Series[str]
    numbers: NDArray[Any]
    missing: NDArray[np.bool_]

    @classmethod
    def of(cls, table: TextTable, name: str) -> Cells:
        """Reads a column as it is declared."""
        import pandas as pd

        cells = table.cells[name]
        is_text = isinstance(cells.dtype, pd.StringDtype)
        if not is_text or cells.hasnans:  # of a source with types
            cells = as_text(cells, np.asarray(cells.isna(), dtype=np.bool_)).fillna("")
        text = cells.str.strip()
        notation = notation_of(table.dialect)
        looked_at = text.iloc[:: max(len(text) // _LOOKED_AT, 1)]
        if np.isfinite(parsed(looked_at, notation)).sum() < _RARE * (looked_at != "").sum():
            numbers = np.full(len(text), np.nan)
        else:
            numbers = parsed(text, notation)
        return cls(table, name, text, numbers, missing_cells(table, text, numbers))

    @cached_property
    def different(self) -> pd.Series[str]:
        """Those that are not missing, each once."""
        return self.present.drop_duplicates()

    @cached_property
    def present(self) -> pd.Series[str]:
        """Those that are not missing."""
        return self.text[~self.missing] if self.missing.any() else self.text

    @cached_property
    def readings(self) -> list[Reading]:
        """What reads the most cells as numbers; several if the numbers differ, none if none are."""
        declared = Numerals(notation_of(self.table.dialect))
        present = self.numbers[~self.missing]
        if len(present) and not np.isnan(present).any():
            return [(declared, self.numbers)]
        found = numerals_of(self.present, self.different, _notations(self.table))
        return [(numerals, self.spread(numbers)) for numerals, numbers in found]

    def spread(self, numbers: NDArray[Any]) -> NDArray[Any]:
        """Returns numbers of the present cells as ``(n,)``, NaN where missing."""
        if len(numbers) == len(self.text):
            return numbers
        spread = np.full(len(self.text), np.nan)
        spread[~self.missing] = numbers
        return spread

    @cached_property
    def in_groups(self) -> Reading | None:
        """Plain numbers with the point as the sign between groups, if all can be read so."""
        if not self.present.str.contains(".", regex=False).any():
            return None
        notation = Notation(",", ".")
        numbers = parsed(self.present, notation)
        return None if np.isnan(numbers).any() else (Numerals(notation), self.spread(numbers))


def choose_readings(columns: Sequence[Cells], drop: Collection[str] = ()) -> Choices:
    """Chooses how the numbers of each column are read, by all others but those of ``drop``."""
    chosen = {one.name: (one.readings[0], False) for one in columns if one.readings}
    deciding = [one for one in columns if len(one.readings) == 1 and one.name not in drop]
    doubtful = [one for one in columns if len(one.readings) > 1]
    if not doubtful and all(one.readings[0][0].notation.decimal == "." for one in deciding):
        return chosen
    signs = {one.name: _decimal_sign(one) for one in deciding}
    plain = [one for one in deciding if signs[one.name] == "."]
    has_comma = "," in signs.values()
    has_point = any(one.in_groups is None for one in plain)
    for one in doubtful:
        decimal = "," if has_comma and not has_point else "."
        fitting = [r for r in one.readings if r[0].notation.decimal == decimal]
        is_ambiguous = has_comma == has_point
        chosen[one.name] = (fitting or one.readings)[0], is_ambiguous
    if has_comma and not has_point and _is_open(columns[0].table):
        chosen |= {one.name: (one.in_groups, False) for one in plain if one.in_groups}
    return chosen


def _decimal_sign(column: Cells) -> str:
    """Returns the decimal sign that numbers show; nothing if they show none."""
    notation = column.readings[0][0].notation
    if notation.thousands in (".", ","):
        return notation.decimal
    shows = column.present.str.contains(notation.decimal, regex=False).any()
    return notation.decimal if shows else ""


def _is_open(table: TextTable) -> bool:
    return table.dialect.decimal is None and table.dialect.thousands is None


def _notations(table: TextTable) -> Sequence[Notation]:
    """Returns the notations in which numbers may be written, the declared one first."""
    if _is_open(table):
        return NOTATIONS
    declared = notation_of(table.dialect)
    if table.dialect.thousands is not None:
        return [declared]
    return [one for one in NOTATIONS if one.decimal == declared.decimal]
