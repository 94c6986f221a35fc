"""Finds out how a CSV file is written, encoding and separator, and refuses what is no text."""

from __future__ import annotations

import codecs
import itertools
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from tuner.data.csv_rows import LINE_BREAK, find_separator, parse_fault
from tuner.data.file_encoding import guessed_encoding, is_utf8, marked_encoding
from tuner.data.packed import opened
from tuner.data.text_table import breaks_in
from tuner.errors import DataError
from tuner.spec import Dialect

if TYPE_CHECKING:
    import pandas as pd

_EXCEL = re.compile(r'"?sep=(.)"?')  # a first line that declares the separator to Excel
_SAMPLE = 65_536  # bytes by which the file is recognised
_BLOCK = 2**20  # bytes that are decoded at a time
_UTF8 = "utf-8-sig"  # with or without a byte order mark
_OTHER_FORMS = (  # first characters of texts that are no tables, in lower case
    *((start, "a web page") for start in ("<!doctype html", "<html")),
    *(("<?xml", "an XML file"), ("%pdf-", "a PDF document"), ("{\\rtf", "a text document")),
    *((start, "a JSON file") for start in ('{"', "{\n", "[{", "[\n")),
)


@dataclass(frozen=True)
class CsvForm:
    """How a CSV file is written.

    Attributes:
        path: The file.
        encoding: Its codec.
        sep: What separates cells; a space for any number of blanks.
        skipped: Number of lines above the header.
        dialect: The dialect that is declared.
    """

    path: Path
    encoding: str
    sep: str
    skipped: int
    dialect: Dialect

    @property
    def found(self) -> Dialect:
        """The dialect, with separator and encoding."""
        names = {"sep": self.sep, "encoding": self.encoding.removesuffix("-sig")}
        return self.dialect.model_copy(update=names)

    @property
    def notes(self) -> list[str]:
        """What people should know: an encoding other than UTF-8 that is not declared."""
        if self.dialect.encoding is not None or self.encoding == _UTF8:
            return []
        return [f"read as {self.encoding.upper().replace('_', '-')}"]

    def chunks(self, rows: int | None = None) -> Iterator[pd.DataFrame]:
        """Yields the cells as text, the header as the first row, in chunks of a number of rows.

        The index counts lines, but for line breaks in the header and in cells of the same chunk.

        Args:
            rows: Rows of a chunk; everything is one chunk if None.

        Raises:
            DataError: The file cannot be read, is not in the encoding, or rows are broken.
        """
        import pandas as pd

        try:
            with opened(self.path) as file:
                reader = pd.read_csv(
                    file,
                    sep=r"\s+" if self.sep == " " else self.sep,
                    header=None,  # else pandas would rename repeated columns
                    skiprows=self.skipped,
                    dtype=str,
                    keep_default_na=False,
                    skipinitialspace=True,
                    skip_blank_lines=False,  # a row's position gives its line
                    encoding=self.encoding,
                    chunksize=rows,
                )
                if isinstance(reader, pd.DataFrame):
                    yield reader
                    return
                breaks = 0  # in cells of earlier chunks, without the header
                for number, chunk in enumerate(reader):
                    inside = breaks_in(chunk if number else chunk.iloc[1:])
                    yield chunk.set_axis(chunk.index + breaks)
                    breaks += int(inside.sum())
        except UnicodeError as exc:
            raise DataError(_not_decoded(self.path, self.dialect, exc)) from exc
        except pd.errors.ParserError as exc:
            raise DataError(parse_fault(self.path, str(exc), self.sep, self.encoding)) from exc


def csv_form(path: Path, dialect: Dialect) -> CsvForm:
    """Finds out how a CSV file is written, where that is not declared.

    Raises:
        DataError: It is missing, unreadable, empty, or no text.
    """
    with opened(path) as file:
        head = file.read(_SAMPLE)
    encoding = _encoding(path, head, dialect)
    text = head.decode(encoding, errors="ignore")
    if not text.strip():
        raise DataError(f"{path} is empty; the first line must name the columns")
    start = text.lstrip().lower()
    if other := next((name for sign, name in _OTHER_FORMS if start.startswith(sign)), None):
        raise DataError(f"{path} is {other}, not a table; save the table as CSV")
    lines = LINE_BREAK.split(text)
    if len(head) == _SAMPLE and len(lines) > 1:
        del lines[-1]
    skipped = len(list(itertools.takewhile(lambda line: not line.strip(), lines)))
    sep = dialect.sep or find_separator(lines[skipped:], dialect.decimal)
    if declared := _EXCEL.fullmatch(lines[skipped]):
        skipped, sep = skipped + 1, dialect.sep or declared[1]
    return CsvForm(path, encoding, sep, skipped, dialect)


def _encoding(path: Path, head: bytes, dialect: Dialect) -> str:
    """Returns the codec; a byte order mark of UTF-8 counts more than a declared encoding."""
    if head.startswith(codecs.BOM_UTF8):
        return _UTF8
    if dialect.encoding is not None:
        name = codecs.lookup(dialect.encoding).name
        return _UTF8 if name == "utf-8" else name
    if (marked := marked_encoding(head)) is not None:
        return marked
    if b"\0" in head:
        raise DataError(f"{path} is a binary file, not a CSV file")
    with opened(path) as file:
        if is_utf8(iter(lambda: file.read(_BLOCK), b"")):
            return _UTF8
    with opened(path) as file:
        return guessed_encoding(file)


def _not_decoded(path: Path, dialect: Dialect, exc: UnicodeError) -> str:
    """Returns the text for bytes that are no text in the encoding."""
    byte = f" (byte {exc.object[exc.start]:#04x})" if isinstance(exc, UnicodeDecodeError) else ""
    if dialect.encoding is not None:
        return f"{path} is not text in the encoding {dialect.encoding}{byte}; declare another one"
    return (
        f"{path} is not UTF-8 text{byte}; save it again as CSV with the encoding UTF-8, or declare "
        'its own, such as encoding = "cp1252"'
    )
