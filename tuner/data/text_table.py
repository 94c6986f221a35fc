"""A table whose cells are as they are written, with the lines of a file in which they stand."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from tuner.data.csv_rows import LINE_BREAK
from tuner.spec import Dialect
from tuner.wording import toml

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True, eq=False)
class TextTable:
    """A table as it is written.

    Attributes:
        path: Where it was read.
        cells: Text, a column per name; rows without any text are left out. Of a source with types
            of its own, such as Parquet, columns of other dtypes, too.
        begins: Line number of the row whose index is 0.
        dialect: How it is written, as far as that was declared.
        by_options: Whether the dialect is declared by options of a command; else by the keys of
            a study's dataset.
        found: The dialect with the separator and the encoding that it was read with.
        notes: What was found out, or changed, for people: a sentence without a full stop each.
        rows_in_file: Number of rows that the file has, if these are a sample of them.
        row_word: "line" of a file of lines, in whose cells there may be line breaks; else "row".
        lines_counted: Whether the index of ``cells`` counts line breaks inside of earlier rows.
    """

    path: Path
    cells: pd.DataFrame
    begins: int
    dialect: Dialect = field(default_factory=Dialect)
    by_options: bool = False
    found: Dialect = field(default_factory=Dialect)
    notes: tuple[str, ...] = ()
    rows_in_file: int | None = None
    row_word: str = "line"
    lines_counted: bool = False

    def line(self, row: int, column: str | None = None) -> int:
        """Returns the line of the file, from 1, in which a row or one of its cells begins.

        Args:
            row: Position in ``cells``, from 0.
            column: Name of the cell's column; the row's first if None.
        """
        left = 0 if column is None else self.cells.columns.get_loc(column)
        inside = self._breaks[row, :left].sum()
        if not self.lines_counted:
            inside += self._breaks[:row].sum()
        return self.begins + int(self.cells.index[row]) + int(inside)

    def setting(self, **settings: str) -> str:
        """Returns how a user declares parts of the dialect: by options, or as keys of a file."""
        if self.by_options:
            return " ".join(f'--{key} "{value}"' for key, value in settings.items())
        return ", ".join(f"{key} = {toml(value)}" for key, value in settings.items())

    @cached_property
    def _breaks(self) -> NDArray[np.intp]:
        """Line breaks inside each cell, ``(rows, columns)``."""
        if self.row_word != "line":
            return np.zeros(self.cells.shape, dtype=np.intp)
        return breaks_in(self.cells)


def breaks_in(cells: pd.DataFrame) -> NDArray[np.intp]:
    """Returns the number of line breaks inside each cell, ``(rows, columns)``."""
    counts = np.zeros(cells.shape, dtype=np.intp)
    for position in range(cells.shape[1]):
        column = cells.iloc[:, position]
        if column.str.contains("[\r\n]").any():
            counts[:, position] = column.str.count(LINE_BREAK.pattern)
    return counts
