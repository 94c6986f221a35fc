"""Reads tables from Excel and OpenDocument workbooks, and from Parquet files.

The cells of a sheet become text, as those of a CSV file are: people write numbers, dates and marks
for missing values as text there, too. The columns of a Parquet file keep their types.
"""

from __future__ import annotations

import datetime as dt
import importlib.util
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from tuner.data.csv_header import column_names
from tuner.data.packed import ZIP, is_workbook, start_of
from tuner.data.text_table import TextTable
from tuner.errors import DataError
from tuner.spec import Dialect
from tuner.units import count
from tuner.wording import hint, quoted

if TYPE_CHECKING:
    import pandas as pd

Form = Literal["csv", "sheet", "parquet"]
_OLD_EXCEL = b"\xd0\xcf\x11\xe0"
_PARQUET = b"PAR1"


def form_of(path: Path) -> Form:
    """Returns what a file is, by its content.

    Raises:
        DataError: It is missing or unreadable.
    """
    start = start_of(path)
    if start == _PARQUET:
        return "parquet"
    if start == _OLD_EXCEL:
        return "sheet"
    if start in ZIP and zipfile.is_zipfile(path):
        with zipfile.ZipFile(path) as archive:
            return "sheet" if is_workbook(archive.namelist()) else "csv"
    return "csv"


def read_sheet(
    path: Path,
    sheet: str | None = None,
    dialect: Dialect | None = None,
    *,
    by_options: bool = False,
    most_rows: int | None = None,
) -> TextTable:
    """Reads a sheet of a workbook, whose first row that is not blank names the columns.

    Args:
        path: The file.
        sheet: Its name; the first one if None.
        dialect: Which texts mark missing values, and how numbers that are text are written.
        by_options: See `TextTable`.
        most_rows: Rows to keep: of a sheet with more of them a uniform sample.

    Raises:
        DataError: The extra for workbooks is missing, the file cannot be read, there is no such
            sheet, or it holds no table.
    """
    import pandas as pd

    if importlib.util.find_spec("python_calamine") is None:
        raise DataError(
            f"{path} is an Excel or OpenDocument workbook, which needs python-calamine; install "
            "the extra: pip install 'tuner[excel]', or save the sheet as CSV"
        )
    from python_calamine import CalamineError, PasswordError

    try:
        with pd.ExcelFile(path, engine="calamine") as book:
            names = [str(name) for name in book.sheet_names]
            if sheet is not None and sheet not in names:
                raise DataError(
                    f"{path} has no sheet {quoted(sheet)}; {hint(sheet, names, 'sheets')}"
                )
            chosen = sheet or names[0]
            values = pd.read_excel(
                book, sheet_name=chosen, header=None, dtype=object, na_filter=False
            )
    except PasswordError as exc:
        raise DataError(f"{path} is protected by a password; save it without one") from exc
    except (CalamineError, ValueError) as exc:
        raise DataError(f"{path} cannot be read as a workbook ({exc})") from exc
    cells = values.map(_written).astype("str")
    where = f"sheet {quoted(chosen)} of {path}"
    rows = cells[(cells != "").any(axis="columns")]
    rows = rows.loc[:, (rows != "").any()]
    if rows.empty:
        raise DataError(f"{where} is empty; the first row must name the columns")
    header, notes = column_names(path, rows.iloc[0].tolist(), [int(n) for n in rows.columns])
    if len(names) > 1:
        notes.insert(0, f"read the sheet {quoted(chosen)} of {count(len(names), 'sheet')}")
    rows = rows.iloc[1:].set_axis(header, axis="columns")
    seen = len(rows)
    if most_rows is not None and seen > most_rows:
        rows = rows.iloc[_drawn(seen, most_rows)]
    return TextTable(
        path,
        rows,
        begins=1,
        dialect=dialect or Dialect(),
        by_options=by_options,
        found=dialect or Dialect(),
        notes=tuple(notes),
        rows_in_file=seen,
        row_word="row",
    )


def _drawn(rows: int, most_rows: int) -> Any:
    """Returns the positions of a uniform sample, in order."""
    return np.sort(np.random.default_rng(0).choice(rows, most_rows, replace=False))


def _written(value: Any) -> str:
    """Returns a cell of a sheet as a person would write it."""
    if isinstance(value, float):
        return "" if np.isnan(value) else repr(int(value) if value.is_integer() else value)
    if isinstance(value, dt.datetime) and value.time() == dt.time():
        return value.date().isoformat()
    return "" if value is None else str(value)


def read_parquet(
    path: Path,
    dialect: Dialect | None = None,
    *,
    by_options: bool = False,
    most_rows: int | None = None,
) -> TextTable:
    """Reads a Parquet file; of one with more than ``most_rows`` rows a uniform sample.

    Raises:
        DataError: It is broken, or has no columns.
    """
    import pandas as pd

    chunks: list[pd.DataFrame] = []
    seen = 0
    wanted: Any = None
    for batch, rows in _batches(path):
        if wanted is None and most_rows is not None and rows > most_rows:
            wanted = _drawn(rows, most_rows)
        batch.index = pd.RangeIndex(seen, seen + len(batch))
        seen += len(batch)
        chunks.append(batch if wanted is None else batch.loc[batch.index.isin(wanted)])
    frame = pd.concat(chunks) if len(chunks) > 1 else chunks[0]
    in_file = seen if wanted is not None else None
    return frame_table(frame, path, dialect, by_options=by_options, rows_in_file=in_file)


def iter_parquet(path: Path, dialect: Dialect | None = None, *, rows: int) -> Iterator[TextTable]:
    """Reads a Parquet file in chunks of at most a number of rows."""
    import pandas as pd

    seen = 0
    for batch, _ in _batches(path, rows):
        batch.index = pd.RangeIndex(seen, seen + len(batch))
        seen += len(batch)
        yield frame_table(batch, path, dialect, by_options=True)


def frame_table(
    frame: pd.DataFrame,
    path: Path,
    dialect: Dialect | None = None,
    *,
    by_options: bool = False,
    rows_in_file: int | None = None,
) -> TextTable:
    """Returns a frame, whose dtypes say what its columns are, as a table.

    Args:
        frame: With any index that counts rows from 0.
        path: Where it comes from, for errors.
        dialect: How columns of text are written.
        by_options: See `TextTable`.
        rows_in_file: See `TextTable`.

    Raises:
        DataError: It has no columns.
    """
    if not len(frame.columns):
        raise DataError(f"{path} has no columns")
    written = [str(name) for name in frame.columns]
    names, notes = column_names(path, written, range(len(written)), numbers=True)
    return TextTable(
        path,
        frame.set_axis(names, axis="columns"),
        begins=1,
        dialect=dialect or Dialect(),
        by_options=by_options,
        found=dialect or Dialect(),
        notes=tuple(notes),
        rows_in_file=rows_in_file,
        row_word="row",
    )


def parquet_shape(path: Path) -> tuple[int, int]:
    """Returns the number of rows and of columns of a Parquet file."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        metadata = pq.read_metadata(path)
    except (pa.ArrowException, OSError) as exc:
        raise DataError(_broken(path, exc)) from exc
    return metadata.num_rows, metadata.num_columns


def _broken(path: Path, exc: Exception) -> str:
    return f"{path} cannot be read as a Parquet file ({exc}); get it again"


def _batches(path: Path, rows: int = 65_536) -> Iterator[tuple[pd.DataFrame, int]]:
    """Yields frames of a Parquet file, each with the number of rows of the file; at least one."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        with pq.ParquetFile(path) as file:
            total = file.metadata.num_rows
            empty = file.schema_arrow.empty_table()
            for batch in file.iter_batches(batch_size=rows) if total else [empty]:
                frame = batch.to_pandas()
                if frame.index.name is not None or frame.index.nlevels > 1:
                    frame = frame.reset_index()  # pandas stores an index as columns
                yield frame, total
    except (pa.ArrowException, OSError) as exc:
        raise DataError(_broken(path, exc)) from exc
