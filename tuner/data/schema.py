"""The schema of a table: what was found in its columns, and what was decided about each.

A reader makes typed columns (`tuner.data.table`); :func:`decide` gives each a treatment; only then
are numbers demanded of the columns that learners take as numbers. A column that they do not take
is refused by the reader that knows where its cells stand.

A schema is stored with the study and in the bundle. Data sets that do not come as a table, and
those of older studies and bundles, have none.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from tuner.data.table import Column
from tuner.spec import Dialect
from tuner.spec.models import ColumnKind

Task = Literal["regression", "binary", "multiclass"]
Treatment = Literal[
    "number", "category", "date", "text", "target", "group", "time", "weight", "drop", "refuse"
]
"""How a column is used: as a feature of one of four kinds (`tuner.data.mixed`; "text" of a table
with one feature is the text of the row), to be predicted, to divide the rows by, as their weight,
or not at all; in a schema that is stored no column is refused."""
FEATURES: tuple[Treatment, ...] = ("number", "category", "date", "text")

# What learners take today. A file's words for yes and no are texts to them.
NUMBERS: frozenset[ColumnKind] = frozenset({"number"})
NUMBERS_AND_BOOLEANS: frozenset[ColumnKind] = frozenset({"number", "yes/no"})

Missing = Annotated[int, Field(ge=0)]


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
        notation: How its values are written, as `Column` has it.
        declared: Whether the user names the kind or the treatment.
        reason: Why it is dropped or treated as it is, for people; empty if that is obvious.
    """

    name: str
    kind: ColumnKind
    treatment: Treatment
    missing: Missing = 0
    notation: str = ""
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
    """

    columns: Annotated[tuple[ColumnSchema, ...], Field(strict=False)]
    target: TargetSchema
    dialect: Dialect | None = None

    @property
    def features(self) -> tuple[ColumnSchema, ...]:
        """The columns that models are fitted on."""
        return tuple(column for column in self.columns if column.treatment in FEATURES)

    @property
    def form(self) -> Literal["table", "text", "mixed"]:
        """What the features are together: numbers without gaps, one text a row, or mixed."""
        features = self.features
        if all(column.treatment == "number" and not column.missing for column in features):
            return "table"
        return "text" if [column.treatment for column in features] == ["text"] else "mixed"

    def to_dict(self) -> dict[str, Any]:
        """Returns it as values that JSON holds, without what is empty."""
        return self.model_dump(mode="json", exclude_defaults=True)


def decide(
    columns: Sequence[Column],
    *,
    takes: Collection[ColumnKind],
    takes_text: bool = False,
    target: str | None = None,
    drop: Collection[str] = (),
) -> list[ColumnSchema]:
    """Decides what becomes of each column.

    Args:
        columns: All columns of a table.
        takes: The kinds that learners take as numbers.
        takes_text: Whether they take the texts of the only feature, too.
        target: Name of the column to predict, if it is among them.
        drop: Names of columns that are no features.

    Returns:
        A decision per column. A feature that learners do not take, or in which values are missing,
        is refused.
    """
    features = [column for column in columns if column.name != target and column.name not in drop]

    def treatment(column: Column) -> Treatment:
        if column.name == target:
            return "target"
        if column.name in drop:
            return "drop"
        if column.missing.any():
            return "refuse"
        if takes_text and len(features) == 1 and column.kind in ("text", "category"):
            return "text"
        return "number" if column.kind in takes else "refuse"

    return [
        ColumnSchema(
            name=column.name,
            kind=column.kind,
            treatment=treatment(column),
            missing=int(column.missing.sum()),
            notation=column.notation,
        )
        for column in columns
    ]
