"""One configuration, ready to be trained: what an exported file holds.

A configuration says where it came from (study, trial, value on validation) and what to train (data
set, model, parameters, epochs, batch size, seed). As a table, in an exported file, its relative
paths are relative to the folder of that file; in memory they are absolute, so a configuration can
be handed around without the file.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tuner.results.configuration_rules import SCHEMA, ConfirmedScore, read_exported
from tuner.space import Value
from tuner.spec import AnyDataset
from tuner.spec.access import Access
from tuner.spec.paths import expanded


@dataclass(frozen=True)
class Configuration:
    """What to train, and where it came from.

    Attributes:
        study: Name of the study in the database.
        trial: Number of the trial in it; None for a configuration that no trial had.
        metric: The objective's metric, as the study file names it.
        direction: ``"minimize"`` or ``"maximize"``.
        value: The metric's value on the validation split at ``epochs``; None without a trial.
        dataset: A data set's name, ``"module:function"``, or a CSV file.
        model: A model family's name, or ``"module:function"``.
        params: Parameter names and values, as the search space names them.
        epochs: Number of epochs to train, at least 1: the trial's best epoch; of a trial with folds
            the mean of theirs.
        batch_size: Rows a step, at least 1.
        seed: Seed of the trial: weights, shuffling and dropout.
        data_fingerprint: SHA-256 of the arrays that the study saw; None if it was not recorded.
        versions: Package names and versions that the study ran on.
        folds: How many models the trial fitted, over which ``value`` was measured; 1 without folds.
        confirmed: What the confirmation of the study has found of it; None if it is not the winner
            of one. Then ``epochs`` is the median of the repeats' best epochs.
        base: Folder from which ``module:function`` is imported and a relative CSV path is read.
        access: What it may use of this machine if it comes from a database; None if it comes from
            a file or a run of the user's own. It is in no exported file.
    """

    study: str
    trial: int | None
    metric: str
    direction: str
    value: float | None
    dataset: AnyDataset
    model: str
    params: Mapping[str, Value]
    epochs: int
    batch_size: int
    seed: int
    data_fingerprint: str | None = None
    versions: Mapping[str, str] = field(default_factory=dict)
    folds: int = 1
    confirmed: ConfirmedScore | None = None
    base: Path = field(default_factory=Path.cwd)
    access: Access | None = field(default=None, compare=False)

    @property
    def own_code(self) -> list[str]:
        """The ``module:function`` code that it names for its network and its data."""
        return [one for one in (self.model, self.dataset) if isinstance(one, str) and ":" in one]

    def check_access(self) -> None:
        """Refuses what its ``access`` does not allow.

        Raises:
            RequestError: It names code, or a file outside of the folders that may be read.
        """
        if self.access is None:
            return
        self.access.check_code(self.own_code)
        if not isinstance(self.dataset, str):
            self.access.file(self.dataset.path(self.base))

    def to_dict(self, folder: Path) -> dict[str, Any]:
        """Returns a JSON-able table whose relative paths start at ``folder``.

        Values that are None are left out, because TOML has no null.
        """
        table: dict[str, Any] = {
            "tuner_export": SCHEMA,
            "study": self.study,
            "trial": self.trial,
            "metric": self.metric,
            "direction": self.direction,
            "value": self.value,
            "dataset": dataset_table(self.dataset, self.base, folder),
            "model": self.model,
            "base": self._base_text(folder),
            "epochs": self.epochs,
            "batch_size": self.batch_size,
            "seed": self.seed,
            "data_fingerprint": self.data_fingerprint,
            "params": dict(self.params),
            "versions": dict(self.versions),
            "folds": None if self.folds == 1 else self.folds,
            "confirmed": self.confirmed and self.confirmed.model_dump(exclude_none=True),
        }
        return {key: value for key, value in table.items() if value is not None}

    @classmethod
    def from_dict(cls, table: Mapping[str, Any], *, folder: Path, where: str) -> Configuration:
        """Reads what :meth:`to_dict` returned.

        Args:
            table: The file's content.
            folder: The folder that relative paths start at.
            where: The file's name, for error texts.

        Raises:
            SpecError: It is no exported configuration, or a key is missing, unknown or of a
                wrong type.
        """
        read = read_exported(table, where)
        dataset = read.dataset
        if not isinstance(dataset, str):
            path = os.path.normpath(dataset.path(folder.absolute()))
            dataset = dataset.moved(path)
        return cls(
            study=read.study,
            trial=read.trial,
            metric=read.metric,
            direction=read.direction,
            value=read.value,
            dataset=dataset,
            model=read.model,
            params=dict(read.params),
            epochs=read.epochs,
            batch_size=read.batch_size,
            seed=read.seed,
            data_fingerprint=read.data_fingerprint,
            versions=dict(read.versions),
            folds=read.folds,
            confirmed=read.confirmed,
            base=Path(os.path.normpath(folder.absolute() / expanded(read.base or "."))),
        )

    def _base_text(self, folder: Path) -> str | None:
        """Returns where ``module:function`` is found; None when nothing is imported from there."""
        if not self.own_code:
            return None
        return _relative(self.base, folder).as_posix()


def dataset_table(dataset: AnyDataset, base: Path, folder: Path) -> str | dict[str, Any]:
    """Returns a data set as a file in ``folder`` names it.

    Args:
        dataset: As in a `Configuration`.
        base: Folder that a relative path in it starts at.
        folder: Folder that a relative path in the result starts at.
    """
    if isinstance(dataset, str):
        return dataset
    path = dataset.path(Path())
    if not path.is_absolute():
        path = _relative(base / path, folder)
    return dataset.moved(path.as_posix()).to_table()


def _relative(path: Path, folder: Path) -> Path:
    """Returns ``path`` as seen from ``folder``, or absolute where no relative way exists."""
    try:
        return Path(os.path.relpath(path.resolve(), folder.resolve()))
    except ValueError:  # another drive on Windows
        return path.resolve()
