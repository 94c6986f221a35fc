"""The names of a table's columns: the first line, with a name for each column, no name twice."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path

from tuner.data.csv_cells import NOTATIONS
from tuner.errors import DataError
from tuner.units import count
from tuner.wording import excerpt, quoted

_MOST_NAMED = 5  # columns that one note names


def column_names(
    path: Path, written: Sequence[str], positions: Sequence[int], *, numbers: bool = False
) -> tuple[list[str], list[str]]:
    """Names the columns.

    Args:
        path: The file, for errors.
        written: The names as they are written.
        positions: Position of each column in the file, from 0.
        numbers: Whether names may be numbers: they are no row of data.

    Returns:
        The names, and notes for people on those that were made.

    Raises:
        DataError: The first line holds no names but a row of data.
    """
    names = [name.strip() for name in written]
    if not numbers:
        _check_header(path, names)
    notes = []
    taken = set(names)
    unnamed = []
    for index, name in enumerate(names):
        if not name:
            names[index] = _free(f"column_{positions[index] + 1}", taken)
            unnamed.append(f"column {positions[index] + 1} has no name: called {names[index]}")
    notes += _shortened(unnamed)
    seen: dict[str, int] = {}
    repeated: dict[str, list[str]] = {}
    for index, name in enumerate(names):
        seen[name] = seen.get(name, 0) + 1
        if seen[name] > 1:
            names[index] = _free(f"{name}_{seen[name]}", taken)
            repeated.setdefault(name, [name]).append(names[index])
    notes += _shortened([f"{_repeated(name)}{', '.join(made)}" for name, made in repeated.items()])
    return names, notes


def with_target(notes: Iterable[str], target: str) -> list[str]:
    """Returns the notes of a table; one on columns with the target's name says which it is."""
    about = _repeated(target)
    return [f"{one}; {target} is the target" if one.startswith(about) else one for one in notes]


def _repeated(name: str) -> str:
    return f"name {quoted(name)} repeated: "


def first_line_hint(names: Iterable[str]) -> str:
    """Returns what to do if the first line is no header, where some names are numbers."""
    if not any(NOTATIONS[0].plain(name) is not None for name in names):
        return ""
    return "; if the first line is a row of data, put a line of names above it"


def _check_header(path: Path, names: Sequence[str]) -> None:
    """Checks that the first line names the columns.

    Raises:
        DataError: All names, or repeated ones, are numbers.
    """
    if all(NOTATIONS[0].plain(name) is not None for name in names):
        raise DataError(
            f"{path}: the first line must name the columns, but it holds "
            f"{count(len(names), 'number')} ({', '.join(map(excerpt, names[:3]))} …); put a "
            "line of names above it"
        )
    repeated = [name for name, times in Counter(names).items() if name and times > 1]
    if first_line := first_line_hint(repeated):
        raise DataError(
            f"{path}: there are several columns {', '.join(map(quoted, repeated))}; every column "
            f"needs its own name{first_line}"
        )


def _free(name: str, taken: set[str]) -> str:
    """Returns a name that no column has, and takes it."""
    free, number = name, 2
    while free in taken:
        free, number = f"{name}_{number}", number + 1
    taken.add(free)
    return free


def _shortened(notes: list[str]) -> list[str]:
    more = len(notes) - _MOST_NAMED
    return notes[:_MOST_NAMED] + ([f"likewise {count(more, 'more column')}"] if more > 0 else [])
