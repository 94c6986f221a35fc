"""Rows as one string that ends with a line break: JSON, CSV, or columns for people."""

from __future__ import annotations

import csv
import io
import json
import math
import shutil
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Literal

from tuner.wording import json_printable, one_line

Format = Literal["table", "json", "csv"]

_UNKNOWN_WIDTH = 10_000
"""Width of a pipe or a file, where no row is folded."""
_GAP, _SHORT, _SHORTER = 3, 12, 8
"""Characters between columns, and those that a column has at least before others are folded."""


def document(value: object) -> str:
    """Returns ``value`` as one JSON document; NaN and infinite numbers become null."""
    text = json.dumps(_jsonable(value), indent=2, ensure_ascii=False, default=str)
    return json_printable(text) + "\n"


def _jsonable(value: object) -> object:
    if isinstance(value, Mapping):
        return {str(key): _jsonable(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_jsonable(item) for item in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def as_csv(rows: Sequence[Mapping[str, Any]], first: Sequence[str] = ()) -> str:
    """Returns rows with a header.

    Args:
        rows: They may lack columns that others have.
        first: Columns that are there even without a row.
    """
    columns = list(dict.fromkeys((*first, *(column for row in rows for column in row))))
    text = io.StringIO()
    writer = csv.DictWriter(text, columns, lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()


def terminal_width() -> int:
    """Returns the columns of the terminal; very many if the output goes elsewhere."""
    return shutil.get_terminal_size((_UNKNOWN_WIDTH, 24)).columns


def as_table(
    header: Sequence[str], rows: Iterable[Sequence[str]], *, none: str, header_row: bool = True
) -> str:
    """Returns rows in columns, without the columns that are empty in all; ``none`` without rows."""
    from rich import box
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(
        box=box.SIMPLE_HEAD if header_row else None,
        show_header=header_row,
        show_edge=False,
        pad_edge=False,
    )
    kept = list(rows)
    if not kept:
        return f"{one_line(none)}\n"
    columns = [
        [one_line(cell) for cell in column]
        for column in zip(header, *kept, strict=True)
        if any(column[1:])
    ]
    whole = _whole(columns)
    for position, column in enumerate(columns):
        # Text: a title may hold [brackets], which rich would take for markup.
        table.add_column(Text(column[0]), overflow="fold", no_wrap=position in whole)
    for row in zip(*(column[1:] for column in columns), strict=True):
        table.add_row(*map(Text, row))
    text = io.StringIO()
    Console(file=text, width=terminal_width(), color_system=None).print(table)
    return "".join(f"{line.rstrip()}\n" for line in text.getvalue().splitlines())


def _whole(columns: Sequence[Sequence[str]]) -> set[int]:
    """Returns which columns are never folded: those of words or little else, shortest first.

    The others keep a little room.
    """
    from rich.cells import cell_len

    widths = [max(map(cell_len, column)) for column in columns]
    left = terminal_width() - sum(_GAP + min(width, _SHORT) for width in widths)
    if left < 0:  # then columns of several words, which are folded anyway, keep less
        n_long = sum(width > _SHORT for width in widths)
        left += n_long * (_SHORT - _SHORTER)
    whole = set()
    for position in sorted(range(len(columns)), key=widths.__getitem__):
        width = widths[position]
        if width > _SHORT and any(" " in cell for cell in columns[position]):
            continue
        left -= max(width - _SHORT, 0)
        if left < 0:
            break
        whole.add(position)
    return whole
