"""The rules of the ``bundle.json`` of one model."""

from __future__ import annotations

from typing import Annotated, Any, Literal, Self

from pydantic import Field, ValidationError, field_validator, model_validator

from tuner.data.schema import Schema
from tuner.results.configuration_rules import Trained
from tuner.spec.models import Finite, Part
from tuner.spec.reading import rule
from tuner.wording import toml

SCHEMA = 1
"""Version of the form of ``bundle.json``; raised when an older reader could not understand it."""

MOST_SEEDS = 100
"""How many models a bundle is the mean of, at most."""


class Rows(Part):
    """How many rows each split has."""

    train: int = Field(ge=1)
    validation: int = Field(ge=1)
    test: int = Field(ge=1)


class DataInfo(Part):
    """What ``SealedData.describe`` says of the data; a key with a default may be missing.

    A new key of ``describe`` needs a field here, with a default for bundles that are older.
    """

    name: str
    task: Literal["regression", "binary", "multiclass"]
    rows: Rows
    kind: Literal["table", "image", "text", "mixed"] = "table"
    input_shape: list[int]
    input_dtype: str = "float32"
    scale: Finite | None = None
    n_classes: int = Field(ge=0)
    feature_names: list[str]
    class_names: list[str]
    source: str
    licence: str
    note: str = ""
    weighted: bool = False
    table: dict[str, Any] | None = Field(default=None, alias="schema")
    fingerprint: str

    @field_validator("table")
    @classmethod
    def _is_schema(cls, table: dict[str, Any] | None) -> dict[str, Any] | None:
        """Refuses what is no `tuner.data.schema.Schema`."""
        try:
            if table is not None:
                Schema.model_validate(table)
        except ValidationError as invalid:
            error = invalid.errors()[0]
            at = ".".join(map(str, error["loc"]))
            raise ValueError(f"must be that of a table, but its {at} {rule(error)}") from None
        return table

    @model_validator(mode="after")
    def _agrees(self) -> Self:
        """Refuses parts that contradict each other: a prediction would be a wrong one."""
        if any(size < 1 for size in self.input_shape):
            raise ValueError("input_shape must have sizes of at least 1")
        if (self.kind == "text") != (self.input_shape == []):
            raise ValueError(f"input_shape must be [] for texts, and for nothing else: {self.kind}")
        columns = [1] if self.kind == "text" else self.input_shape
        if self.feature_names and [len(self.feature_names)] != columns:
            raise ValueError(
                f"feature_names must have a name for each column of input_shape "
                f"{toml(self.input_shape)}, but has {len(self.feature_names)}"
            )
        if len(self.class_names) != self.n_classes:
            raise ValueError(
                f"class_names must have n_classes = {self.n_classes} names, but has "
                f"{len(self.class_names)}"
            )
        least, most = {"regression": (0, 0), "binary": (2, 2)}.get(self.task, (2, 2**31))
        if not least <= self.n_classes <= most:
            raise ValueError(f'task "{self.task}" cannot have {self.n_classes} classes')
        return self


class Scores(Part):
    """Metric → value for each split; null for what is not a number."""

    validation: dict[str, Finite | None]
    test: dict[str, Finite | None]


class Baseline(Part):
    """What the trivial predictor predicts, in words, and its scores.

    Attributes:
        predicts: For most metrics.
        test: Metric → value on the test split.
        predicts_for: Metric → what it predicts, where that is something else.
    """

    predicts: str
    test: dict[str, Finite | None]
    predicts_for: dict[str, str] = Field(default={})


class Unsealed(Part):
    """How often the test split had been opened when the model was scored on it.

    Attributes:
        recorded: Whether the opening was recorded, in the database of the study; nothing is known
            of others if it was not.
        before: How many openings of the study and its data were recorded before.
        same_configuration: How many of them were for the very configuration of this bundle.
    """

    recorded: bool
    before: int = Field(default=0, ge=0)
    same_configuration: int = Field(default=0, ge=0)


class BundleInfo(Trained):
    """All of ``bundle.json``.

    Attributes:
        learner: ``Learner.library`` of what was trained; absent in bundles that are older.
        logits: Whether a Keras model gives logits.
        test_opening: None in bundles that are older.
        epochs_by: How ``epochs`` were chosen, in words; absent in bundles that are older.
        seeds: Of the models whose mean it is, the first of them ``seed``; empty of one model.
        seed_matters: False if several seeds were wanted, but another gave the same model.
    """

    tuner_bundle: int
    data: DataInfo
    learner: str = "keras"
    logits: bool = False
    epochs_by: str = ""
    seeds: list[Annotated[int, Field(ge=0, lt=2**32)]] = Field(default=[], max_length=MOST_SEEDS)
    seed_matters: bool = True
    scores: Scores
    baseline: Baseline
    test_opening: Unsealed | None = None
    versions: dict[str, str]
    search_versions: dict[str, str] = Field(default={})
    created: str
