"""What a cell of a CSV file means: a number in some notation, a mark for a missing value, a text.

The same rules hold for every column, features and target. A number is a sign, digits (of any
script), at most one decimal sign, groups of digits if the dialect has a sign for thousands, and an
exponent. A typographic minus is a minus, a typographic apostrophe an apostrophe, and a no-break
space a space.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    import pandas as pd

    from tuner.spec import Dialect

# What programs write for "no value": pandas, R, SAS, spreadsheets, databases, the UCI repository.
# Compared without blanks and without regard to case.
MISSING = frozenset(
    {"", "na", "n/a", "n.a.", "n.a", "<na>", "#na", "#n/a", "#n/an/a", "nan", "+nan", "-nan", "nat"}
    | {"null", "(null)", "<null>", "none", "nil", "\\n", "?", ".", "-", "--", "---", "–", "—", "−"}
    | {"1.#ind", "-1.#ind", "1.#qnan", "-1.#qnan"}
    | {"#null!", "#div/0!", "#value!", "#ref!", "#name?", "#num!"}
    | {"missing", "(missing)", "<missing>", "k.a.", "결측", "결측치"}
)
_LONGEST = 40  # characters; a longer cell is no mark, whatever blanks are in it
_MINUS = {ord(sign): "-" for sign in "−–‒﹣－"}
_GROUPED = {",": ",", ".": r"\.", "'": "['’]", " ": "[ \u00a0\u2009\u202f]"}
_SIGNS = "+-−–"
_WHOLE_PRICE = re.compile(r"(?<=\d)[.,][-−–—]{1,2}(?=\D*$)")
_UNITS = "%‰$¢£¤¥֏؋৲৳฿﷼﹩＄￠￡￥￦ \u00a0\u202f" + "".join(map(chr, range(0x20A0, 0x20D0)))


@dataclass(frozen=True)
class Notation:
    """How numbers are written.

    Attributes:
        decimal: The decimal sign, a point or a comma.
        thousands: The sign between groups of digits; empty if there is none.
    """

    decimal: str = "."
    thousands: str = ""

    def plain(self, cell: str) -> str | None:
        """Returns a number as Python and pandas write it; None for what is no number here."""
        ascii_text = cell if cell.isascii() else cell.translate(_MINUS)
        if not _pattern(self).fullmatch(ascii_text):
            return None
        if self.thousands:
            ascii_text = re.sub(_GROUPED[self.thousands], "", ascii_text)
        ascii_text = ascii_text.replace(self.decimal, ".")
        if ascii_text.isascii():
            return ascii_text
        return "".join(str(unicodedata.decimal(c)) if c.isdecimal() else c for c in ascii_text)

    def settings(self, than: Notation) -> dict[str, str]:
        """Returns the keys of a dialect that turn the other notation into this one."""
        changed = {} if self.decimal == than.decimal else {"decimal": self.decimal}
        if self.thousands and self.thousands != than.thousands:
            changed["thousands"] = self.thousands
        return changed


# From the simplest on: where several read the same numbers, the first is offered.
NOTATIONS = (
    *(Notation("."), Notation(","), Notation(".", ","), Notation(",", ".")),
    *(Notation(".", "'"), Notation(",", "'"), Notation(".", " "), Notation(",", " ")),
)


@lru_cache
def _pattern(notation: Notation, *, ascii_only: bool = False) -> re.Pattern[str]:
    digit, first = ("[0-9]", "[1-9]") if ascii_only else (r"\d", r"[^\D0]")
    point = re.escape(notation.decimal)
    whole = rf"{digit}+"
    if notation.thousands:  # groups of three; in India the upper ones are of two
        sign = _GROUPED[notation.thousands]
        whole = rf"(?:{first}{digit}{{0,2}}(?:{sign}{digit}{{2,3}})*{sign}{digit}{{3}}|{digit}+)"
    fraction = rf"(?:{whole}(?:{point}{digit}*)?|{point}{digit}+)"
    return re.compile(rf"[+-]?{fraction}(?:[eE][+-]?{digit}{{1,9}})?")


def notation_of(dialect: Dialect) -> Notation:
    """Returns the notation that a dialect declares."""
    return Notation(dialect.decimal or ".", dialect.thousands or "")


def parsed(cells: pd.Series[str], notation: Notation) -> NDArray[np.float64 | np.int64 | np.uint64]:
    """Returns numbers; NaN where a cell is none, infinity where it is too large.

    Whole columns of integers stay integers as far as 64 bits hold them.

    Args:
        cells: Text without blanks around it.
        notation: How the numbers are written.
    """
    import pandas as pd

    if notation == Notation():
        values = pd.to_numeric(cells, errors="coerce").to_numpy()
    else:
        plain = cells.where(cells.str.fullmatch(_pattern(notation, ascii_only=True).pattern), "")
        if notation.thousands:
            plain = plain.str.replace(_GROUPED[notation.thousands], "", regex=True)
        plain = plain.str.replace(notation.decimal, ".", regex=False)
        values = pd.to_numeric(plain, errors="coerce").to_numpy()
    odd = np.flatnonzero(~np.isfinite(values))
    if not len(odd):
        return values
    rest = cells.iloc[odd]
    written = rest.map({cell: notation.plain(cell) for cell in rest.unique()})  # such as −5
    known = written.notna().to_numpy()
    values = values.astype(np.float64)
    values[odd[known]] = pd.to_numeric(written[known], errors="coerce")
    return values


def mark(text: str) -> str:
    """Returns a text in the form in which marks for missing values are compared."""
    return "".join(text.split()).casefold()


def is_mark(cells: pd.Series[str], marks: Collection[str]) -> NDArray[np.bool_]:
    """Returns which cells mark a missing value.

    Args:
        cells: ``(n,)`` text.
        marks: As `missing_marks` returns them.
    """
    short = cells.str.len() <= _LONGEST
    found = [cell for cell in cells[short].unique() if mark(cell) in marks]
    return cells.isin(found).to_numpy(np.bool_)


def missing_marks(dialect: Dialect) -> frozenset[str]:
    """Returns the marks for missing values that a dialect declares, in the form of `mark`."""
    added = {mark(text) for text in dialect.missing or ()}
    return (MISSING | added) - {mark(text) for text in dialect.not_missing or ()}


def bare(cell: str) -> str:
    """Returns a cell without a currency or percent sign, and with the minus sign in front.

    Accounts write negative numbers as ``(100)`` or ``100-``. In prices such as ``5,-`` and ``5.–``
    the dash stands for the digits behind the decimal sign.
    """
    cell = _WHOLE_PRICE.sub("", cell)
    if len(cell) > 2 and ((cell[0] == "(" and cell[-1] == ")") or cell[-1] in "-−"):
        return "-" + cell.strip("()-−").strip(_UNITS)
    sign = cell[:1] if cell[:1] in _SIGNS else ""
    return sign + cell[len(sign) :].strip(_UNITS)


def is_number_like(cell: str) -> bool:
    """Returns whether a cell is a number in any notation, with or without a unit."""
    return any(notation.plain(bare(cell)) is not None for notation in NOTATIONS)


def readings(cells: Sequence[str]) -> list[tuple[Notation, list[float]]]:
    """Returns the notations in which all of the cells are numbers, and those numbers.

    Of notations that read the same numbers only the simplest is returned.
    """
    found: list[tuple[Notation, list[float]]] = []
    for notation in NOTATIONS:
        plain = [notation.plain(cell) for cell in cells]
        values = [float(text) for text in plain if text is not None]
        if len(values) == len(cells) and all(values != others for _, others in found):
            found.append((notation, values))
    return found


def joined(values: Iterable[float]) -> str:
    """Returns numbers as people write them: ``50 or 50000``."""
    return " or ".join(f"{value:.15g}" for value in values)
