"""Reads dates in the usual spellings, by the form that all cells of a column have.

Cells are reduced to their shape (``31.12.2024`` to ``0.0.0``), which leaves few formats to try. A
column holds dates if exactly one format reads all of its cells.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    import pandas as pd

ISO = "ISO8601"
_FIRST = 100  # texts that decide quickly that a column holds no dates
# Shape of a date to formats of pandas.to_datetime; a for letters, 0 for digits.
_SHAPES: dict[str, tuple[str, ...]] = {
    "0-0": (ISO,),
    "0-0-0": (ISO, "%d-%m-%Y", "%m-%d-%Y"),
    "0.0.0": ("%d.%m.%Y", "%d.%m.%y", "%Y.%m.%d"),
    "0. 0. 0": ("%d. %m. %Y", "%Y. %m. %d"),
    "0. 0. 0.": ("%Y. %m. %d.",),
    "0/0/0": ("%d/%m/%Y", "%m/%d/%Y", "%Y/%m/%d", "%d/%m/%y", "%m/%d/%y"),
    "0-a-0": ("%d-%b-%Y", "%d-%B-%Y", "%d-%b-%y", "%Y-%b-%d"),
    "0/a/0": ("%d/%b/%Y", "%d/%B/%Y"),
    "0 a 0": ("%d %b %Y", "%d %B %Y"),
    "0. a 0": ("%d. %b %Y", "%d. %B %Y"),
    "a 0, 0": ("%b %d, %Y", "%B %d, %Y"),
    "a 0 0": ("%b %d %Y", "%B %d %Y"),
    "0년 0월 0일": ("%Y년 %m월 %d일",),
    "0년0월0일": ("%Y년%m월%d일",),
    "0年0月0日": ("%Y年%m月%d日",),
}
_TIMES = {
    "": "",
    " 0:0": " %H:%M",
    " 0:0:0": " %H:%M:%S",
    " 0:0:0.0": " %H:%M:%S.%f",
    " 0:0 a": " %I:%M %p",
    " 0:0:0 a": " %I:%M:%S %p",
}
_WHOLE_NUMBERS = {8: "%Y%m%d", 4: "%Y", 6: "%Y%m"}  # digits to format, where dates are declared
_SHAPE_OF_ISO = re.compile(r"0-0-0([ a]0(:0){1,2}([.,]0)?( ?(a|[+-]0(:0)?))?)?")


def date_formats(cells: pd.Series[str], *, declared: bool = False) -> list[str]:
    """Returns the formats that read all cells; several if they read different dates.

    Args:
        cells: Different texts, none of them missing.
        declared: Whether the user says that they are dates: whole numbers (20241231) may be, too.
    """
    first = cells.iloc[:_FIRST]
    shapes = {_shape(cell) for cell in first}
    formats: list[str] = []
    if declared and shapes == {"0"} and len(lengths := set(first.str.len())) == 1:
        formats = [_WHOLE_NUMBERS[n] for n in lengths if n in _WHOLE_NUMBERS]
    elif len(shapes) == 1 and (known := _of_shape(next(iter(shapes)))):
        formats = known
    elif shapes and all(map(_SHAPE_OF_ISO.fullmatch, shapes)):
        formats = [ISO]
    fitting = [one for one in formats if _reads_all(first, one) and _reads_all(cells, one)]
    return list({read_dates(first, one).tobytes(): one for one in reversed(fitting)}.values())[::-1]


def read_dates(cells: pd.Series[str], form: str) -> NDArray[Any]:
    """Returns datetime64[us] in UTC; NaT where a cell has another form."""
    import pandas as pd

    dates = pd.to_datetime(cells, format=form, errors="coerce", utc=True).dt.tz_localize(None)
    return dates.to_numpy(dtype="datetime64[us]")


def example(form: str) -> str:
    """Returns how the last day of 2024 is written in a format."""
    import pandas as pd

    return "2024-12-31" if form == ISO else pd.Timestamp(2024, 12, 31).strftime(form)


def _reads_all(cells: pd.Series[str], form: str) -> bool:
    return not np.isnat(read_dates(cells, form)).any()


def _of_shape(shape: str) -> list[str]:
    for end in sorted(_TIMES, key=len, reverse=True):
        if shape.endswith(end) and (dates := _SHAPES.get(shape.removesuffix(end))):
            return [date if date == ISO else date + _TIMES[end] for date in dates]
    return []


def _shape(cell: str) -> str:
    """Returns a text with 0 for a row of digits, and a for one of letters."""
    return re.sub(r"[A-Za-z]+\.?", "a", re.sub(r"[0-9]+", "0", cell))
