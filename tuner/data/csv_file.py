"""Reads a CSV file as text with pandas, and refuses in one line what is no table.

Every cell is read as text, so that an error can name a bad cell as it is written.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from tuner.data.csv_form import CsvForm, csv_form
from tuner.data.csv_header import column_names
from tuner.data.csv_rows import LINE_BREAK
from tuner.data.text_table import TextTable, breaks_in
from tuner.errors import DataError
from tuner.spec import Dialect
from tuner.spec.access import require_regular

if TYPE_CHECKING:
    import pandas as pd

_CHUNK = 50_000  # rows read at a time where not all are kept


def read_text(
    path: Path,
    dialect: Dialect | None = None,
    *,
    by_options: bool = False,
    most_rows: int | None = None,
) -> TextTable:
    """Reads a CSV file; its first line names the columns.

    Encoding and separator are found out if the dialect does not name them, a file compressed with
    gzip or zip is read as it is, blank lines are skipped, and so are columns that are empty from
    the header on. A row that is too short ends in empty cells. A column without a name gets one,
    and so does one with the name of another.

    Args:
        path: The file.
        dialect: How it is written; everything has a default.
        by_options: See `TextTable`.
        most_rows: Rows to keep: of a file with more of them a uniform sample is read, always the
            same.

    Raises:
        DataError: The file is missing, no regular file, unreadable, empty, not in the encoding, or
            no table.
    """
    require_regular(path)
    form = csv_form(path, dialect or Dialect())
    if most_rows is None:
        (rows,) = form.chunks()
        return _table(form, rows, by_options)
    rows, seen = _sample(form.chunks(_CHUNK), most_rows)
    return _table(form, rows, by_options, rows_in_file=seen, lines_counted=True)


def iter_text(path: Path, dialect: Dialect | None = None, *, rows: int) -> Iterator[TextTable]:
    """Reads a CSV file as :func:`read_text` does, in chunks of at most a number of rows."""
    import pandas as pd

    require_regular(path)
    form = csv_form(path, dialect or Dialect())
    chunks = form.chunks(rows)
    first = next(chunks)
    header = first.iloc[:1]
    yield _table(form, first, by_options=True)
    for chunk in chunks:
        yield _table(form, pd.concat([header, chunk]), by_options=True)


def _table(
    form: CsvForm,
    rows: pd.DataFrame,
    by_options: bool,
    *,
    rows_in_file: int | None = None,
    lines_counted: bool = False,
) -> TextTable:
    """Returns the table of rows, of which the first is the header."""
    rows = rows.loc[:, (rows != "").any()]  # a separator that ends all lines makes no column
    if rows.empty:
        raise DataError(f"{form.path} is empty; the first line must name the columns")
    written = rows.iloc[0].tolist()
    names, notes = column_names(form.path, written, [int(n) for n in rows.columns])
    cells = rows.iloc[1:].set_axis(names, axis="columns")
    return TextTable(
        form.path,
        cells[(cells != "").any(axis="columns")],
        begins=form.skipped + 1 + sum(len(LINE_BREAK.findall(name)) for name in written),
        dialect=form.dialect,
        by_options=by_options,
        found=form.found,
        notes=(*form.notes, *notes),
        rows_in_file=rows_in_file,
        lines_counted=lines_counted,
    )


def _sample(chunks: Iterator[pd.DataFrame], most_rows: int) -> tuple[pd.DataFrame, int]:
    """Draws rows in one pass: those with the smallest of random numbers.

    Args:
        chunks: The file; the first row is the header.
        most_rows: Rows to keep beside it.

    Returns:
        The header and the sample, in the order of the file, and the number of rows that the file
        has. The index counts line breaks inside of cells, too.
    """
    import pandas as pd

    random = np.random.default_rng(0)
    header: pd.DataFrame | None = None
    kept, keys, seen = pd.DataFrame(), np.empty(0), 0
    for chunk in chunks:
        breaks = breaks_in(chunk).sum(axis=1)
        if header is None:
            header, chunk, breaks = chunk.iloc[:1], chunk.iloc[1:], breaks[1:]
            kept = chunk.iloc[:0]
        chunk = chunk.set_axis(chunk.index + (breaks.cumsum() - breaks))
        chunk = chunk[(chunk != "").any(axis="columns")]
        seen += len(chunk)
        drawn = random.random(len(chunk))
        if len(keys) >= most_rows:  # most rows of a long file go here
            is_low = drawn < keys.max()
            chunk, drawn = chunk[is_low], drawn[is_low]
        kept, keys = pd.concat([kept, chunk]), np.concatenate([keys, drawn])
        if len(keys) > most_rows:
            lowest = np.sort(np.argpartition(keys, most_rows - 1)[:most_rows])
            kept, keys = kept.iloc[lowest], keys[lowest]
    assert header is not None
    return pd.concat([header, kept]), seen
