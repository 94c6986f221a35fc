"""The lines of a CSV file: which separator divides them, and where a row breaks.

pandas reads the files. It reports a broken row by its number, not by its line; the line is found
here with Python's `csv`. The separator is found here, too, because neither library does it:
pandas (``sep=None``) splits a column of words at a letter and the header ``weight, kg;height, cm``
at its commas; `csv.Sniffer` finds none where several blanks stand for one, or for one column.
"""

from __future__ import annotations

import csv
import io
import itertools
import re
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path

from tuner.data.packed import opened
from tuner.errors import DataError
from tuner.units import count
from tuner.wording import excerpt, quoted

_BLANKS = re.compile(r"[ \t]+")
LINE_BREAK = re.compile(r"\r\n|\r|\n")
SEPARATORS = {",": "a comma", ";": "a semicolon", "\t": "a tab", "|": "a vertical bar"}
_SAMPLE_ROWS = 20  # rows looked at to find the separator
_MOST_LINES = 5  # lines that an error names


def find_separator(lines: list[str], decimal: str | None) -> str:
    """Finds the separator: the one that gives all rows the same number of cells, most of them.

    The decimal sign, and blanks, are only taken for one where there is no other, and all rows
    agree.

    Args:
        lines: The first lines of the file, from the header on.
        decimal: The decimal sign if it is declared.
    """
    best, most = ",", (False, 1)
    for separator in SEPARATORS:
        cells = _widths(lines, separator)
        rank = (cells[0] > 1 and len(set(cells)) == 1, cells[0])
        if rank > most and separator != decimal:
            best, most = separator, rank
    if most > (False, 1):
        return best
    for separator in (decimal or ",", " "):
        cells = _widths(lines, separator)
        if cells[0] > 1 and len(cells) > 1 and len(set(cells)) == 1:
            return separator
    cells = _widths(lines, " ")  # R writes row names without a name
    if cells[0] > 1 and set(cells[1:]) == {cells[0] + 1}:
        return " "
    return ";" if decimal == "," else ","


def likely_separator(header: str) -> str:
    """Returns what probably separates the names of a header that was read as one column."""
    return next((one for one in (*SEPARATORS, ":", "~", "^", "#") if one in header), ":")


def separator_words(separator: str) -> str:
    """Returns a separator as errors name it."""
    if separator == " ":
        return "blanks"
    return SEPARATORS.get(separator, quoted(separator))


def parse_fault(path: Path, said: str, separator: str, encoding: str) -> str:
    """Returns the text for rows that pandas cannot read, in place of its own.

    Args:
        path: The file.
        said: The text of pandas.
        separator: What separates cells.
        encoding: How the file is read.
    """
    begin, rows = 1, 0
    header: list[str] = []
    wide: list[tuple[int, int]] = []
    surplus = False  # whether a cell without a name holds text
    try:
        for begin, cells in _numbered(path, separator, encoding):
            header = header or cells
            rows += 1
            if len(cells) > len(header):
                wide.append((begin, len(cells)))
                surplus = surplus or any(cells[len(header) :])
    except (csv.Error, DataError):  # a cell or a file without an end
        pass
    if "EOF inside string" in said:
        return f'{path}, line {begin}: a quote (") is opened and never closed'
    if not wide or not said.startswith("Error tokenizing data. C error: Expected"):
        return f"{path} is no CSV file: {excerpt(' '.join(said.split()), 200)}"
    width = len(header)
    if not surplus:
        return (
            f"{path}, line {wide[0][0]}: the row ends with {separator_words(separator)} too many, "
            f"as {count(len(wide) - 1, 'more row does', 'more rows do')}; take it away, or end the "
            "header in the same way"
        )
    usual, alike = Counter(cells for _, cells in wide).most_common(1)[0]
    if alike > 1 and 2 * alike > rows:
        first = excerpt(header[0] if width == 1 else ", ".join(header))
        return (
            f"{path}: the first line must name the columns, but it has {count(width, 'cell')} "
            f"({first}) and {alike} rows have {usual} (separated by "
            f"{separator_words(separator)}); remove titles and comments above the names, and give "
            "a column of row names a name, or leave it out (R: row.names=FALSE)"
        )
    more = ""
    if len(wide) > 1:
        lines = ", ".join(str(line) for line, _ in wide[1 : _MOST_LINES + 1])
        more = (
            f"; {count(len(wide) - 1, 'more row has', 'more rows have')} too many (line {lines}"
            f"{' …' if len(wide) > _MOST_LINES + 1 else ''})"
        )
    line, cells_there = wide[0]
    return (
        f"{path}, line {line}: {count(cells_there, 'cell')}, but the header has {width} (separated "
        f"by {separator_words(separator)}); no row can have more{more}"
    )


def _widths(lines: Iterable[str], separator: str) -> list[int]:
    reader = csv.reader(
        _prepared(lines, separator), delimiter=separator, skipinitialspace=separator != " "
    )
    return [len(row) for row in itertools.islice(reader, _SAMPLE_ROWS) if row] or [1]


def _prepared(lines: Iterable[str], separator: str) -> Iterable[str]:
    """Yields lines for `csv`, in which one blank stands for any number of them."""
    if separator != " ":
        return lines
    return (_BLANKS.sub(" ", f"{line.strip()}\n") for line in lines)


def _numbered(path: Path, separator: str, encoding: str) -> Iterator[tuple[int, list[str]]]:
    """Yields the line in which each row begins, and its cells; blank lines are left out."""
    with (
        opened(path) as raw,
        io.TextIOWrapper(raw, encoding, errors="replace", newline="") as file,
    ):
        lines = _prepared(file, separator)
        reader = csv.reader(lines, delimiter=separator, skipinitialspace=separator != " ")
        begin = 1
        while True:
            try:
                cells = next(reader)
            except StopIteration:
                return
            except csv.Error:
                yield begin, []
                raise
            if len(cells) > 1 or any(cells):
                yield begin, cells
            begin = reader.line_num + 1
