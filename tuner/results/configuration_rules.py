"""The rules of a configuration that is read back: an exported file, or a bundle made of it."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import AfterValidator, Field

from tuner.errors import SpecError
from tuner.spec import AnyDataset
from tuner.spec.models import Direction, FilePath, Finite, Part, Text
from tuner.spec.reading import read_part
from tuner.spec.toml_tables import name_or_function, read_dataset
from tuner.units import count_plain, figure
from tuner.wording import Position, key_text, toml

SCHEMA = 1
"""Version of the exported file's form; increased when an older version could not read it."""

_LARGEST = 2**31  # epochs, rows, folds: what the libraries below can count


def plain_params(params: dict[str, Any]) -> dict[str, Any]:
    """Refuses parameters that no search space could have drawn."""
    for name, value in params.items():
        if isinstance(value, float) and not math.isfinite(value):
            raise ValueError(f"{key_text(name)} must be finite, but got {toml(value)}")
        if not name or not isinstance(value, int | float | str):
            raise ValueError(
                f"{key_text(name)} must be a number, a string or a boolean, but got {toml(value)}"
            )
        if isinstance(value, int) and abs(value) > 2**63:
            raise ValueError(f"{key_text(name)} is too large: {toml(value)}")
    return params


class ConfirmedScore(Part):
    """What the confirmation of a study has found of its winner.

    Attributes:
        mean: The objective's metric, mean over the repeats.
        half_width: Half the width of the mean's 95 % interval; None with one repeat.
        seeds: How many repeats there were, each with another seed.
        fresh_splits: Whether each also divided the rows anew.
    """

    mean: Finite = Field(examples=["0.94"])
    half_width: Finite | None = Field(default=None, ge=0, examples=["0.01"])
    seeds: int = Field(ge=1, lt=_LARGEST, examples=["10"])
    fresh_splits: bool = Field(default=False, examples=["true"])

    def words(self, metric: str = "") -> str:
        """Returns ``confirmed 0.9941 ± 0.0012 over 10 seeds and splits``."""
        named = f"confirmed {metric} ".replace("  ", " ")
        interval = "" if self.half_width is None else f" ± {figure(self.half_width)}"
        over = count_plain(self.seeds, "seed") + (" and splits" if self.fresh_splits else "")
        return f"{named}{figure(self.mean)}{interval} over {over}"


class Trained(Part):
    """What exported files and bundles have in common; see ``Configuration`` for the meanings.

    Attributes:
        base: Folder from which ``module:function`` is imported, as seen from the file.
    """

    study: Text = Field(examples=['"wine"'])
    trial: int | None = Field(default=None, ge=0, examples=["37"])
    metric: Text = Field(examples=['"accuracy"'])
    direction: Direction = Field(examples=['"maximize"'])
    value: Finite | None = Field(default=None, examples=["0.95"])
    dataset: AnyDataset = Field(examples=['"wine"'])
    model: Text = Field(examples=['"mlp"'])
    base: FilePath | None = Field(default=None, examples=['"."'])
    epochs: int = Field(ge=1, lt=_LARGEST, examples=["18"])
    batch_size: int = Field(ge=1, lt=_LARGEST, examples=["64"])
    seed: int = Field(ge=0, lt=2**32, examples=["0"])
    data_fingerprint: Text | None = Field(default=None, examples=['"(SHA-256 of the data)"'])
    params: Annotated[dict[str, Any], AfterValidator(plain_params)] = Field(
        examples=["{ units = 16 }"]
    )
    versions: dict[str, str] = Field(default={}, examples=['{ keras = "3.15.1" }'])
    folds: int = Field(default=1, ge=1, lt=_LARGEST, examples=["5"])
    confirmed: ConfirmedScore | None = Field(
        default=None, examples=["{ mean = 0.94, half_width = 0.01, seeds = 10 }"]
    )


class Exported(Trained):
    """An exported configuration.

    Attributes:
        tuner_export: :data:`SCHEMA`.
        about: What the file is, for people.
    """

    tuner_export: int = Field(examples=[str(SCHEMA)])
    about: str = Field(default="", examples=['"A configuration"'])


def read_exported(table: Mapping[str, Any], where: str) -> Exported:
    """Validates the table of an exported file.

    Raises:
        SpecError: A rule is broken; the text names ``where``, the key, the rule and the value.
    """
    schema = table.get("tuner_export")
    if isinstance(schema, bool) or not isinstance(schema, int):
        raise SpecError(
            f"{where} is not an exported configuration: the key tuner_export is missing; "
            f"write one with `tuner export STUDY -o {where}`"
        )
    if schema != SCHEMA:
        raise SpecError(
            f"{where}: tuner_export is {toml(schema)}, this version of tuner reads {SCHEMA}; "
            "export it again, or update tuner"
        )
    return read_part(Exported, with_names(table, Position(where)), Position(where))


def with_names(table: Mapping[str, Any], position: Position) -> dict[str, Any]:
    """Reads the keys that a study file has, too, by its rules.

    Raises:
        SpecError: ``dataset`` or ``model`` is not as in a study file.
    """
    read = dict(table)
    if "dataset" in read:
        read["dataset"] = read_dataset(read["dataset"], position.at("dataset"))
    if "model" in read:
        read["model"] = name_or_function(read["model"], position.at("model"))
    return read
