"""Decides what becomes of each column of a table: what the user declares, then what helps models.

Columns that cannot help are dropped, with the reason: those without values, with the same value in
every row, that number or name the rows, and copies of another column. A column whose kind is
declared is never dropped, and so is none where all features are numbers without gaps, unless that
is wanted: such tables were taken as they are before there were others.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from tuner.data.precision import blurred
from tuner.data.schema import FEATURES, ColumnSchema, Treatment
from tuner.data.table import Column, is_text
from tuner.units import count
from tuner.wording import quoted

Select = Literal["all", "useful"]
_ID_NAME = re.compile(
    r"(.*[\W_])?(?i:id|uuid|guid|no|nr)|.*[a-z]I[dD]|.*(번호|아이디)|"
    r"(?i:index|key|row|unnamed: \d+)"
)
_LONGEST_ID = 40  # characters
_MOST_PER_ROW = 1.25  # by which the number of a row exceeds its position at most
_BY_KIND: Mapping[str, Treatment] = {
    "number": "number",
    "yes/no": "number",
    "category": "category",
    "date": "date",
    "text": "text",
}


@dataclass(frozen=True)
class Declared:
    """What the user says of columns, by their names.

    Attributes:
        target: The column to predict, if it is among them.
        group: Rows with the same value there stand in one split.
        time: What is held out is later there.
        time_feature: Whether ``time`` is a feature, too.
        weight: How much each row counts.
        drop: Columns that are no features.
        kinds: Columns whose kind is declared.
        select: "useful" to drop what cannot help, and to keep float64 where float32 is too short,
            "all" to drop nothing but ``drop``; None is "useful" where not all features are numbers
            without gaps.
    """

    target: str | None = None
    group: str | None = None
    time: str | None = None
    time_feature: bool = False
    weight: str | None = None
    drop: Collection[str] = ()
    kinds: Collection[str] = ()
    select: Select | None = None

    def role(self, name: str) -> Treatment | None:
        """Returns the use of a column that is no feature; None of a feature."""
        roles: tuple[Treatment, ...] = ("target", "group", "time", "weight")
        found = next((role for role in roles if getattr(self, role) == name), None)
        if found == "time" and self.time_feature:
            return None
        return "drop" if found is None and name in self.drop else found


def decide(columns: Sequence[Column], declared: Declared | None = None) -> list[ColumnSchema]:
    """Decides what becomes of each column.

    Args:
        columns: All columns of a table, of which only the rows to learn from.
        declared: What the user says.

    Returns:
        A decision per column. A feature of objects that are no texts is refused.
    """
    declared = declared or Declared()
    features = [column for column in columns if declared.role(column.name) is None]
    are_plain = all(column.kind == "number" and not column.missing.any() for column in features)
    select = declared.select or ("all" if are_plain else "useful")
    useless, wide = {}, set[str]()
    if select == "useful":
        # Times that number the rows say how late each is.
        wanted = {*declared.kinds, declared.time} if declared.time_feature else declared.kinds
        useless = _useless(features, wanted)
        wide = {column.name for column in features if _is_wide(column)}
    return [
        _decided(column, declared, useless.get(column.name), column.name in wide)
        for column in columns
    ]


def _decided(column: Column, declared: Declared, useless: str | None, wide: bool) -> ColumnSchema:
    role = declared.role(column.name)
    if role is not None:
        treatment, reason = role, "" if role == "drop" else column.note
    elif useless is not None:
        treatment, reason = "drop", useless
    else:
        digits = "kept as float64: float32 has too few digits" if wide else ""
        is_time = "time of rows, too" if column.name == declared.time else ""
        notes = filter(None, [column.note, digits, is_time])
        treatment, reason = _treatment(column), "; ".join(notes)
    return ColumnSchema(
        name=column.name,
        kind=column.kind,
        treatment=treatment,
        missing=int(column.missing.sum()),
        levels=len(levels_of(column)) if treatment == "category" else 0,
        notation=column.notation,
        wide=wide,
        declared=column.name in declared.kinds or role == "drop",
        reason=reason,
    )


def _is_wide(column: Column) -> bool:
    if column.kind != "number":
        return False
    present = column.values[~column.missing]
    return bool(np.isfinite(present).all()) and blurred(present) is not None


def _treatment(column: Column) -> Treatment:
    if column.kind == "date" and column.values.dtype.kind == "m":
        return "number"  # a duration
    if column.kind == "text" and not all(map(is_text, column.values[~column.missing])):
        return "refuse"
    return _BY_KIND[column.kind]


def levels_of(column: Column) -> NDArray[Any]:
    """Returns the different values of a column, without what is missing, in ascending order."""
    present = column.values[~column.missing]
    if present.dtype == np.object_:
        return np.array(sorted(set(map(str, present.tolist()))), dtype=np.object_)
    return np.unique(present)


def _useless(features: Sequence[Column], declared: Collection[str | None]) -> dict[str, str]:
    """Returns the columns that cannot help, with the reason; at least one column is left."""
    free = [column for column in features if column.name not in declared]
    empty = {c.name: reason for c in free if (reason := _without_information(c)) is not None}
    naming = {
        c.name: reason
        for c in free
        if c.name not in empty and (reason := _names_rows(c)) is not None
    }
    copies = _copies([c for c in features if c.name not in empty], declared)
    found = {**copies, **naming, **empty}
    return found if len(found) < len(features) else empty


def _without_information(column: Column) -> str | None:
    if column.missing.all():
        return "no values"
    values = column.values
    if not column.missing.any() and (values == values[0]).all():
        shown = str(values[0])
        return f"always {quoted(shown, 20) if values.dtype == np.object_ else shown}"
    return None


def _names_rows(column: Column) -> str | None:
    """Returns why a column only numbers or names the rows; never of numbers with a fraction."""
    present = column.values[~column.missing]
    if column.kind == "number" and present.dtype.kind in "iu":
        last = _MOST_PER_ROW * len(present) + 1  # some rows may be left out
        if len(present) > 1 and present[0] >= 0 and present[-1] <= last and _is_rising(present):
            return "numbers the rows"
        if _ID_NAME.fullmatch(column.name) and len(np.unique(present)) == len(present):
            return "an id: another number in each row"
        return None
    if column.kind != "text" or not all(map(_is_word, present)):
        return None
    is_id = len(set(present.tolist())) == len(present)
    return "an id: another word in each row" if is_id else None


def _is_word(value: object) -> bool:
    """Returns whether a value is a short text in ASCII without blanks, as ids are."""
    if not isinstance(value, str) or len(value) > _LONGEST_ID:
        return False
    return value.isascii() and len(value.split()) == 1


def _is_rising(values: NDArray[Any]) -> bool:
    return bool((values[1:] > values[:-1]).all())


def _copies(features: Sequence[Column], declared: Collection[str | None]) -> dict[str, str]:
    """Returns the columns that are copies of an earlier one."""
    seen: dict[tuple[str, int], list[Column]] = {}
    copies: dict[str, str] = {}
    for column in features:
        alike = seen.setdefault((column.kind, _digest(column)), [])
        first = next((other for other in alike if _are_equal(column, other)), None)
        if first is not None and column.name not in declared:
            copies[column.name] = f"the same as {quoted(first.name)}"
        else:
            alike.append(column)
    return copies


def _digest(column: Column) -> int:
    """Returns a hash of a column: equal columns have equal ones."""
    values = column.values
    if values.dtype == np.object_:
        return hash(tuple(map(str, values.tolist())))
    shown = values.astype(np.float64) if values.dtype.kind in "fiub" else values.astype(np.int64)
    return hash((np.where(column.missing, 0, shown) + 0.0).tobytes())


def _are_equal(one: Column, other: Column) -> bool:
    if not np.array_equal(one.missing, other.missing):
        return False
    there = ~one.missing
    return bool(np.array_equal(one.values[there], other.values[there]))


def dropped_text(decided: Sequence[ColumnSchema]) -> str:
    """Returns which columns are dropped although nobody said so, for an error's text."""
    dropped = [f"{quoted(c.name)} ({c.reason})" for c in decided if c.treatment == "drop"]
    more = len(dropped) - 4
    rest = f" and {count(more, 'more column')}" if more > 0 else ""
    return f"{', '.join(dropped[:4])}{rest}"


def has_features(decided: Sequence[ColumnSchema]) -> bool:
    """Returns whether some column is a feature."""
    return any(column.treatment in FEATURES for column in decided)
