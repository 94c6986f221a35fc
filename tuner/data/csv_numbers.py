"""Numeric columns of a CSV file, converted in chunks; a bad cell is named by line and column."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from tuner.data.words import count
from tuner.errors import DataError

# What programs write for "no value": pandas, R, spreadsheets, the UCI repository.
MISSING = frozenset({"", "na", "n/a", "nan", "null", "none", "?", "-"})
_LARGEST = float(np.finfo(np.float32).max)
_DECIMAL_COMMA = re.compile(r"[+-]?\d+,\d+")


class NumberColumns:
    """Collects some columns of a table as float32.

    Empty cells are counted to the end of the file, so that one error tells of all of them; any
    other cell that is no number is an error at once.

    Args:
        path: The file, for error texts.
        names: The columns to collect, in this order.
        places: Where each of them stands in a row, from 0.
    """

    def __init__(self, path: Path, names: Sequence[str], places: Sequence[int]) -> None:
        self._path = path
        self._columns = list(zip(names, places, strict=True))
        self._chunks: list[NDArray[np.float32]] = []
        self._missing: dict[str, list[int]] = {}

    def __len__(self) -> int:
        """Number of rows taken."""
        return sum(map(len, self._chunks))

    def take(self, rows: Sequence[tuple[int, list[str]]]) -> None:
        """Converts rows, given as line number and cells.

        Raises:
            DataError: A cell is neither empty nor a number that float32 can hold.
        """
        chunk = np.empty((len(rows), len(self._columns)), dtype=np.float32)
        for column, (name, place) in enumerate(self._columns):
            cells = [row[place] for _, row in rows]
            values = self._fast(cells)
            chunk[:, column] = self._slow(cells, rows, name) if values is None else values
        self._chunks.append(chunk)

    def finish(self) -> NDArray[np.float32]:
        """Returns float32 ``(rows, columns)``.

        Raises:
            DataError: Cells were empty: how many, in which columns, and the first line.
        """
        if self._missing:
            told = [
                f'{count(len(lines), "empty cell")} in column "{name}" (first in line {lines[0]})'
                for name, lines in list(self._missing.items())[:3]
            ]
            more = len(self._missing) - len(told)
            rest = f" and in {count(more, 'more column')}" if more else ""
            raise DataError(
                f"{self._path}: {', '.join(told)}{rest}; fill them in, or leave those rows or "
                "columns out"
            )
        none = np.empty((0, len(self._columns)), dtype=np.float32)
        return np.concatenate([none, *self._chunks])

    @staticmethod
    def _fast(cells: list[str]) -> NDArray[np.float64] | None:
        """Converts good cells quickly; None when one of them needs a closer look."""
        try:
            values = np.array([float(cell) for cell in cells])
        except ValueError:
            return None
        # float() also takes "nan", "inf" and, as Python writes numbers, "1_000".
        good = bool((np.abs(values) <= _LARGEST).all()) and "_" not in "".join(cells)
        return values if good else None

    def _slow(
        self, cells: list[str], rows: Sequence[tuple[int, list[str]]], name: str
    ) -> list[float]:
        """Converts cell by cell to find the ones that are empty or no numbers."""
        values = []
        for cell, (line, _) in zip(cells, rows, strict=True):
            if cell.lower() in MISSING:
                self._missing.setdefault(name, []).append(line)
                values.append(0.0)
                continue
            try:
                value = float(cell.replace("_", "?"))
            except ValueError as exc:
                raise DataError(self._not_a_number(cell, line, name)) from exc
            if abs(value) > _LARGEST:
                raise DataError(
                    f'{self._path}, line {line}, column "{name}": {cell} is beyond what float32 '
                    "holds (3.4e38); correct it, or leave the row out"
                )
            values.append(value)
        return values

    def _not_a_number(self, cell: str, line: int, name: str) -> str:
        """Text for a cell that is no number, and what to do about it."""
        if _DECIMAL_COMMA.fullmatch(cell):
            todo = f"write {cell.replace(',', '.')} with a decimal point"
        else:
            todo = "only numeric columns can be used: write numbers, or leave the column out"
        return f'{self._path}, line {line}, column "{name}": "{cell}" is not a number; {todo}'
