"""Opens a person's CSV file with pandas and says in one line what is wrong with it.

pandas reads every cell as text here, so that the conversion can name a bad cell as it is written.
"""

from __future__ import annotations

import csv
import gzip
import itertools
import re
import zlib
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING, cast

from tuner.access import require_regular
from tuner.data.words import count
from tuner.errors import DataError
from tuner.wording import hint

if TYPE_CHECKING:
    import pandas as pd

SEPARATORS = {",": "a comma", ";": "a semicolon", "\t": "a tab"}
_SAMPLE = 65_536  # bytes looked at to tell what the file is
_SAMPLE_ROWS = 20  # rows looked at to find the separator


@dataclass(frozen=True)
class TextTable:
    """A table as it is written.

    Attributes:
        path: Where it was read.
        cells: Text, a column per name; rows without any text are left out.
        begins: Line number of the row whose index is 0.
    """

    path: Path
    cells: pd.DataFrame
    begins: int

    def line(self, row: int) -> int:
        """Returns the line of the file in which a row begins, from 1; ``row`` counts from 0."""
        above = self.cells.iloc[:row]
        inside = sum(int(above[name].str.count("\n").sum()) for name in above)
        return self.begins + int(self.cells.index[row]) + inside


def read_text(path: Path) -> TextTable:
    """Reads a CSV file; its first line names the columns.

    The separator (comma, semicolon or tab) is found out, a gzip-compressed file is read as it
    is, blank lines are skipped. A row that is too short ends in empty cells.

    Raises:
        DataError: The file is missing, no regular file, unreadable, empty, no UTF-8 text, or no
            table.
    """
    import pandas as pd

    require_regular(path)
    try:
        packed, sample = _sample(path)
        blank = len(list(itertools.takewhile(lambda line: not line.strip(), sample)))
        separator = _separator(sample[blank:])
        rows = pd.read_csv(
            path,
            sep=separator,
            header=None,  # else pandas would rename repeated columns
            skiprows=blank,
            dtype=str,
            keep_default_na=False,
            skipinitialspace=True,
            skip_blank_lines=False,  # a row's place tells its line
            encoding="utf-8-sig",
            compression="gzip" if packed else None,
        )
    except UnicodeDecodeError as exc:
        raise DataError(
            f"{path} is not UTF-8 text (byte {exc.object[exc.start]:#04x}); save it again as CSV "
            "with the encoding UTF-8"
        ) from exc
    except pd.errors.ParserError as exc:
        raise DataError(_no_table(path, str(exc), separator)) from exc
    except (EOFError, gzip.BadGzipFile, zlib.error) as exc:
        raise DataError(f"{path} is a broken gzip file ({exc}); get it again") from exc
    except FileNotFoundError as exc:
        raise DataError(_missing(path)) from exc
    except OSError as exc:
        raise DataError(f"{path} cannot be read: {exc.strerror or exc}") from exc
    names = [name.strip() for name in rows.iloc[0]]
    _check_header(path, names)
    cells = rows.iloc[1:].set_axis(names, axis="columns")
    return TextTable(path, cells[(cells != "").any(axis="columns")], begins=blank + 1)


def _sample(path: Path) -> tuple[bool, list[str]]:
    """Returns whether the file is compressed and its first lines; refuses what is no text."""
    with path.open("rb") as raw:
        packed = raw.read(2) == b"\x1f\x8b"
    with cast("IO[bytes]", gzip.open(path) if packed else path.open("rb")) as file:
        head = file.read(_SAMPLE)
    if head.startswith(b"PK\x03\x04"):
        raise DataError(f"{path} is a zip archive or an Excel workbook; save the sheet as CSV")
    if head.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise DataError(f"{path} is UTF-16 text; save it again as CSV with the encoding UTF-8")
    if b"\0" in head:
        raise DataError(f"{path} is a binary file, not a CSV file")
    text = head.decode("utf-8-sig", errors="ignore")  # pandas is strict later
    if not text.strip():
        raise DataError(f"{path} is empty; the first line must name the columns")
    lines = text.splitlines()
    return packed, lines[:-1] if len(head) == _SAMPLE and len(lines) > 1 else lines


def _separator(lines: list[str]) -> str:
    """Finds the separator: the one that gives all rows the same number of cells, most of them."""
    best, most = ",", (False, 1)
    for separator in SEPARATORS:
        reader = csv.reader(lines, delimiter=separator)
        cells = [len(row) for row in itertools.islice(reader, _SAMPLE_ROWS) if row]
        rank = (cells[0] > 1 and len(set(cells)) == 1, cells[0])
        if rank > most:
            best, most = separator, rank
    return best


def _no_table(path: Path, said: str, separator: str) -> str:
    """Text for rows that pandas cannot read, in place of its own."""
    if found := re.search(r"Expected (\d+) fields in line (\d+), saw (\d+)", said):
        wanted, line, cells = map(int, found.groups())
        return (
            f"{path}, line {line}: {count(cells, 'cell')}, but the header has {wanted} (separated "
            f"by {SEPARATORS[separator]}); no row can have more"
        )
    if found := re.search(r"EOF inside string starting at row (\d+)", said):
        return f'{path}, row {found[1]} below the header: a quote (") is opened and never closed'
    return f"{path} is no CSV file: {' '.join(said.split())}"


def _missing(path: Path) -> str:
    """Text for a file that is not there: the nearest in its folder."""
    folder = path.parent
    if not folder.is_dir():
        return f"there is no file {path}: the folder {folder} does not exist"
    files = sorted(file.name for file in folder.iterdir() if file.is_file())
    return f"there is no file {path}; {hint(path.name, files, 'files in that folder')}"


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
