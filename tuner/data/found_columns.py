"""Makes typed columns of cells, of the kind that is found in them.

Numbers and dates among which stand a few words are numbers and dates, and the words are missing
values.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tuner.data.csv_cells import joined, mark, notation_of
from tuner.data.csv_column import CsvColumn, are_numbers, finite_in_float32
from tuner.data.date_texts import ISO, date_formats, example, read_dates
from tuner.data.inferring import Cells, Chosen, Reading
from tuner.data.numerals import PERCENT, Numerals
from tuner.data.table import Typed, from_texts
from tuner.units import count
from tuner.wording import quoted

# Share of cells that are no numbers, up to which they are missing: whatever they are, if there are
# at most so many different ones, and if it is always the same word among many different numbers.
_SINGLE, _FEW, _HALF = 0.01, 0.05, 0.5
_MOST_WORDS = 5
_MANY_NUMBERS = 20


def made_column(
    cells: Cells,
    typed: Typed,
    *,
    missing: NDArray[np.bool_] | None = None,
    numbers: NDArray[Any] | None = None,
    numerals: Numerals | None = None,
    ambiguous: bool = False,
    note: str = "",
) -> CsvColumn:
    """Returns a column of values; what is not given is as in the cells."""
    kind, values, notation = typed
    return CsvColumn(
        *(cells.name, kind, values, cells.missing if missing is None else missing, notation),
        distinct=len(cells.different) if missing is None else int(cells.text[~missing].nunique()),
        note=note,
        table=cells.table,
        source=cells.text,
        numbers=finite_in_float32(cells.numbers if numbers is None else numbers),
        numerals=numerals or Numerals(),
        ambiguous=ambiguous,
    )


def as_found(cells: Cells, chosen: Chosen | None, *, is_target: bool) -> CsvColumn:
    """Returns a column of the kind that is found.

    Args:
        cells: Its cells.
        chosen: How its numbers are read, and whether that is ambiguous; None if it has none.
        is_target: Whether no word may be taken for a missing value.
    """
    if cells.missing.all():
        return made_column(cells, ("number", cells.numbers, ""))
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
            return number_column(cells, chosen[0], words, ambiguous)
    typed = from_texts(cells.text, cells.missing, cells.different)
    if typed[0] in ("category", "text") and not is_target:
        others = _words_among_dates(cells)
        if formats := date_formats(cells.different[~cells.different.isin(others)]):
            return date_column(cells, formats, others)
    note = f"written {example(typed[2])}" if typed[0] == "date" and typed[2] != ISO else ""
    return made_column(cells, typed, note=note)


def _are_missing(cells: Cells, numbers: NDArray[Any], words: NDArray[np.bool_]) -> bool:
    """Returns whether words among numbers are missing values: they are few, of few kinds."""
    if not words.any():
        return True
    different = cells.text[words].unique()
    kept = {mark(text) for text in cells.table.dialect.not_missing or ()}
    if not kept.isdisjoint(map(mark, different)):
        return False
    share = words.sum() / len(cells.present)
    if share <= _SINGLE or (share <= _FEW and len(different) <= _MOST_WORDS):
        return True
    are_many = len(np.unique(numbers[np.isfinite(numbers)])) > _MANY_NUMBERS
    is_word = len(different) == 1 and not any(map(str.isdigit, different[0]))
    return is_word and are_many and share <= _HALF


def _words_among_dates(cells: Cells) -> list[str]:
    """Returns the cells without digits if they are few, and of few kinds."""
    is_word = ~cells.different.str.contains(r"\d")
    words = cells.different[is_word].tolist() if 0 < is_word.sum() <= _MOST_WORDS else []
    kept = {mark(text) for text in cells.table.dialect.not_missing or ()}
    are_few = cells.present.isin(words).mean() <= _FEW
    return words if are_few and kept.isdisjoint(map(mark, words)) else []


def number_column(
    cells: Cells, reading: Reading, words: NDArray[np.bool_], ambiguous: bool
) -> CsvColumn:
    """Returns a column of numbers.

    Args:
        cells: Its cells.
        reading: How its numbers are written, and the numbers.
        words: ``(n,)`` which cells are missing beside those that are marked.
        ambiguous: Whether there is another reading.
    """
    numerals, numbers = reading
    notes = []
    if numerals.sign == PERCENT:
        notes.append("percent: 12 % is 12")
    elif numerals != Numerals(notation_of(cells.table.dialect)):
        notes.append(f"written {numerals}")
    if ambiguous:
        others = [values for other, values in cells.readings if other != numerals]
        row = int(np.any([np.abs(values - numbers) > 0 for values in others], axis=0).argmax())
        notes.append(
            f"{quoted(str(cells.text.iat[row]))} is read as {joined([numbers[row]])}; it may be "
            f"{joined(values[row] for values in others)}"
        )
    if _are_codes(cells, numbers):
        notes.append('zeros in front; for codes: kind "category"')
    if words.any():
        different = cells.text[words].unique()
        shown = ", ".join(map(quoted, different[:_MOST_WORDS]))
        shown += " …" if len(different) > _MOST_WORDS else ""
        notes.append(f"{shown} in {count(int(words.sum()), 'cell')} read as missing")
    numbers = finite_in_float32(numbers)
    return made_column(
        cells,
        ("number", numbers, str(numerals)),
        missing=cells.missing | words if words.any() else None,
        numbers=numbers,
        numerals=numerals,
        ambiguous=ambiguous,
        note="; ".join(notes),
    )


def _are_codes(cells: Cells, numbers: NDArray[Any]) -> bool:
    """Returns whether whole numbers have zeros in front, as postcodes do."""
    return numbers.dtype.kind in "iu" and bool(cells.different.str.match(r"0\d").any())


def date_column(cells: Cells, formats: Sequence[str], words: Sequence[str] = ()) -> CsvColumn:
    """Returns a column of dates.

    Of two formats the one with fewer different days is taken: what is counted from 1 to 12 is the
    month. If both have as many, the month is written first.

    Args:
        cells: Its cells.
        formats: What reads them all, ISO 8601 if nothing does.
        words: Cells that are missing beside those that are marked.
    """
    missing = cells.missing | cells.text.isin(list(words)).to_numpy(np.bool_)
    text = cells.text.mask(missing)
    read = {form: read_dates(text, form) for form in sorted(formats or [ISO], reverse=True)}
    form = min(read, key=lambda one: len(np.unique(_days(read[one][~missing]))))
    notes = [f"written {example(form)}"] if form != ISO else []
    notes += [f"it may be {example(other)}" for other in formats if other != form]
    if words:
        shown = ", ".join(map(quoted, words))
        taken = int(missing.sum() - cells.missing.sum())
        notes.append(f"{shown} in {count(taken, 'cell')} read as missing")
    typed: Typed = ("date", read[form], form)
    return made_column(cells, typed, missing=missing if words else None, note="; ".join(notes))


def _days(dates: NDArray[Any]) -> NDArray[Any]:
    """Returns the day of the month of each date, from 0."""
    days, months = dates.astype("datetime64[D]"), dates.astype("datetime64[M]")
    return np.asarray(days - months.astype("datetime64[D]"))
