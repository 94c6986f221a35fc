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

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from tuner.data.date_texts import date_formats, read_dates
from tuner.spec.models import ColumnKind

if TYPE_CHECKING:
    import pandas as pd

Typed = tuple[ColumnKind, NDArray[Any], str]  # kind, values and notation of a column

# Pairs of words, in lower case; the first is yes.
YES_NO = (
    *(("yes", "no"), ("true", "false"), ("y", "n"), ("t", "f"), ("on", "off"), ("ja", "nein")),
    *(("wahr", "falsch"), ("oui", "non"), ("vrai", "faux"), ("sí", "no"), ("si", "no")),
    *(("tak", "nie"), ("예", "아니오"), ("예", "아니요"), ("네", "아니오"), ("네", "아니요")),
    *(("참", "거짓"), ("是", "否"), ("はい", "いいえ"), ("да", "нет")),
)
# Pairs that are only taken for yes and no where that is declared.
DECLARED_YES_NO = (*YES_NO, ("1", "0"), ("o", "x"), ("1.0", "0.0"))
_MOST_SPELLINGS = 50  # of yes and no, in letters of either case
_LOOKED_AT = 1000  # different texts by which words are counted
_FEW = 100  # different texts; as many sentences may be the answers of a form
# On average of different texts: sentences have more words or characters, names at most so many.
_MANY_WORDS, _LONG = 4.5, 60
_NAME_WORDS, _NAME_LENGTH = 2, 25


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
    return [from_series(str(name), frame.iloc[:, n]) for n, name in enumerate(frame.columns)]


def from_series(name: str, series: pd.Series[Any]) -> Column:
    """Returns a column of a frame, whose dtype says what it is."""
    import pandas as pd

    missing = np.asarray(series.isna(), dtype=np.bool_)
    if isinstance(series.dtype, pd.PeriodDtype):
        series = series.dt.to_timestamp()
    series = _with_dtype(series)
    values = plain(series)
    if values.dtype == np.object_:
        values = _as_numbers(values, missing)
    kind = _kind_of(values, missing)
    if values.dtype == np.object_:
        values = _without(values, missing)
    try:
        distinct = int(series.nunique())
    except TypeError:  # lists and the like
        distinct = len(series)
    return Column(name, kind, values, missing, distinct=distinct)


def _with_dtype(series: pd.Series[Any]) -> pd.Series[Any]:
    """Returns booleans with gaps, and dates, that came as objects with a dtype of their own."""
    import pandas as pd

    if series.dtype != np.object_:
        return series
    match pd.api.types.infer_dtype(series, skipna=True):
        case "boolean":
            return series.astype("boolean")
        case "date" | "datetime":
            return pd.to_datetime(series, utc=True)
    return series


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
        return np.asarray(series, dtype="datetime64[us]")
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
    import pandas as pd

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
    distinct = sorted({str(value) for value in present})
    return kind_of_texts(pd.Series(distinct, dtype="str"), len(present))


def _without(values: NDArray[np.object_], missing: NDArray[np.bool_]) -> NDArray[np.object_]:
    """Returns objects with None for what is missing."""
    values = values.copy()
    values[missing] = None
    return values


def kind_of_texts(distinct: pd.Series[str], present: int) -> ColumnKind:
    """Returns whether texts are categories: they are there twice on average, or are short names.

    Many different sentences are texts even if some are there several times. Texts of which none is
    there twice are no categories.

    Args:
        distinct: The different texts.
        present: Number of texts.
    """
    if not 0 < len(distinct) < present:
        return "text"
    looked_at = distinct.iloc[:_LOOKED_AT]
    words, length = looked_at.str.count(r"\S+").mean(), looked_at.str.len().mean()
    if len(distinct) > _FEW and (words > _MANY_WORDS or length > _LONG):
        return "text"
    are_names = words <= _NAME_WORDS and length <= _NAME_LENGTH
    return "category" if 2 * len(distinct) <= present or are_names else "text"


def yes_no(
    distinct: pd.Series[str], pairs: Iterable[tuple[str, str]] = YES_NO
) -> tuple[str, str] | None:
    """Returns the pair of words for yes and no that texts are, in letters of either case."""
    if not 0 < len(distinct) <= _MOST_SPELLINGS:
        return None
    words = {word.casefold() for word in distinct}
    return next((pair for pair in pairs if words == set(pair)), None)


def from_texts(
    cells: pd.Series[str], missing: NDArray[np.bool_], distinct: pd.Series[str] | None = None
) -> Typed:
    """Returns what cells are that are not numbers.

    Args:
        cells: ``(n,)`` text.
        missing: ``(n,)`` whether the cell marks a missing value.
        distinct: Those that are not missing, each once, if that is known.
    """
    distinct = cells[~missing].drop_duplicates() if distinct is None else distinct
    if (pair := yes_no(distinct)) is not None:
        return "yes/no", are_yes(cells, pair) & ~missing, "/".join(pair)
    formats = date_formats(distinct)
    if len(formats) == 1:
        return "date", read_dates(cells.mask(missing), formats[0]), formats[0]
    return kind_of_texts(distinct, int((~missing).sum())), as_objects(cells, missing), ""


def are_yes(cells: pd.Series[str], pair: tuple[str, str]) -> NDArray[np.bool_]:
    """Returns which cells are the first word of a pair, in letters of either case."""
    return (cells.str.casefold() == pair[0]).to_numpy(np.bool_)


def as_objects(cells: pd.Series[Any], missing: NDArray[np.bool_]) -> NDArray[np.object_]:
    """Returns texts, None where missing."""
    return _without(cells.to_numpy(dtype=np.object_), missing)
