"""Reads a user's own table to learn from, and divides it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypedDict, Unpack, cast

import numpy as np
from numpy.typing import NDArray

from tuner.data.arrays import About, row_count_fault, split_rows
from tuner.data.csv_column import CsvColumn
from tuner.data.csv_header import first_line_hint, with_target
from tuner.data.csv_numbers import checked_numbers, number_cure
from tuner.data.csv_rows import likely_separator
from tuner.data.csv_target import CsvTask, csv_target, left_out_note
from tuner.data.dividing import TEST_SHARE
from tuner.data.faults import Faults
from tuner.data.mixed import to_frame
from tuner.data.row_roles import groups, times, weights
from tuner.data.schema import FEATURES, ColumnSchema, Schema, TargetSchema, form_of
from tuner.data.split import Inputs, Split, texts
from tuner.data.splits import Splits
from tuner.data.table import Column, taken
from tuner.data.table_file import read_table
from tuner.data.targets import Target, class_size_fault, without_small_classes
from tuner.data.treatments import Declared, Select, decide, dropped_text, has_features
from tuner.errors import DataError
from tuner.spec import CsvDataset, Dialect
from tuner.spec.models import ColumnKind
from tuner.wording import hint, nearest, quoted, toml

_ENDINGS = (".gz", ".zip", ".csv", ".tsv", ".txt", ".parquet", ".xlsx", ".xls", ".ods")


class Uses(TypedDict, total=False):
    """What a study's ``dataset`` says of columns: keys of `tuner.spec.CsvDataset`."""

    task: CsvTask | None
    drop: Sequence[str] | None
    kind: Mapping[str, ColumnKind] | None
    group: str | None
    time: str | None
    time_feature: bool | None
    weight: str | None
    select: Select | None
    sheet: str | None
    most_rows: int | None


def uses_of(dataset: CsvDataset) -> Uses:
    """Returns what a study says of columns."""
    said = {key: getattr(dataset, key) for key in Uses.__annotations__}
    return cast("Uses", said)


def load_csv(
    path: Path,
    target: str,
    source: str = "",
    *,
    dialect: Dialect | None = None,
    test_share: float | None = None,
    **uses: Unpack[Uses],
) -> Splits:
    """Loads a table and divides it about 60/20/20; see :func:`read_csv`.

    Another ``test_share`` leaves more or less for the other two, of which a quarter validates.
    """
    table = read_csv(path, target, dialect=dialect, **uses)
    about = About(
        name=table_name(path),
        feature_names=table.feature_names,
        source=source or path.name,
        note="; ".join(table.left_out),
        schema=table.schema,
    )
    try:
        return split_rows(
            table.rows,
            table.target.task,
            about,
            table.target.class_names,
            TEST_SHARE if test_share is None else test_share,
        )
    except DataError as exc:
        column = uses.get("group") or uses.get("time")
        if column is None:
            raise
        raise DataError(f"{path}: column {quoted(column)}: {exc}") from exc


def table_name(path: Path) -> str:
    """Returns the name of a table: that of its file without endings such as ``.csv.gz``."""
    name = path.name
    for ending in _ENDINGS:
        name = name.removesuffix(ending) or name
    return name


@dataclass(frozen=True, eq=False)
class CsvTable:
    """A table that can be learnt from.

    Attributes:
        rows: All rows; ``x`` as `tuner.data.splits` describes it.
        target: What is to be predicted.
        schema: What was found in the columns and decided about them.
        left_out: Which rows are not among them, for people.
    """

    rows: Split
    target: Target
    schema: Schema
    left_out: tuple[str, ...] = ()

    @property
    def feature_names(self) -> tuple[str, ...]:
        """Names of the columns of ``x``."""
        return tuple(column.name for column in self.schema.features)


def read_csv(
    path: Path, target: str, *, dialect: Dialect | None = None, **uses: Unpack[Uses]
) -> CsvTable:
    """Reads a table: typed columns, then the schema, then rows.

    Without a ``task``, what is to be learnt follows from the target column: text, at most 20
    distinct whole numbers and any two distinct numbers are classes, anything else is a quantity.
    Rows without a target, and those of very small classes, are left out. Every other column is a
    feature, as `tuner.data.treatments` decides. If all features are numbers without gaps, ``x`` is
    an array; if the only one is text, ``x`` holds texts; else it is a frame.

    Args:
        path: The file.
        target: Name of the column to predict.
        dialect: How the file is written.
        uses: What the study says of columns.

    Raises:
        DataError: The file, columns, cells or the number of rows are not what they must be; the
            text names all faults.
    """
    kinds = uses.get("kind") or {}
    table = read_table(
        path,
        dialect,
        sheet=uses.get("sheet"),
        kinds=kinds,
        target=target,
        drop=uses.get("drop") or (),
        most_rows=uses.get("most_rows"),
    )
    faults = Faults(path)
    declared = _declared(table.names, target, uses, faults)
    if short := row_count_fault(len(table)):
        faults.add(f"below the header: {short}")
        faults.raise_if_any()
    columns = {column.name: column for column in table.columns}
    found = csv_target(columns[target], uses.get("task"), faults) if target in columns else None
    kept, left_out = np.ones(len(table), np.bool_), list[str]()
    if found is not None:
        found, kept, left_out = _learnable(columns[target], found, faults)
    learnt = [column if kept.all() else taken(column, kept) for column in table.columns]
    decided = decide(learnt, declared)
    if not has_features(decided) and not faults.found:
        faults.add(f"no column is left to learn from: {dropped_text(decided)}")
    x = _features(table.columns, learnt, kept, decided, faults)
    roles = _roles(columns, declared, faults)
    if declared.select != "useful":
        _add_ambiguous(table.columns, declared, uses.get("task"), faults)
    faults.raise_if_any()
    assert found is not None
    assert x is not None
    schema = Schema(
        columns=tuple(decided),
        target=TargetSchema(
            column=target,
            task=found.task,
            declared=uses.get("task") is not None,
            class_names=found.class_names,
        ),
        dialect=table.found,
        rows=len(found.y),
        notes=(*with_target(table.notes, target), *left_out),
    )
    divided_by = {name: values[kept] for name, values in roles.items()}
    sample = [] if len(table) == table.rows_in_file else [table.notes[-1]]
    return CsvTable(Split(x, found.y, **divided_by), found, schema, (*sample, *left_out))


def _learnable(
    column: CsvColumn, found: Target, faults: Faults
) -> tuple[Target, NDArray[np.bool_], list[str]]:
    """Leaves out rows without a target and those of very small classes.

    Returns:
        The target of the other rows, which of all rows these are, and what is left out.
    """
    kept = ~column.missing
    target, large, of_small = without_small_classes(found)
    kept[np.flatnonzero(kept)[~large]] = False
    if short := row_count_fault(len(target.y)):
        faults.add(f"with a value of {quoted(column.name)}: {short}")
    elif small := class_size_fault(target, 'task = "regression"'):
        faults.add(f"column {quoted(column.name)}: {small}")
    return target, kept, [note for note in (left_out_note(column), of_small) if note]


def _features(
    columns: Sequence[CsvColumn],
    learnt: Sequence[Column],
    kept: NDArray[np.bool_],
    decided: Sequence[ColumnSchema],
    faults: Faults,
) -> Inputs | None:
    """Returns x; None, or what means nothing, if there are faults."""
    used = [
        (column, rows, decision)
        for column, rows, decision in zip(columns, learnt, decided, strict=True)
        if decision.treatment in FEATURES
    ]
    form = form_of([decision for *_, decision in used])
    if form == "table" and all(column.kind == "number" for column, *_ in used):
        x = checked_numbers(columns, decided, faults)
        return x if kept.all() else x[kept]
    for column, *_ in used:
        if column.kind == "number" and column.odd.any():
            faults.add(column.notation_fault())
            faults.add(column.cell_fault(number_cure(column.name)))
    if faults.found:
        return None
    if form == "text":
        return texts([text or "" for text in used[0][1].values], str(faults.path))
    frame = to_frame([rows for _, rows, _ in used], {d.name: d.treatment for *_, d in used})
    return frame if form == "mixed" else frame.to_numpy(np.float32)


def _add_ambiguous(
    columns: Sequence[CsvColumn], declared: Declared, task: CsvTask | None, faults: Faults
) -> None:
    """Collects columns of numbers that can be read in two ways, unless that makes no difference."""
    for column in columns:
        role, fault = declared.role(column.name), column.ambiguity_fault()
        if fault is None or role in ("drop", "group"):
            continue
        if role != "target":
            faults.add(fault)
        elif task != "classification":
            cure = "" if task else '; if these are classes: task = "classification"'
            faults.add(f"{fault.text}{cure}")


def _roles(
    columns: Mapping[str, CsvColumn], declared: Declared, faults: Faults
) -> dict[str, NDArray[Any]]:
    """Returns group, time and weight of each row, as `Split` names them, as far as declared."""
    readers = (
        ("group", declared.group, groups),
        ("time", declared.time, times),
        ("sample_weight", declared.weight, weights),
    )
    found: dict[str, NDArray[Any]] = {}
    for field, name, read in readers:
        values = read(columns[name], faults) if name in columns and name is not None else None
        if values is not None:
            found[field] = values
    return found


def _declared(header: list[str], target: str, uses: Uses, faults: Faults) -> Declared:
    """Looks for the columns that are named, and collects what is wrong with the names.

    Returns:
        What is declared. Columns whose name was probably meant by a misspelt one are dropped.
    """
    joined = ""
    if len(header) == 1:
        joined = (
            "; the header is one column: remove a title or comment above it, or, if there are "
            "several columns, declare what separates them: "
            f"sep = {toml(likely_separator(header[0]))}"
        )
    if target not in header:
        known = hint(target, header, "columns")
        faults.add(
            f"no column {quoted(target)} (the target); {known}{joined or first_line_hint(header)}"
        )
    drop, kinds = uses.get("drop") or (), uses.get("kind") or {}
    for dropped in drop:
        if dropped not in header:
            faults.add(f"no column {quoted(dropped)} to drop; {hint(dropped, header, 'columns')}")
    roles = {"group": uses.get("group"), "time": uses.get("time"), "weight": uses.get("weight")}
    for role, name in [*roles.items(), *(("kind", name) for name in kinds)]:
        if name is not None and name not in header:
            faults.add(f"no column {quoted(name)} ({role}); {hint(name, header, 'columns')}")
    taken = [
        name for role, name in roles.items() if not (role == "time" and uses.get("time_feature"))
    ]
    named = [target, *drop, *(name for name in taken if name is not None)]
    meant = {name if name in header else nearest(name, header) for name in named}
    if target in header and not any(name not in meant for name in header):
        faults.add(f"no column beside the target {quoted(target)}{joined}")
    unused = set(header) if len(header) == 1 else {name for name in header if name in meant}
    return Declared(
        target=target,
        drop=unused - {target, *roles.values()},
        time_feature=bool(uses.get("time_feature")),
        kinds=kinds,
        select=uses.get("select"),
        **roles,
    )
