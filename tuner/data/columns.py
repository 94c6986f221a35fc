"""Makes typed columns of a table: of the kinds that are found, declared, or known from training.

Numbers among which stand a few words are numbers, and the words are missing values. A column of
which the kind is declared must be of it in every cell; a column that was read before is read in the
same way, and what cannot be read so is missing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
from numpy.typing import NDArray

from tuner.data.csv_cells import joined, mark, notation_of
from tuner.data.csv_column import CsvColumn, are_numbers, as_text, finite_in_float32
from tuner.data.date_texts import ISO, date_formats, example, read_dates
from tuner.data.faults import Faults
from tuner.data.inferring import Cells, Reading, choose_readings
from tuner.data.numerals import PERCENT, Numerals
from tuner.data.table import (
    DECLARED_YES_NO,
    Typed,
    are_yes,
    as_objects,
    from_series,
    from_texts,
    yes_no,
)
from tuner.data.text_table import TextTable
from tuner.spec.models import ColumnKind
from tuner.units import count
from tuner.wording import excerpt, quoted, toml

if TYPE_CHECKING:
    import pandas as pd

YES = ("true", "false")  # how values of a source with types are written
_MOSTLY = 0.95  # share of numbers among which words are missing values
_MOST_WORDS = 5  # different words
_MANY_NUMBERS = 20  # different numbers, among which one word is a missing value at any share


class Known(Protocol):
    """How a column was read before: a `tuner.data.table.Column`, or its schema."""

    @property
    def kind(self) -> ColumnKind: ...

    @property
    def notation(self) -> str: ...


def read_columns(
    table: TextTable,
    *,
    kinds: Mapping[str, ColumnKind] | None = None,
    like: Mapping[str, Known] | None = None,
    target: str | None = None,
) -> list[CsvColumn]:
    """Reads the columns of a table; see `tuner.data.table_file.read_table`.

    Raises:
        DataError: Cells are not of the kind that is declared for their column.
    """
    names = [str(name) for name in table.cells if like is None or name in like]
    wanted = {name: one.kind for name, one in (like or {}).items()} | dict(kinds or {})
    typed = {name: one for name in names if (one := _typed(table, name, wanted.get(name)))}
    cells = {name: Cells.of(table, name) for name in names if name not in typed}
    chosen = choose_readings(list(cells.values())) if like is None else {}
    faults = Faults(table.path)

    def column(name: str) -> CsvColumn:
        if name in typed:
            return typed[name]
        if like is not None:
            return _as_known(cells[name], like[name])
        if name in wanted:
            return _as_declared(cells[name], chosen.get(name), wanted[name], faults)
        return _as_found(cells[name], chosen.get(name), is_target=name == target)

    made = [column(name) for name in names]
    faults.raise_if_any()
    return made


def _typed(table: TextTable, name: str, wanted: ColumnKind | None) -> CsvColumn | None:
    """Returns a column of a source with types; None if its cells have to be read as text."""
    import pandas as pd

    series = table.cells[name]
    if isinstance(series.dtype, pd.StringDtype) or series.dtype == np.object_:
        return None
    column = from_series(name, series)
    values = column.values
    if isinstance(series.dtype, pd.CategoricalDtype):
        texts = as_objects(as_text(series, column.missing), column.missing)
        column = replace(column, kind="category", values=texts)
    if wanted not in (None, column.kind):
        return None
    numbers = np.full(len(values), np.nan)
    if column.kind in ("number", "yes/no"):
        numbers = np.where(column.missing, np.nan, values) if column.missing.any() else values
        numbers = finite_in_float32(numbers)
    if column.kind == "number":
        column = replace(column, values=numbers)
    return CsvColumn(**vars(column), table=table, source=series, numbers=numbers)


def _column(
    cells: Cells,
    typed: Typed,
    *,
    missing: NDArray[np.bool_] | None = None,
    numbers: NDArray[Any] | None = None,
    numerals: Numerals | None = None,
    ambiguous: bool = False,
    note: str = "",
) -> CsvColumn:
    missing = cells.missing if missing is None else missing
    kind, values, notation = typed
    return CsvColumn(
        *(cells.name, kind, values, missing, notation),
        distinct=int(cells.text[~missing].nunique()),
        note=note,
        table=cells.table,
        source=cells.text,
        numbers=finite_in_float32(cells.numbers if numbers is None else numbers),
        numerals=numerals or Numerals(),
        ambiguous=ambiguous,
    )


def _as_found(cells: Cells, chosen: tuple[Reading, bool] | None, *, is_target: bool) -> CsvColumn:
    if cells.missing.all():
        return _column(cells, ("number", cells.numbers, ""))
    if chosen is not None:
        (_, numbers), ambiguous = chosen
        if is_target:
            present = ~cells.missing
            is_number = are_numbers(numbers[present], cells.text[present])
            words = np.zeros(len(numbers), np.bool_)
        else:
            words = np.isnan(numbers) & ~cells.missing
            is_number = _are_missing(cells, numbers, words)
        if is_number:
            return _number_column(cells, chosen[0], words, ambiguous)
    typed = from_texts(cells.text, cells.missing)
    note = f"written {example(typed[2])}" if typed[0] == "date" and typed[2] != ISO else ""
    return _column(cells, typed, note=note)


def _are_missing(cells: Cells, numbers: NDArray[Any], words: NDArray[np.bool_]) -> bool:
    """Returns whether words among numbers are missing values: they are few, of few kinds."""
    if not words.any():
        return True
    different = cells.text[words].unique()
    kept = {mark(text) for text in cells.table.dialect.not_missing or ()}
    if len(different) > _MOST_WORDS or not kept.isdisjoint(map(mark, different)):
        return False
    if words.sum() <= (1 - _MOSTLY) * (~cells.missing).sum():
        return True
    are_many = len(np.unique(numbers[np.isfinite(numbers)])) > _MANY_NUMBERS
    return len(different) == 1 and are_many and not any(map(str.isdigit, different[0]))


def _number_column(
    cells: Cells, reading: Reading, words: NDArray[np.bool_], ambiguous: bool
) -> CsvColumn:
    numerals, numbers = reading
    notes = []
    if numerals.sign == PERCENT:
        notes.append("percent: 12 % is 12")
    elif numerals != Numerals(notation_of(cells.table.dialect)):
        notes.append(f"written {numerals}")
    if ambiguous:
        row = int(np.flatnonzero(~cells.missing)[0])
        others = [values[row] for other, values in cells.readings if other != numerals]
        notes.append(
            f"{quoted(str(cells.text.iat[row]))} is read as {joined([numbers[row]])}; it may be "
            f"{joined(others)}"
        )
    if words.any():
        shown = ", ".join(map(quoted, cells.text[words].unique()))
        notes.append(f"{shown} in {count(int(words.sum()), 'cell')} read as missing")
    numbers = finite_in_float32(numbers)
    return _column(
        cells,
        ("number", numbers, str(numerals)),
        missing=cells.missing | words,
        numbers=numbers,
        numerals=numerals,
        ambiguous=ambiguous,
        note="; ".join(notes),
    )


def _as_declared(
    cells: Cells, chosen: tuple[Reading, bool] | None, kind: ColumnKind, faults: Faults
) -> CsvColumn:
    """Returns a column of a kind; collects which cell is not of it."""
    distinct = cells.present.drop_duplicates()
    match kind:
        case "number":
            reading, ambiguous = chosen or ((Numerals(), cells.numbers), False)
            odd = np.isnan(reading[1]) & ~cells.missing
            if odd.any():
                _add_fault(cells, kind, odd, faults)
            return _number_column(cells, reading, np.zeros(len(odd), np.bool_), ambiguous)
        case "yes/no":
            pair = yes_no(distinct, DECLARED_YES_NO)
            if pair is None and len(distinct):
                known = [one for one in DECLARED_YES_NO if distinct.iloc[0].casefold() in one]
                words = {word for one in known for word in one}
                _add_fault(cells, kind, ~_folded(cells.text).isin(words) & ~cells.missing, faults)
            values = are_yes(cells.text, pair or YES) & ~cells.missing
            return _column(cells, ("yes/no", values, "/".join(pair or YES)))
        case "date":
            formats = date_formats(distinct, declared=True)
            if not formats and len(distinct):
                first = date_formats(distinct.iloc[:1], declared=True)
                dates = [read_dates(cells.text, form) for form in first]
                unread = np.all([np.isnat(one) for one in dates], axis=0) if dates else True
                _add_fault(cells, kind, unread & ~cells.missing, faults)
            return _date_column(cells, formats)
        case _:
            return _column(cells, (kind, as_objects(cells.text, cells.missing), ""))


def _date_column(cells: Cells, formats: Sequence[str]) -> CsvColumn:
    """Returns dates; of several formats the one with the month first, as most such files have."""
    form = next((one for one in formats if one.startswith("%m")), [*formats, ISO][0])
    dates = read_dates(cells.text.mask(cells.missing), form)
    note = f"written {example(form)}" if form != ISO else ""
    if len(formats) > 1:
        note += f"; it may be {example(next(one for one in formats if one != form))}"
    return _column(cells, ("date", dates, form), note=note)


def _add_fault(cells: Cells, kind: ColumnKind, odd: Any, faults: Faults) -> None:
    """Adds the text for the first cell that is not of a declared kind."""
    row = int(np.flatnonzero(odd)[0]) if np.any(odd) else int(np.flatnonzero(~cells.missing)[0])
    cell = str(cells.text.iat[row])
    line = f"{cells.table.row_word} {cells.table.line(row, cells.name)}"
    faults.add(
        f"kind: {excerpt(cells.name)} = {kind}, but {line} holds {quoted(cell)}; correct it, "
        f"declare another kind, or, if it marks a missing value: missing = [{toml(cell)}]"
    )


def _as_known(cells: Cells, known: Known) -> CsvColumn:
    """Returns a column as it was read before; what cannot be read so is missing."""
    declared = Numerals(notation_of(cells.table.dialect))
    match known.kind:
        case "number":
            reading = declared, cells.numbers
            if known.notation:
                reading = (
                    (one := Numerals.parse(known.notation)),
                    cells.spread(one.read(cells.present)),
                )
            odd = np.isnan(reading[1]) & ~cells.missing
            if odd.any() and cells.readings:  # the file is written otherwise than that of training
                other = cells.readings[0]
                reading = max(reading, other, key=lambda one: np.isfinite(one[1]).sum())
                odd = np.isnan(reading[1]) & ~cells.missing
            missing, numbers = cells.missing | odd, finite_in_float32(reading[1])
            typed: Typed = ("number", numbers, str(reading[0]))
            note = _unread(cells, odd, "number")
            return _column(
                cells, typed, missing=missing, numbers=numbers, numerals=reading[0], note=note
            )
        case "yes/no":
            first, _, second = (known.notation or "/".join(YES)).rpartition("/")
            pair = (first, second)
            words = _folded(cells.present)
            if not words.isin(pair).all():
                pair = yes_no(cells.present.drop_duplicates(), DECLARED_YES_NO) or pair
            odd = ~_folded(cells.text).isin(pair) & ~cells.missing
            values = are_yes(cells.text, pair) & ~cells.missing
            typed = ("yes/no", values, "/".join(pair))
        case "date":
            form = known.notation or ISO
            dates = read_dates(cells.text.mask(cells.missing), form)
            if np.isnat(dates[~cells.missing]).any():
                formats = date_formats(cells.present.drop_duplicates())
                form = formats[0] if len(formats) == 1 else form
                dates = read_dates(cells.text.mask(cells.missing), form)
            odd = np.isnat(dates) & ~cells.missing
            typed = ("date", dates, form)
        case _:
            return _column(cells, (known.kind, as_objects(cells.text, cells.missing), ""))
    odd = np.asarray(odd, dtype=np.bool_)
    note = _unread(cells, odd, known.kind)
    return _column(cells, typed, missing=cells.missing | odd, note=note)


def _unread(cells: Cells, odd: NDArray[np.bool_], kind: ColumnKind) -> str:
    """Returns which cells are not of the kind that a column had in training."""
    if not odd.any():
        return ""
    row = int(odd.argmax())
    line = f"{cells.table.row_word} {cells.table.line(row, cells.name)}"
    more = f" (and {odd.sum() - 1:,} more)" if odd.sum() > 1 else ""
    return f"{line}: {quoted(str(cells.text.iat[row]))} is no {kind}{more}: read as missing"


def _folded(cells: pd.Series[str]) -> pd.Series[str]:
    return cells.str.casefold()
