"""Reads a CSV file as text with pandas, and refuses in one line what is no table.

Every cell is read as text, so that an error can name a bad cell as it is written.
"""

from __future__ import annotations

import codecs
import gzip
import itertools
import re
import zlib
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import IO, TYPE_CHECKING, cast

import numpy as np
from numpy.typing import NDArray

from tuner.data.csv_cells import NOTATIONS
from tuner.data.csv_rows import LINE_BREAK, find_separator, parse_fault
from tuner.data.faults import Faults
from tuner.errors import DataError
from tuner.spec import Dialect
from tuner.spec.access import require_regular
from tuner.units import count
from tuner.wording import excerpt, hint, quoted, toml

if TYPE_CHECKING:
    import pandas as pd

_EXCEL = re.compile(r'"?sep=(.)"?')  # a first line that declares the separator to Excel
_SAMPLE = 65_536  # bytes by which the file is recognised


@dataclass(frozen=True, eq=False)
class TextTable:
    """A table as it is written.

    Attributes:
        path: Where it was read.
        cells: Text, a column per name; rows without any text are left out.
        begins: Line number of the row whose index is 0.
        dialect: How it is written, as far as that was declared.
        by_options: Whether the dialect is declared by options of a command; else by the keys of
            a study's dataset.
        found: The dialect with the separator and the encoding that it was read with.
    """

    path: Path
    cells: pd.DataFrame
    begins: int
    dialect: Dialect = field(default_factory=Dialect)
    by_options: bool = False
    found: Dialect = field(default_factory=Dialect)

    def line(self, row: int, column: str | None = None) -> int:
        """Returns the line of the file, from 1, in which a row or one of its cells begins.

        Args:
            row: Position in ``cells``, from 0.
            column: Name of the cell's column; the row's first if None.
        """
        left = 0 if column is None else self.cells.columns.get_loc(column)
        inside = self._breaks[:row].sum() + self._breaks[row, :left].sum()
        return self.begins + int(self.cells.index[row]) + int(inside)

    def setting(self, **settings: str) -> str:
        """Returns how a user declares parts of the dialect: by options, or as keys of a file."""
        if self.by_options:
            return " ".join(f'--{key} "{value}"' for key, value in settings.items())
        return ", ".join(f"{key} = {toml(value)}" for key, value in settings.items())

    @cached_property
    def _breaks(self) -> NDArray[np.intp]:
        """Line breaks inside each cell, ``(rows, columns)``."""
        counts = np.zeros(self.cells.shape, dtype=np.intp)
        for position, name in enumerate(self.cells):
            text = "".join(self.cells[name])
            if "\n" in text or "\r" in text:
                counts[:, position] = self.cells[name].str.count(LINE_BREAK.pattern)
        return counts


def read_text(path: Path, dialect: Dialect | None = None, *, by_options: bool = False) -> TextTable:
    """Reads a CSV file; its first line names the columns.

    The separator is found out if the dialect does not name it, a gzip-compressed file is read as
    it is, blank lines are skipped, and so are columns that are empty from the header on. A row that
    is too short ends in empty cells.

    Args:
        path: The file.
        dialect: How it is written; everything has a default.
        by_options: See `TextTable`.

    Raises:
        DataError: The file is missing, no regular file, unreadable, empty, not in the encoding, or
            no table.
    """
    import pandas as pd

    require_regular(path)
    dialect = dialect or Dialect()
    encoding = _encoding(dialect)
    separator = dialect.sep or ","
    try:
        packed, sample, encoding = _sample(path, dialect, encoding)
        blank = len(list(itertools.takewhile(lambda line: not line.strip(), sample)))
        separator = dialect.sep or find_separator(sample[blank:], dialect.decimal)
        if declared := _EXCEL.fullmatch(sample[blank]):
            blank, separator = blank + 1, dialect.sep or declared[1]
        rows = pd.read_csv(
            path,
            sep=r"\s+" if separator == " " else separator,
            header=None,  # else pandas would rename repeated columns
            skiprows=blank,
            dtype=str,
            keep_default_na=False,
            skipinitialspace=True,
            skip_blank_lines=False,  # a row's position gives its line
            encoding=encoding,
            compression="gzip" if packed else None,
        )
    except UnicodeError as exc:
        raise DataError(_not_decoded(path, dialect, exc)) from exc
    except pd.errors.ParserError as exc:
        raise DataError(parse_fault(path, str(exc), separator, encoding)) from exc
    except (EOFError, gzip.BadGzipFile, zlib.error) as exc:
        raise DataError(f"{path} is a broken gzip file ({exc}); get it again") from exc
    except FileNotFoundError as exc:
        raise DataError(_missing(path)) from exc
    except OSError as exc:
        raise DataError(f"{path} cannot be read: {exc.strerror or exc}") from exc
    rows = rows.loc[:, (rows != "").any()]  # a separator that ends all lines makes no column
    if rows.empty:
        raise DataError(f"{path} is empty; the first line must name the columns")
    written = rows.iloc[0].tolist()
    names = [name.strip() for name in written]
    _check_header(path, names)
    cells = rows.iloc[1:].set_axis(names, axis="columns")
    return TextTable(
        path,
        cells[(cells != "").any(axis="columns")],
        begins=blank + 1 + sum(len(LINE_BREAK.findall(name)) for name in written),
        dialect=dialect,
        by_options=by_options,
        found=Dialect.model_validate(
            {key: getattr(dialect, key) for key in Dialect.model_fields}
            | {"sep": separator, "encoding": encoding.removesuffix("-sig")}
        ),
    )


def _encoding(dialect: Dialect) -> str:
    """Returns the codec; that of UTF-8 skips a byte order mark."""
    name = codecs.lookup(dialect.encoding or "utf-8").name
    return "utf-8-sig" if name == "utf-8" else name


def _sample(path: Path, dialect: Dialect, encoding: str) -> tuple[bool, list[str], str]:
    """Returns whether the file is compressed, its first lines and codec; refuses what is no text.

    A byte order mark of UTF-8 counts more than a declared encoding.
    """
    with path.open("rb") as raw:
        packed = raw.read(2) == b"\x1f\x8b"
    with cast("IO[bytes]", gzip.open(path) if packed else path.open("rb")) as file:
        head = file.read(_SAMPLE)
    if head.startswith(b"PK\x03\x04"):
        raise DataError(f"{path} is a zip archive or an Excel workbook; save the sheet as CSV")
    if head.startswith(codecs.BOM_UTF8):
        encoding = "utf-8-sig"
    if dialect.encoding is None:
        if head.startswith((b"\xff\xfe", b"\xfe\xff")):
            raise DataError(
                f"{path} is UTF-16 text; save it again as CSV with the encoding UTF-8, or declare "
                'encoding = "utf-16"'
            )
        if b"\0" in head:
            raise DataError(f"{path} is a binary file, not a CSV file")
    text = head.decode(encoding, errors="ignore")  # pandas is strict later
    if not text.strip():
        raise DataError(f"{path} is empty; the first line must name the columns")
    lines = LINE_BREAK.split(text)
    whole = lines[:-1] if len(head) == _SAMPLE and len(lines) > 1 else lines
    return packed, whole, encoding


def _not_decoded(path: Path, dialect: Dialect, exc: UnicodeError) -> str:
    """Returns the text for bytes that are no text in the encoding."""
    byte = f" (byte {exc.object[exc.start]:#04x})" if isinstance(exc, UnicodeDecodeError) else ""
    if dialect.encoding is not None:
        return f"{path} is not text in the encoding {dialect.encoding}{byte}; declare another one"
    return (
        f"{path} is not UTF-8 text{byte}; save it again as CSV with the encoding UTF-8, or declare "
        'its own, such as encoding = "cp1252"'
    )


def _missing(path: Path) -> str:
    """Returns the text for a file that is not there: the nearest in its folder."""
    folder = path.parent
    if not folder.is_dir():
        return f"there is no file {path}: the folder {folder} does not exist"
    files = sorted(file.name for file in folder.iterdir() if file.is_file())
    return f"there is no file {path}; {hint(path.name, files, 'files in that folder')}"


def first_line_hint(names: Iterable[str]) -> str:
    """Returns what to do if the first line is no header, where some names are numbers."""
    if not any(NOTATIONS[0].plain(name) is not None for name in names):
        return ""
    return "; if the first line is a row of data, put a line of names above it"


def _check_header(path: Path, names: list[str]) -> None:
    """Checks that the first line names the columns, each once."""
    faults = Faults(path)
    if unnamed := [str(number) for number, name in enumerate(names, start=1) if not name]:
        several = len(unnamed) > 1
        faults.add(
            f"column{'s' if several else ''} {', '.join(unnamed)} {'have' if several else 'has'} "
            f"no name in the first line; name {'them' if several else 'it'}, or leave "
            f"{'them' if several else 'it'} out (pandas: index=False; R: row.names=FALSE)"
        )
    repeated = [name for name, times in Counter(names).items() if name and times > 1]
    if repeated:
        faults.add(
            f"there are several columns {', '.join(map(quoted, repeated))}; every column needs "
            f"its own name{first_line_hint(repeated)}"
        )
    if all(NOTATIONS[0].plain(name) is not None for name in names):
        faults.found.clear()
        faults.add(
            "the first line must name the columns, but it holds "
            f"{count(len(names), 'number')} ({', '.join(map(excerpt, names[:3]))} …); put a "
            "line of names above it"
        )
    faults.raise_if_any()
