"""Makes typed columns of cells of a kind that the user declares, or that is known from training.

A column of which the kind is declared must be of it in every cell. A column that was read before is
read in the same way, and what cannot be read so is missing.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
from numpy.typing import NDArray

from tuner.data.csv_cells import notation_of
from tuner.data.csv_column import CsvColumn, finite_in_float32
from tuner.data.date_texts import ISO, date_formats, read_dates
from tuner.data.faults import Faults
from tuner.data.found_columns import date_column, made_column, number_column
from tuner.data.inferring import Cells, Choices, Chosen
from tuner.data.numerals import PERCENT, Numerals
from tuner.data.table import DECLARED_YES_NO, Typed, are_yes, as_objects, yes_no
from tuner.spec.models import ColumnKind
from tuner.wording import excerpt, quoted, toml

if TYPE_CHECKING:
    import pandas as pd

YES = ("true", "false")  # how values of a source with types are written


class KnownColumn(Protocol):
    """How a column was read before: a `tuner.data.table.Column`, or its schema."""

    @property
    def kind(self) -> ColumnKind: ...

    @property
    def notation(self) -> str: ...


def as_declared(cells: Cells, chosen: Chosen | None, kind: ColumnKind, faults: Faults) -> CsvColumn:
    """Returns a column of a kind; collects which cell is not of it."""
    distinct = cells.different
    match kind:
        case "number":
            reading, ambiguous = chosen or ((Numerals(), cells.numbers), False)
            odd = np.isnan(reading[1]) & ~cells.missing
            if odd.any():
                _add_fault(cells, kind, odd, faults)
            return number_column(cells, reading, np.zeros(len(odd), np.bool_), ambiguous)
        case "yes/no":
            pair = yes_no(distinct, DECLARED_YES_NO)
            if pair is None and len(distinct):
                known = [one for one in DECLARED_YES_NO if distinct.iloc[0].casefold() in one]
                words = {word for one in known for word in one}
                _add_fault(cells, kind, ~_folded(cells.text).isin(words) & ~cells.missing, faults)
            values = are_yes(cells.text, pair or YES) & ~cells.missing
            return made_column(cells, ("yes/no", values, "/".join(pair or YES)))
        case "date":
            formats = date_formats(distinct, declared=True)
            if not formats and len(distinct):
                first = date_formats(distinct.iloc[:1], declared=True)
                dates = [read_dates(cells.text, form) for form in first]
                unread = np.all([np.isnat(one) for one in dates], axis=0) if dates else True
                _add_fault(cells, kind, unread & ~cells.missing, faults)
            return date_column(cells, formats)
        case _:
            return made_column(cells, (kind, as_objects(cells.text, cells.missing), ""))


def _add_fault(cells: Cells, kind: ColumnKind, odd: Any, faults: Faults) -> None:
    """Adds the text for the first cell that is not of a declared kind."""
    row = int(np.flatnonzero(odd)[0]) if np.any(odd) else int(np.flatnonzero(~cells.missing)[0])
    cell = str(cells.text.iat[row])
    line = f"{cells.table.row_word} {cells.table.line(row, cells.name)}"
    faults.add(
        f"kind: {excerpt(cells.name)} = {kind}, but {line} holds {quoted(cell)}; correct it, "
        f"declare another kind, or, if it marks a missing value: missing = [{toml(cell)}]"
    )


def as_known(cells: Cells, known: KnownColumn, choices: Callable[[], Choices]) -> CsvColumn:
    """Returns a column as it was read before; what cannot be read so is missing.

    Args:
        cells: Its cells.
        known: How it was read.
        choices: Returns how the file's numbers are written, if that is otherwise.
    """
    match known.kind:
        case "number":
            numerals = Numerals(notation_of(cells.table.dialect))
            numbers, ambiguous = cells.numbers, False
            if known.notation:
                numerals = Numerals.parse(known.notation)
                numbers = cells.spread(numerals.read(cells.present))
            odd = np.isnan(numbers) & ~cells.missing
            if odd.any() and cells.name in (chosen := choices()):
                (other, others), is_ambiguous = chosen[cells.name]
                is_more = np.isfinite(others).sum() > np.isfinite(numbers).sum()
                # 12 % where there were 0.12 before would be a hundred times as much.
                if is_more and (other.sign == PERCENT) == (numerals.sign == PERCENT):
                    numerals, numbers, ambiguous = other, others, is_ambiguous
                    odd = np.isnan(numbers) & ~cells.missing
            numbers = finite_in_float32(numbers)
            typed: Typed = ("number", numbers, str(numerals))
            return made_column(
                cells,
                typed,
                numbers=numbers,
                numerals=numerals,
                ambiguous=ambiguous,
                note=_unread(cells, odd, "number"),
            )
        case "yes/no":
            first, _, second = (known.notation or "/".join(YES)).rpartition("/")
            pair = (first, second)
            words = _folded(cells.present)
            if not words.isin(pair).all():
                pair = yes_no(cells.different, DECLARED_YES_NO) or pair
            odd = ~_folded(cells.text).isin(pair) & ~cells.missing
            values = are_yes(cells.text, pair) & ~cells.missing
            typed = ("yes/no", values, "/".join(pair))
        case "date":
            form = known.notation or ISO
            dates = read_dates(cells.text.mask(cells.missing), form)
            if np.isnat(dates[~cells.missing]).any():
                formats = date_formats(cells.different)
                form = formats[0] if len(formats) == 1 else form
                dates = read_dates(cells.text.mask(cells.missing), form)
            odd = np.isnat(dates) & ~cells.missing
            typed = ("date", dates, form)
        case _:
            return made_column(cells, (known.kind, as_objects(cells.text, cells.missing), ""))
    odd = np.asarray(odd, dtype=np.bool_)
    note = _unread(cells, odd, known.kind)
    return made_column(cells, typed, missing=cells.missing | odd, note=note)


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
