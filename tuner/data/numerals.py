"""How the numbers of a column are written: their notation, and a currency or percent sign.

A column is judged by all its cells. Signs are taken away if all cells have the same: one currency,
with or without its sign in single cells, or percent in every cell. Brackets and a minus behind mean
a negative number only in a column of money.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from tuner.data.csv_cells import NOTATIONS, Notation, parsed

if TYPE_CHECKING:
    import pandas as pd

PERCENT = "%"
PLAIN = Notation()
_MONEY = (
    r"[A-Z]{0,2}[$¢£¤¥֏؋৲৳฿﷼﹩＄￠￡￥￦₠-⃏]|USD|EUR|GBP|CHF|KRW|JPY|CNY|PLN|CZK|HUF|SEK|NOK|DKK|INR"
    r"|zł|Kč|kr\.?|Fr\.|원|円|元"
)
_BLANK = "[ \u00a0\u2009\u202f]*"
_WITH_SIGN = re.compile(
    rf"[(]?[+\-−–]?{_BLANK}(?:(?P<front>{_MONEY}){_BLANK}[+\-−–]?\d.*?|\d.*?{_BLANK}(?P<back>{_MONEY}|[%％]))"
    r"[)]?[-−]?"
)
_LOOKED_AT = 1000  # different cells by which a notation is recognised
_NEARLY_ALL = 0.9  # share of them that a notation must read
_EXAMPLE = re.compile(r"1([.,' ]?)234([.,])5(?: (.+))?")


@dataclass(frozen=True)
class Numerals:
    """How the numbers of a column are written.

    Attributes:
        notation: The signs between digits.
        sign: A currency as it is written, "%", or nothing.
    """

    notation: Notation = PLAIN
    sign: str = ""

    def __str__(self) -> str:
        """Returns an example, ``1.234,5 €``, from which :meth:`parse` reads it back."""
        if self == Numerals():
            return ""
        number = f"1{self.notation.thousands}234{self.notation.decimal}5"
        return f"{number} {self.sign}".rstrip()

    @classmethod
    def parse(cls, example: str) -> Numerals:
        """Reads an example back; an empty text stands for plain numbers."""
        found = _EXAMPLE.fullmatch(example)
        if found is None:
            return cls()
        thousands, decimal, sign = found.groups("")
        return cls(Notation(decimal, thousands), sign)

    def read(self, cells: pd.Series[str]) -> NDArray[Any]:
        """Returns numbers; NaN where a cell is none, infinity where it is too large."""
        return parsed(_without_sign(cells, self.sign), self.notation)


def numerals_of(
    cells: pd.Series[str], notations: Sequence[Notation] = NOTATIONS
) -> list[tuple[Numerals, NDArray[Any]]]:
    """Finds how numbers are written.

    Args:
        cells: ``(n,)`` text without blanks around it, none of them missing.
        notations: Those that are considered, from the simplest on.

    Returns:
        What reads the most cells, and the numbers. Several only if all read as many and the numbers
        differ; none if nothing reads nearly all of the cells that have digits.
    """
    looked_at = cells.drop_duplicates().iloc[:_LOOKED_AT]
    looked_at = looked_at[looked_at.str.contains(r"\d")]
    if looked_at.empty:
        return []
    sign = _common_sign(looked_at)
    shares = {
        notation: np.isfinite(Numerals(notation, sign).read(looked_at)).mean()
        for notation in notations
    }
    most = max(shares.values())
    if most < _NEARLY_ALL:
        return []
    found: list[tuple[Numerals, NDArray[Any]]] = []
    for notation in (one for one, share in shares.items() if share == most):
        numerals = Numerals(notation, sign)
        numbers = numerals.read(cells)
        if all(not np.array_equal(numbers, other, equal_nan=True) for _, other in found):
            found.append((numerals, numbers))
    counts = [np.isfinite(numbers).sum() for _, numbers in found]
    found = [one for one, number in zip(found, counts, strict=True) if number == max(counts)]
    if sign not in ("", PERCENT):  # a price has no three digits behind its decimal sign
        found = [one for one in found if one[0].notation.thousands] or found
    return found


def _common_sign(cells: pd.Series[str]) -> str:
    """Returns the sign that cells have in common; nothing if there is none, or several."""
    matches = [_WITH_SIGN.fullmatch(cell) for cell in cells]
    signs = {match["front"] or match["back"] for match in matches if match}
    if signs <= {"%", "％"} and signs:
        return PERCENT if len(signs) == 1 and all(matches) else ""
    return signs.pop() if len(signs) == 1 else ""


def _without_sign(cells: pd.Series[str], sign: str) -> pd.Series[str]:
    """Returns cells without a sign; money with its minus in front, and without ``,-`` behind."""
    if sign == PERCENT:
        return cells.str.replace(rf"{_BLANK}[%％]$", "", regex=True)
    if sign:
        one = re.escape(sign)
        cells = cells.str.replace(rf"^(\(?[+\-−–]?){_BLANK}{one}{_BLANK}", r"\1", regex=True)
        cells = cells.str.replace(rf"{_BLANK}{one}(\)?[-−]?)$", r"\1", regex=True)
        cells = cells.str.replace(r"^(?:\((.*)\)|(.*\d)[-−])$", r"-\1\2", regex=True)
    if cells.str.contains(r"\d[.,][-−–—]{1,2}$").any():
        cells = cells.str.replace(r"(\d)[.,][-−–—]{1,2}$", r"\1", regex=True)
    return cells
