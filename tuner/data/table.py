"""A table: typed columns of one length, in which a missing value is a value.

Readers make the columns: `tuner.data.csv_column` from a file, `from_frame` from a frame of pandas.
They refuse nothing; `tuner.data.schema` decides what becomes of each column.

The kinds of a column, and the values that each has for ``n`` rows:

- ``"number"``: integers or float64, NaN where missing;
- ``"yes/no"``: bool, False where missing;
- ``"date"``: datetime64, or timedelta64 of durations, NaT where missing;
- ``"category"``: texts that repeat, dtype object, None where missing;
- ``"text"``: other texts, or objects of any other class, dtype object, None where missing.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from tuner.spec.models import ColumnKind

if TYPE_CHECKING:
    import pandas as pd

Typed = tuple[ColumnKind, NDArray[Any], str]  # kind, values and notation of a column

# Pairs of words, in lower case; the first is yes.
YES_NO = (("yes", "no"), ("true", "false"), ("y", "n"), ("t", "f"), ("on", "off"))
_MOST_SPELLINGS = 50  # of yes and no, in letters of either case
_FIRST = 100  # texts that decide quickly that a column holds no dates
# As in pandas.to_datetime. A column is one of dates if exactly one of them reads all of its cells.
DATE_FORMATS = ("ISO8601", "%d.%m.%Y", "%d/%m/%Y", "%m/%d/%Y")


@dataclass(frozen=True, eq=False)
class Column:
    """A typed column.

    Attributes:
        name: Its name.
        kind: What its values are.
        values: ``(n,)``, as the module describes them.
        missing: ``(n,)`` whether there is no value.
        notation: How the values were written, where that was found out: a date's format, the
            words for yes and no, or ``1.234,5 €`` of numbers that are not plain.
        distinct: Number of different values, without what is missing.
        note: What was found out about its cells, for people; empty if that is obvious.
    """

    name: str
    kind: ColumnKind
    values: NDArray[Any]
    missing: NDArray[np.bool_]
    notation: str = ""
    distinct: int = 0
    note: str = ""


def taken(column: Column, rows: NDArray[np.bool_]) -> Column:
    """Returns some rows of a column, without where they stood in a file."""
    return Column(
        column.name,
        column.kind,
        column.values[rows],
        column.missing[rows],
        column.notation,
        column.distinct,
        column.note,
    )


def from_frame(frame: pd.DataFrame) -> list[Column]:
    """Returns the columns of a frame, whose dtypes say what they are."""
    return [_from_series(str(name), frame.iloc[:, n]) for n, name in enumerate(frame.columns)]


def _from_series(name: str, series: pd.Series[Any]) -> Column:
    import pandas as pd

    missing = np.asarray(series.isna(), dtype=np.bool_)
    if isinstance(series.dtype, pd.PeriodDtype):
        series = series.dt.to_timestamp()
    values = plain(series)
    if values.dtype == np.object_:
        values = _as_numbers(values, missing)
    kind = _kind_of(values, missing)
    if values.dtype == np.object_:
        values = _without(values, missing)
    return Column(name, kind, values, missing)


def plain(series: Any) -> NDArray[Any]:
    """Returns a column of pandas with a dtype of NumPy; what is missing as the module says."""
    import pandas.api.types as kinds

    dtype = series.dtype
    if isinstance(dtype, np.dtype):
        return np.asarray(series)
    has_missing = bool(series.isna().any())
    if kinds.is_bool_dtype(dtype):
        return np.asarray(series.fillna(False) if has_missing else series, dtype=bool)
    if kinds.is_integer_dtype(dtype) and not has_missing:
        return np.asarray(series, dtype=np.int64)
    if kinds.is_integer_dtype(dtype) or kinds.is_float_dtype(dtype):
        filled = series.to_numpy(dtype=np.float64, na_value=np.nan) if has_missing else series
        return np.asarray(filled, dtype=np.float64)
    if kinds.is_datetime64_any_dtype(dtype):
        return np.asarray(series, dtype="datetime64[ns]")
    return np.asarray(series, dtype=np.object_)


def as_inferred(array: NDArray[Any]) -> NDArray[Any]:
    """Returns numbers that came as objects with the dtype that NumPy gives to a list of them."""
    try:
        found = np.array(array.tolist())
    except ValueError:
        return array  # refused later, by the rule that it breaks
    if found.shape != array.shape or found.dtype == np.object_:
        try:
            return array.astype(np.float64)  # decimal.Decimal, fractions.Fraction
        except (TypeError, ValueError):
            return array
    return found


def is_text(value: object) -> bool:
    """Returns whether a value is a text, as ``str`` or ``bytes``."""
    return isinstance(value, str | bytes)


def _as_numbers(values: NDArray[Any], missing: NDArray[np.bool_]) -> NDArray[Any]:
    """Returns objects as numbers if no value is a text and all can be read as numbers."""
    present = values[~missing]
    if any(map(is_text, present)):
        return values
    found = as_inferred(present)
    if not missing.any():
        return found
    if not len(found) or found.dtype.kind not in "fiu":
        return values
    spread = np.full(len(values), np.nan)
    spread[~missing] = found
    return spread


def _kind_of(values: NDArray[Any], missing: NDArray[np.bool_]) -> ColumnKind:
    match values.dtype.kind:
        case "b":
            return "yes/no"
        case "f" | "i" | "u":
            return "number"
        case "m" | "M":
            return "date"
    present = values[~missing]
    if not all(map(is_text, present)):
        return "text"
    return _kind_of_texts(len(set(present.tolist())), len(present))


def _without(values: NDArray[np.object_], missing: NDArray[np.bool_]) -> NDArray[np.object_]:
    """Returns objects with None for what is missing."""
    values = values.copy()
    values[missing] = None
    return values


def _kind_of_texts(distinct: int, present: int) -> ColumnKind:
    """Returns whether texts are categories: each is there twice on average."""
    return "category" if 0 < 2 * distinct <= present else "text"


def from_texts(cells: pd.Series[str], missing: NDArray[np.bool_]) -> Typed:
    """Returns what cells are that are not numbers.

    Args:
        cells: ``(n,)`` text.
        missing: ``(n,)`` whether the cell marks a missing value.
    """
    present = cells[~missing]
    distinct = present.drop_duplicates()
    words = {word.casefold() for word in distinct.iloc[:_MOST_SPELLINGS]}
    for pair in YES_NO:
        if words == set(pair) and len(distinct) <= _MOST_SPELLINGS:
            is_yes = (cells.str.casefold() == pair[0]).to_numpy(bool)
            return "yes/no", is_yes & ~missing, "/".join(pair)
    if (found := _dates(cells, distinct, missing)) is not None:
        return "date", *found
    values = _without(cells.to_numpy(dtype=np.object_), missing)
    return _kind_of_texts(len(distinct), len(present)), values, ""


def _dates(
    cells: pd.Series[str], distinct: pd.Series[str], missing: NDArray[np.bool_]
) -> tuple[NDArray[Any], str] | None:
    """Returns dates and their format; None if some text is no date, or there are two readings."""
    import pandas as pd

    def read(texts: pd.Series[str], form: str) -> pd.Series[pd.Timestamp]:
        return pd.to_datetime(texts, format=form, errors="coerce", utc=True)

    def fits(form: str) -> bool:
        return all(read(texts, form).notna().all() for texts in (distinct.iloc[:_FIRST], distinct))

    if not distinct.iloc[:_FIRST].str.contains(r"\d").any():  # pandas reads "now" and "today"
        return None
    fitting = [form for form in DATE_FORMATS if fits(form)]
    if len(fitting) != 1:
        return None
    dates = read(cells.mask(missing), fitting[0]).dt.tz_localize(None)
    return dates.to_numpy(dtype="datetime64[us]"), fitting[0]
