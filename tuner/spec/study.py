"""One study: read from a file or from the database, compared by what it searches."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from pydantic import ConfigDict, Field

from tuner.errors import SpecError
from tuner.space import Coverage, SearchSpace
from tuner.space.combinations import is_finite
from tuner.spec.compare import differences
from tuner.spec.goals import Goal
from tuner.spec.models import (
    EXHAUSTIVE,
    AnyDataset,
    Budget,
    Choice,
    Confirm,
    Dialect,
    EarlyStopping,
    Objective,
    Part,
    Reference,
    Training,
    Validation,
)
from tuner.spec.toml_tables import read_study
from tuner.wording import Position, toml

SpaceLoader = Callable[[str, Path], SearchSpace]


def scored_on(n_folds: int) -> str:
    """Returns what a value is measured on, such as "over 5 folds"."""
    return "on validation" if n_folds == 1 else f"over {n_folds} folds"


class StudySpec(Part):
    """A validated study.

    Attributes:
        name: Stem of the file: ``wine``.
        title: One line for people.
        dataset: A name, ``module:function``, or a CSV file with its target and how it is read.
        model: A name or ``module:function``.
        search_space: The space itself, wherever it was written.
        fixed: Parameters that all trials have beside those of the space.
        objective: Metric and direction; of several objectives the first, by which trials are
            stopped and pruned.
        goals: The further objectives, in the order of the file.
        budget: Trials, time, limits of a trial.
        sampler: Optuna's sampler by name.
        pruner: Optuna's pruner by name.
        early_stopping: When training stops by itself, or None.
        training: How trials are trained.
        validation: How trials are compared, or None.
        confirm: How the best configurations are trained again after the search, or None.
        references: Configurations to run first.
        base: The study file's folder, from which CSV paths and functions are found.
    """

    model_config = ConfigDict(arbitrary_types_allowed=True)

    name: str
    title: str
    dataset: AnyDataset
    model: str
    search_space: SearchSpace
    fixed: dict[str, Any] = Field(default_factory=dict)
    objective: Objective
    goals: tuple[Goal, ...] = ()
    budget: Budget
    sampler: Choice
    pruner: Choice
    early_stopping: EarlyStopping | None
    training: Training
    validation: Validation | None
    confirm: Confirm | None = None
    references: tuple[Reference, ...]
    base: Path

    @classmethod
    def from_table(
        cls,
        table: Mapping[str, Any],
        *,
        name: str,
        base: Path,
        where: str,
        load_space: SpaceLoader,
    ) -> StudySpec:
        """Reads a study file's table.

        Args:
            table: The file as TOML has it.
            name: The study's name, the stem of the file.
            base: The file's folder.
            where: The file, as errors name it.
            load_space: Finds a search space by name or path, seen from ``base``.

        Raises:
            SpecError: A rule is broken; the text names file, key, rule, value and what to write.
        """
        parts = read_study(table, Position(where), lambda space: load_space(space, base))
        return cls(name=name, base=base, **{"title": name, **parts})

    @classmethod
    def from_dict(
        cls, stored: Mapping[str, Any], base: Path, *, study: str | None = None
    ) -> StudySpec:
        """Reads what :meth:`to_dict` wrote; equal to the original when ``base`` is.

        Args:
            stored: The study in the form of its file.
            base: The folder from which its files and functions are found.
            study: The name under which it is stored, for errors; the file's if None.

        Raises:
            SpecError: It was written by something else.
        """
        if not isinstance(stored, Mapping):
            named = f"stored study {study}: tuner:spec" if study else "stored study"
            raise SpecError(f"{named}: must be a table, but got {toml(stored)}")
        table = dict(stored)
        name = str(table.pop("name", ""))
        position = Position(f"stored study {study or name}")
        return cls(name=name, base=base, **{"title": name, **read_study(table, position, None)})

    def to_dict(self) -> dict[str, Any]:
        """Returns the study in the form of its file, with its name, defaults and space written out.

        JSON-able; durations in seconds, sizes in bytes; what is not set is left out.
        """
        parts = self.model_dump(
            include={
                *("objective", "goals", "budget", "early_stopping", "training", "validation"),
                "confirm",
            },
            exclude_none=True,
        )
        first, goals = parts["objective"], parts["goals"]
        dataset = self.dataset
        table = {
            "name": self.name,
            "title": self.title,
            "dataset": dataset if isinstance(dataset, str) else dataset.to_table(),
            "model": self.model,
            "search_space": self.search_space.to_dict(),
            "fixed": self.fixed
            or None,  # so that studies from before there was [fixed] stay the same
            "objective": [first, *goals] if goals else first,  # as the file has one or several
            "budget": parts["budget"],
            "sampler": {
                "name": self.sampler.name,
                "seed": self.sampler.seed,
                **self.sampler.options,
            },
            "pruner": {"name": self.pruner.name, **self.pruner.options},
            "early_stopping": parts.get("early_stopping"),
            "training": parts["training"],
            "validation": parts.get("validation"),
            "confirm": parts.get("confirm"),
            "reference": [reference.to_table() for reference in self.references],
        }
        # Through JSON: what is compared, stored and returned has lists only, and shares nothing.
        present = {key: value for key, value in table.items() if value is not None}
        result: dict[str, Any] = json.loads(json.dumps(present))
        return result

    @property
    def own_code(self) -> list[str]:
        """The ``module:function`` code that it names for its network and its data."""
        return [one for one in (self.model, self.dataset) if isinstance(one, str) and ":" in one]

    @property
    def objectives(self) -> tuple[Objective, ...]:
        """All objectives, the first one first."""
        return (self.objective, *self.goals)

    @property
    def optimized(self) -> tuple[Objective, ...]:
        """The objectives that the search improves: one value of a trial each, in this order."""
        return (self.objective, *(goal for goal in self.goals if goal.role == "optimize"))

    @property
    def constraints(self) -> tuple[Goal, ...]:
        """The objectives with a bound."""
        return tuple(goal for goal in self.goals if goal.role == "constrain")

    @property
    def n_folds(self) -> int:
        """How many models a trial fits, each on other rows; 1 without folds."""
        return 1 if self.validation is None else self.validation.folds * self.validation.repeats

    def coverage(self) -> Coverage | None:
        """Returns what counts the combinations tried; None if the sampler never has no more."""
        if self.sampler.name != EXHAUSTIVE or not is_finite(self.search_space):
            return None
        return Coverage(self.search_space)

    def identity(self) -> dict[str, Any]:
        """Returns the part of :meth:`to_dict` that decides which trials belong together."""
        table = self.to_dict()
        for key in ("name", "title", "budget", "training", "confirm"):  # may change on resume
            table.pop(key, None)
        # What trials leave changes none, and without folds there is nothing else to say.
        table.get("validation", {}).pop("keep", None)
        if self.n_folds == 1:
            table.pop("validation", None)
        if isinstance(table["dataset"], dict):
            # How a file is written changes no trial: the data have a fingerprint of their own.
            for key in Dialect.model_fields:
                table["dataset"].pop(key, None)
        # What was reported of a reference changes no trial.
        deciding = ("name", "params", "role")
        table["reference"] = [
            {key: reference[key] for key in deciding if key in reference}
            for reference in table["reference"]
        ]
        return table

    @property
    def fingerprint(self) -> str:
        """SHA-256 of :meth:`identity`, in hex; the same whatever the order of keys."""
        text = json.dumps(self.identity(), sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(text.encode()).hexdigest()

    def differences(self, stored: StudySpec) -> list[str]:
        """Returns where this study, from its file and the options given, departs from a stored one.

        Only the identity counts: the list is empty exactly when the fingerprints are equal.

        Returns:
            Such as ``search_space.units.high: 512 in the database, now 256``.
        """
        return differences(self.identity(), stored.identity())
