"""The schema of a table: what was found in its columns, and what was decided about each.

A reader makes typed columns (`tuner.data.table`); `tuner.data.treatments` decides what becomes of
each; `tuner.data.mixed` makes the rows of them.

A schema is stored with the study and in the bundle. Data sets that do not come as a table, and
those of older studies and bundles, have none.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from tuner.spec import Dialect
from tuner.spec.models import ColumnKind

Task = Literal["regression", "binary", "multiclass"]
Treatment = Literal[
    "number", "category", "date", "text", "target", "group", "time", "weight", "drop", "refuse"
]
"""How a column is used: as a feature of one of four kinds (`tuner.data.mixed`; "text" of a table
with one feature is the text of the row), to be predicted, to divide the rows by, as their weight,
or not at all; in a schema that is stored no column is refused."""
Form = Literal["table", "text", "mixed"]
FEATURES: tuple[Treatment, ...] = ("number", "category", "date", "text")

Count = Annotated[int, Field(ge=0)]


class _Stored(BaseModel):
    """Base of what is stored; keys that a later version has added are ignored."""

    model_config = ConfigDict(frozen=True, strict=True, extra="ignore")


class ColumnSchema(_Stored):
    """A column.

    Attributes:
        name: Its name.
        kind: What was found in it.
        treatment: What was decided.
        missing: Number of rows without a value.
        levels: Number of different values of a category; else 0.
        notation: How its values are written, as `Column` has it.
        wide: Whether float32 cannot tell its numbers apart, so that the table is mixed.
        declared: Whether the user names the kind or the treatment.
        reason: Why it is dropped or treated as it is, for people; empty if that is obvious.
    """

    name: str
    kind: ColumnKind
    treatment: Treatment
    missing: Count = 0
    levels: Count = 0
    notation: str = ""
    wide: bool = False
    declared: bool = False
    reason: str = ""


class TargetSchema(_Stored):
    """How the target was read.

    Attributes:
        column: Its column; None if it is not a column with a name.
        task: What is to be learnt.
        declared: Whether the study file names the task; else it follows from the values.
        class_names: A name per class, in the order of their numbers; empty for a regression.
    """

    column: str | None = None
    task: Task
    declared: bool = False
    class_names: Annotated[tuple[str, ...], Field(strict=False)] = ()


class Schema(_Stored):
    """All of it.

    Attributes:
        columns: Every column, in the order of the table.
        target: How the target was read.
        dialect: How the file is written, with its separator and encoding as they were found; None
            if the table was not read from a file.
        rows: Number of rows to learn from, in all parts; 0 in schemas that are older.
        notes: What was found out while reading, and which rows are left out, for people.
        warnings: What makes scores too good to be true, for people.
    """

    columns: Annotated[tuple[ColumnSchema, ...], Field(strict=False)]
    target: TargetSchema
    dialect: Dialect | None = None
    rows: Count = 0
    notes: Annotated[tuple[str, ...], Field(strict=False)] = ()
    warnings: Annotated[tuple[str, ...], Field(strict=False)] = ()

    @property
    def features(self) -> tuple[ColumnSchema, ...]:
        """The columns that models are fitted on."""
        return tuple(column for column in self.columns if column.treatment in FEATURES)

    @property
    def form(self) -> Form:
        """What the features are together."""
        return form_of(self.features)

    def to_dict(self) -> dict[str, Any]:
        """Returns it as values that JSON holds, without what is empty."""
        return self.model_dump(mode="json", exclude_defaults=True)


def form_of(features: Sequence[ColumnSchema]) -> Form:
    """Returns what features are together: numbers without gaps, the text of the row, or mixed."""
    if all(one.treatment == "number" and not (one.missing or one.wide) for one in features):
        return "table"
    return "text" if [column.treatment for column in features] == ["text"] else "mixed"
