"""Reads a file of any form that a table comes in: the one entry for everything that reads tables.

CSV in any dialect, plain, gzip-compressed or as the only member of a zip archive. What was found
out is said in notes.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from tuner.data.csv_column import CsvColumn, read_column
from tuner.data.csv_file import TextTable, read_text
from tuner.spec import Dialect
from tuner.spec.models import ColumnKind


class Known(Protocol):
    """How a column was read before: a `tuner.data.table.Column`, or its schema."""

    @property
    def kind(self) -> ColumnKind: ...

    @property
    def notation(self) -> str: ...


@dataclass(frozen=True, eq=False)
class Table:
    """A table as it was read; nothing is refused or left out because of its values.

    Attributes:
        text: The cells as they are written, and the lines in which they stand.
        columns: All columns, in the order of the file, with values.
        notes: What was found out, or changed, for people: a sentence without a full stop each.
        rows_in_file: Number of rows that the file has; more than the table's if it is a sample.
    """

    text: TextTable
    columns: tuple[CsvColumn, ...]
    notes: tuple[str, ...] = ()
    rows_in_file: int = 0

    def __len__(self) -> int:
        """Returns the number of rows."""
        return len(self.text.cells)

    @property
    def path(self) -> Path:
        """The file."""
        return self.text.path

    @property
    def names(self) -> list[str]:
        """Names of the columns."""
        return [column.name for column in self.columns]

    @property
    def found(self) -> Dialect:
        """The dialect with the separator, encoding and notation that were found."""
        return self.text.found


def read_table(
    path: Path,
    dialect: Dialect | None = None,
    *,
    sheet: str | None = None,
    kinds: Mapping[str, ColumnKind] | None = None,
    like: Mapping[str, Known] | None = None,
    target: str | None = None,
    most_rows: int | None = None,
    by_options: bool = False,
) -> Table:
    """Reads a file into typed columns.

    Args:
        path: The file.
        dialect: How it is written, as far as that is declared.
        sheet: A sheet of an Excel or OpenDocument file; the first if None.
        kinds: Column to the kind that the user declares for it.
        like: Column to how it was read for training: it is read in the same way, other columns are
            left out, and a cell that cannot be read so is missing, with a note.
        target: Name of the column to predict, in which words among numbers are never taken for
            marks of missing values.
        most_rows: Rows to keep; of a file with more of them a uniform sample is read, always the
            same, in the order of the file.
        by_options: Whether errors name options of a command; else keys of a study's dataset.

    Raises:
        DataError: The file is missing, unreadable or no table, or a column cannot be of the kind
            that is declared for it.
    """
    text = read_text(path, dialect, by_options=by_options)
    columns = tuple(read_column(text, name) for name in text.cells)
    return Table(text, columns, rows_in_file=len(text.cells))


def iter_tables(
    path: Path,
    dialect: Dialect | None = None,
    *,
    like: Mapping[str, Known],
    rows: int,
    sheet: str | None = None,
) -> Iterator[Table]:
    """Reads a file in chunks of a number of rows, as ``read_table(like=…)`` does, for predictions.

    Columns of ``like`` that the file lacks are lacking in every chunk.
    """
    yield read_table(path, dialect, sheet=sheet, like=like, by_options=True)
