"""Reads a file of any form that a table comes in: the one entry for everything that reads tables.

CSV in any dialect, plain, compressed with gzip or as the only member of a zip archive; a sheet of
an Excel or OpenDocument workbook; Parquet. What was found out is said in notes.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from tuner.data.columns import read_columns
from tuner.data.csv_column import CsvColumn
from tuner.data.csv_file import iter_text, read_text
from tuner.data.other_files import (
    form_of,
    iter_parquet,
    parquet_shape,
    read_parquet,
    read_sheet,
)
from tuner.data.packed import opened, unpacked_size
from tuner.data.text_table import TextTable
from tuner.data.wanted_columns import KnownColumn
from tuner.errors import DataError
from tuner.spec import Dialect
from tuner.spec.access import require_regular
from tuner.spec.models import ColumnKind
from tuner.wording import quoted

_LOOKED_AT = 2**20  # bytes by which the length of a row is estimated
# Memory for a byte of a CSV file, as measured on texts and on numbers.
_BYTES_A_BYTE, _LEAST_BYTES_A_BYTE = 15, 8
_BYTES_A_CELL = 32  # for a cell of a Parquet file


@dataclass(frozen=True, eq=False)
class Table:
    """A table as it was read; nothing is refused or left out because of its values.

    Attributes:
        text: The cells as they are written, and the lines in which they stand.
        columns: All columns, in the order of the file, with values.
    """

    text: TextTable
    columns: tuple[CsvColumn, ...]

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
    def rows_in_file(self) -> int:
        """Number of rows that the file has; more than the table's if it is a sample."""
        return len(self) if self.text.rows_in_file is None else self.text.rows_in_file

    @property
    def notes(self) -> tuple[str, ...]:
        """What was found out of the file, or changed, for people; columns have notes of their own.

        A sentence without a full stop each.
        """
        if self.rows_in_file == len(self):
            return self.text.notes
        sample = f"a sample of {len(self):,} of the {self.rows_in_file:,} rows is read"
        return (*self.text.notes, sample)

    @property
    def found(self) -> Dialect:
        """The dialect with the separator and the encoding that were found.

        If a column is ambiguous, with the decimal sign and the sign between groups that were taken.
        """
        doubtful = next((column for column in self.columns if column.ambiguous), None)
        if doubtful is None:
            return self.text.found
        notation = doubtful.numerals.notation
        return self.text.found.model_copy(
            update={"decimal": notation.decimal, "thousands": notation.thousands or None}
        )


def read_table(
    path: Path,
    dialect: Dialect | None = None,
    *,
    sheet: str | None = None,
    kinds: Mapping[str, ColumnKind] | None = None,
    like: Mapping[str, KnownColumn] | None = None,
    target: str | None = None,
    drop: Collection[str] = (),
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
        drop: Columns that do not decide how the numbers of others are read.
        most_rows: Rows to keep; of a file with more of them a uniform sample is read, always the
            same, in the order of the file. If None, all but of a file that memory cannot hold.
        by_options: Whether errors name options of a command; else keys of a study's dataset.

    Raises:
        DataError: The file is missing, unreadable or no table, or a column cannot be of the kind
            that is declared for it.
    """
    require_regular(path)
    if most_rows is None:
        most_rows = _most_rows(path)
    match form_of(path):
        case "csv":
            _check_no_sheet(path, sheet)
            text = read_text(path, dialect, by_options=by_options, most_rows=most_rows)
        case "parquet":
            _check_no_sheet(path, sheet)
            text = read_parquet(path, dialect, by_options=by_options, most_rows=most_rows)
        case "sheet":
            text = read_sheet(path, sheet, dialect, by_options=by_options, most_rows=most_rows)
    return table_of(text, kinds=kinds, like=like, target=target, drop=drop)


def table_of(
    text: TextTable,
    *,
    kinds: Mapping[str, ColumnKind] | None = None,
    like: Mapping[str, KnownColumn] | None = None,
    target: str | None = None,
    drop: Collection[str] = (),
) -> Table:
    """Returns cells as typed columns; see :func:`read_table`."""
    return Table(text, tuple(read_columns(text, kinds=kinds, like=like, target=target, drop=drop)))


def iter_tables(
    path: Path,
    dialect: Dialect | None = None,
    *,
    like: Mapping[str, KnownColumn],
    rows: int,
    sheet: str | None = None,
) -> Iterator[Table]:
    """Reads a file in chunks of a number of rows, as ``read_table(like=…)`` does, for predictions.

    Columns of ``like`` that the file lacks are lacking in every chunk.
    """
    require_regular(path)
    match form_of(path):
        case "csv":
            _check_no_sheet(path, sheet)
            chunks = iter_text(path, dialect, rows=rows)
        case "parquet":
            _check_no_sheet(path, sheet)
            chunks = iter_parquet(path, dialect, rows=rows)
        case "sheet":
            whole = read_sheet(path, sheet, dialect, by_options=True)
            starts = range(0, len(whole.cells), rows) or range(1)
            chunks = (replace(whole, cells=whole.cells[n : n + rows]) for n in starts)
    for chunk in chunks:
        yield table_of(chunk, like=like)


def rows_that_fit(path: Path, memory: int) -> int | None:
    """Returns how many rows of a file fit into memory; None if all do, or it is a workbook.

    Args:
        path: The file.
        memory: Bytes that the typed columns may take.

    Raises:
        DataError: The file is missing or unreadable.
    """
    require_regular(path)
    match form_of(path):
        case "sheet":  # has no more than a million rows
            return None
        case "parquet":
            rows, columns = parquet_shape(path)
            fitting = memory // max(columns * _BYTES_A_CELL, 1)
            return None if fitting >= rows else max(fitting, 1)
    size = unpacked_size(path)
    if size * _BYTES_A_BYTE <= memory:
        return None
    with opened(path) as file:
        head = file.read(_LOOKED_AT)
    a_row = len(head) / max(head.count(b"\n"), head.count(b"\r"), 1)
    return max(int(memory / (a_row * _BYTES_A_BYTE)), 1)


def _most_rows(path: Path) -> int | None:
    """Returns the rows to keep of a file that would take more than all memory: those for half."""
    import psutil

    total = psutil.virtual_memory().total
    if rows_that_fit(path, total * _BYTES_A_BYTE // _LEAST_BYTES_A_BYTE) is None:
        return None
    return rows_that_fit(path, total // 2)


def _check_no_sheet(path: Path, sheet: str | None) -> None:
    if sheet is not None:
        raise DataError(
            f"{path} is no workbook, so that it has no sheet {quoted(sheet)}; leave sheet out"
        )
