"""Makes typed columns of a table: of the kinds that are found, declared, or known from training."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import replace
from functools import cache
from itertools import compress

import numpy as np

from tuner.data.csv_column import CsvColumn, as_text, finite_in_float32
from tuner.data.faults import Faults
from tuner.data.found_columns import as_found
from tuner.data.inferring import Cells, Choices, choose_readings
from tuner.data.table import as_objects, from_series
from tuner.data.text_table import TextTable
from tuner.data.wanted_columns import KnownColumn, as_declared, as_known
from tuner.spec.models import ColumnKind


def read_columns(
    table: TextTable,
    *,
    kinds: Mapping[str, ColumnKind] | None = None,
    like: Mapping[str, KnownColumn] | None = None,
    target: str | None = None,
    drop: Collection[str] = (),
) -> list[CsvColumn]:
    """Reads the columns of a table; see `tuner.data.table_file.read_table`.

    Raises:
        DataError: Cells are not of the kind that is declared for their column.
    """
    names = [str(name) for name in table.cells if like is None or name in like]
    wanted = {name: one.kind for name, one in (like or {}).items()} | dict(kinds or {})
    typed = {name: one for name in names if (one := _typed(table, name, wanted.get(name)))}
    cells = {name: Cells.of(table, name) for name in names if name not in typed}

    @cache
    def choices() -> Choices:
        are_numbers = (like is None or like[name].kind == "number" for name in cells)
        return choose_readings(list(compress(cells.values(), are_numbers)), drop)

    faults = Faults(table.path)

    def column(name: str) -> CsvColumn:
        if name in typed:
            return typed[name]
        if like is not None:
            return as_known(cells[name], like[name], choices)
        if name in wanted:
            return as_declared(cells[name], choices().get(name), wanted[name], faults)
        return as_found(cells[name], choices().get(name), is_target=name == target)

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
