"""Reads a person's CSV file row by row and refuses what is not one, naming the line.

The standard library's reader, because its rows keep their line numbers and short rows stay short;
pandas would fill them with NaN.
"""

from __future__ import annotations

import csv
import gzip
import io
import itertools
import zlib
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import IO, cast

from tuner.data.words import count
from tuner.errors import DataError
from tuner.wording import hint

SEPARATORS = {",": "a comma", ";": "a semicolon", "\t": "a tab"}
_SAMPLE = 65_536  # bytes looked at to tell what the file is
_SAMPLE_ROWS = 20  # rows looked at to find the separator


def read_rows(path: Path) -> Iterator[tuple[int, list[str]]]:
    """Yields line number and cells of every row; the header first, checked.

    The separator (comma, semicolon or tab) is found out; a gzip-compressed file is read as it
    is; blank lines are skipped; cells come without surrounding blanks. As many cells as the
    header has.

    Raises:
        DataError: The file is missing, unreadable, empty, no UTF-8 text, or no table.
    """
    try:
        with _open(path) as raw:
            separator = _separator(_sample(path, raw))
        with _open(path) as raw, io.TextIOWrapper(raw, "utf-8-sig", newline="") as text:
            yield from _rows(path, text, separator)
    except UnicodeDecodeError as exc:
        raise DataError(
            f"{path} is not UTF-8 text (byte {exc.object[exc.start]:#04x}); save it again as CSV "
            "with the encoding UTF-8"
        ) from exc
    except (EOFError, gzip.BadGzipFile, zlib.error) as exc:
        raise DataError(f"{path} is a broken gzip file ({exc}); get it again") from exc
    except FileNotFoundError as exc:
        raise DataError(_missing(path)) from exc
    except OSError as exc:
        raise DataError(f"{path} cannot be read: {exc.strerror or exc}") from exc


def _open(path: Path) -> IO[bytes]:
    """Opens the file for reading, decompressing when its first bytes say gzip."""
    with path.open("rb") as raw:
        packed = raw.read(2) == b"\x1f\x8b"
    return cast("IO[bytes]", gzip.open(path)) if packed else path.open("rb")


def _missing(path: Path) -> str:
    """Text for a file that is not there: the nearest in its folder."""
    folder = path.parent
    if not folder.is_dir():
        return f"there is no file {path}: the folder {folder} does not exist"
    files = sorted(file.name for file in folder.iterdir() if file.is_file())
    return f"there is no file {path}; {hint(path.name, files, 'files in that folder')}"


def _sample(path: Path, raw: IO[bytes]) -> str:
    """Returns the first lines of the file as text; refuses what is no text."""
    head = raw.read(_SAMPLE)
    if not head.strip():
        raise DataError(f"{path} is empty; the first line must name the columns")
    if head.startswith(b"PK\x03\x04"):
        raise DataError(f"{path} is a zip archive or an Excel workbook; save the sheet as CSV")
    if head.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise DataError(f"{path} is UTF-16 text; save it again as CSV with the encoding UTF-8")
    if b"\0" in head:
        raise DataError(f"{path} is a binary file, not a CSV file")
    if len(head) == _SAMPLE and b"\n" in head:
        head = head[: head.rindex(b"\n") + 1]  # no half line
    return head.decode("utf-8-sig", errors="ignore")  # strict on the second reading


def _separator(sample: str) -> str:
    """Finds the separator: the one that gives all rows the same number of cells, most of them."""
    best, most = ",", (False, 1)
    for separator in SEPARATORS:
        try:
            reader = csv.reader(io.StringIO(sample), delimiter=separator)
            rows = [row for row in itertools.islice(reader, _SAMPLE_ROWS) if row]
        except csv.Error:
            continue  # told with its line on the real reading
        cells = len(rows[0])
        rank = (cells > 1 and all(len(row) == cells for row in rows), cells)
        if rank > most:
            best, most = separator, rank
    return best


def _rows(path: Path, text: io.TextIOWrapper, separator: str) -> Iterator[tuple[int, list[str]]]:
    """Yields the header and the rows, checked."""
    reader = csv.reader(text, delimiter=separator, strict=True)
    header: list[str] = []
    try:
        for cells in reader:
            if not cells:
                continue
            cells = [cell.strip() for cell in cells]
            if not header:
                _check_header(path, cells)
                header = cells
            elif len(cells) != len(header):
                raise DataError(
                    f"{path}, line {reader.line_num}: {count(len(cells), 'cell')}, but the header "
                    f"has {len(header)} (separated by {SEPARATORS[separator]}); every row needs as "
                    "many"
                )
            yield reader.line_num, cells
    except csv.Error as exc:
        raise DataError(f"{path}, line {reader.line_num}: not a CSV file any more ({exc})") from exc


def _check_header(path: Path, names: list[str]) -> None:
    """Checks that the first line names the columns, each once."""
    if "" in names:
        raise DataError(
            f"{path}: column {names.index('') + 1} has no name in the first line; name it, or "
            "leave it out (pandas: to_csv(…, index=False))"
        )
    repeated = [name for name, times in Counter(names).items() if times > 1]
    if repeated:
        raise DataError(
            f'{path}: there are several columns "{repeated[0]}"; every column needs its own name'
        )
    try:
        numbers = [float(name) for name in names]
    except ValueError:
        return
    raise DataError(
        f"{path}: the first line must name the columns, but it holds "
        f"{count(len(numbers), 'number')} ({', '.join(names[:3])} …); put a line of names above it"
    )
