"""What was found in a table and decided about it, as people see it before the first trial."""

from __future__ import annotations

import textwrap
from collections import Counter
from collections.abc import Sequence

from tuner.data.development import SealedData
from tuner.data.schema import ColumnSchema
from tuner.data.targets import read_as
from tuner.results.rendering import as_table
from tuner.units import count
from tuner.wording import excerpt, quoted

_WIDTH = 80
_MOST_COLUMNS = 24
_LONGEST_NAME, _LONGEST_NOTE = 24, 40
_MOST_NOTES = 8
_USED = {
    "number": "number",
    "category": "category",
    "date": "date",
    "text": "text",
    "target": "target",
    "group": "group of rows",
    "time": "time of rows",
    "weight": "weight of rows",
    "drop": "dropped",
    "refuse": "refused",
}


def schema_text(data: SealedData, *, everything: bool = False) -> str:
    """Returns the table of columns, then target, rows, notes and warnings, a line each.

    Args:
        data: The loaded data; empty text if they did not come as a table.
        everything: Whether all columns of a wide table are listed; else the first ones, and those
            of which there is something to say before others.
    """
    schema = data.development.schema
    if schema is None:
        return ""
    shown = list(schema.columns) if everything else _chosen(schema.columns)
    table = as_table(
        ("column", "holds", "used as", "missing", "note"),
        [_row(column) for column in shown],
        none="no columns",
    )
    more = [column for column in schema.columns if column not in shown]
    lines = [
        ("target", f"{schema.target.column or 'y'}: {_target(data)}"),
        ("rows", _rows(data)),
        *(("note", note) for note in schema.notes),
        *(("note", note) for note in _long_notes(shown)),
        *(("WARNING", warning) for warning in schema.warnings),
    ]
    below = [
        textwrap.fill(f"{head:10}{text}", _WIDTH, subsequent_indent=" " * 10)
        for head, text in lines
    ]
    return "\n".join([f"{table}… and {_kinds(more)}\n" if more else table, *below, ""])


def _chosen(columns: Sequence[ColumnSchema]) -> list[ColumnSchema]:
    """Returns at most so many columns, in their order: the target and dropped ones first."""
    if len(columns) <= _MOST_COLUMNS:
        return list(columns)
    rank = sorted(range(len(columns)), key=lambda n: (not _is_noted(columns[n]), n))
    return [columns[n] for n in sorted(rank[:_MOST_COLUMNS])]


def _is_noted(column: ColumnSchema) -> bool:
    return bool(column.reason) or column.declared or column.treatment == "target"


def _row(column: ColumnSchema) -> tuple[str, ...]:
    levels = f", {column.levels:,} levels" if column.levels else ""
    return (
        excerpt(column.name, _LONGEST_NAME),
        column.kind,
        f"{_USED[column.treatment]}{levels}",
        f"{column.missing:,}" if column.missing else "",
        excerpt(_said(column), _LONGEST_NOTE),
    )


def _said(column: ColumnSchema) -> str:
    declared = "as declared" if column.declared else ""
    return "; ".join(part for part in (declared, column.reason) if part)


def _long_notes(columns: Sequence[ColumnSchema]) -> list[str]:
    """Returns what does not fit into the table."""
    long = [column for column in columns if len(_said(column)) > _LONGEST_NOTE]
    notes = [f"column {quoted(column.name)}: {column.reason}" for column in long[:_MOST_NOTES]]
    more = len(long) - _MOST_NOTES
    return [*notes, f"… and {count(more, 'more long note')}"] if more > 0 else notes


def _kinds(columns: Sequence[ColumnSchema]) -> str:
    used = Counter(_USED[column.treatment] for column in columns)
    shares = ", ".join(f"{number:,} {word}" for word, number in used.most_common())
    return f"{count(len(columns), 'more column')}: {shares}"


def _target(data: SealedData) -> str:
    rows = data.development
    declared = rows.schema is not None and rows.schema.target.declared
    if rows.task == "regression":
        return f"a quantity{', as declared' if declared else ''}"
    words = read_as(rows.task, rows.class_names, is_csv=False)
    return f"{words.removeprefix('the target was read as ')}{', as declared' if declared else ''}"


def _rows(data: SealedData) -> str:
    learnt = len(data.development.train) + len(data.development.validation)
    tested = len(data.sealed_test)
    return f"{learnt + tested:,}: {learnt:,} to learn from, {tested:,} for the test"
