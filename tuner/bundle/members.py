"""Several fitted models that predict together: the members of an ensemble, each one model a fold.

The prediction of a member is the mean of its fold models; probabilities are then brought to its
temperature; the prediction of all is the weighted mean of the members'.

On the disk a member is a folder ``members/1``, ``members/2`` … with one folder a fold, ``fold-0``,
``fold-1`` …: positions alone name them, so that ``bundle.json`` cannot point anywhere else. Only
learners that tuner ships are members; none of them runs code from such a folder.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tuner.bundle.temperature import with_temperature
from tuner.data.split import Inputs
from tuner.errors import BundleError
from tuner.learners.base import Fitted
from tuner.learners.saved import load_model


@dataclass(frozen=True)
class Voter:
    """A member, loaded.

    Attributes:
        models: One for each fold.
        weight: Its share in the prediction; those of all members sum to 1.
        temperature: What the logarithms of its probabilities are divided by; 1 for quantities.
        shift: What is then added to that of the second of two classes.
    """

    models: Sequence[Fitted]
    weight: float = 1.0
    temperature: float = 1.0
    shift: float = 0.0

    def predict(self, x: Inputs) -> NDArray[np.floating]:
        """Returns predictions for raw rows, as `Fitted.predict`."""
        total: NDArray[np.float64] | None = None
        for model in self.models:
            predicted = model.predict(x).astype(np.float64)
            total = predicted if total is None else total + predicted
        if total is None:
            raise BundleError("a member without models")
        return self.calibrated(total / len(self.models))

    def calibrated(self, predictions: NDArray[np.floating]) -> NDArray[np.floating]:
        """Returns the mean of its models' predictions as the member predicts."""
        return with_temperature(predictions, self.temperature, self.shift)


class Members(Fitted):
    """All members of a bundle as one model."""

    def __init__(self, voters: Sequence[Voter]) -> None:
        """Takes the members in the order of ``bundle.json``."""
        self.voters = tuple(voters)

    def predict(self, x: Inputs) -> NDArray[np.floating]:
        parts = (voter.weight * voter.predict(x) for voter in self.voters)
        return np.asarray(sum(parts))

    def save(self, folder: Path) -> None:
        raise BundleError("members are written by write_members")

    def held_out(self, x: Inputs, folds: Sequence[NDArray[np.intp]]) -> NDArray[np.float64]:
        """Returns predictions for rows by fold models that were not fitted on them.

        Args:
            x: Raw rows.
            folds: For each fold the positions in ``x`` of the rows that it holds out. A row may
                be held out by several (repeats), whose predictions are averaged.

        Returns:
            As `predict`; NaN for rows that no fold holds out.
        """
        parts = (
            voter.weight * voter.calibrated(out_of_fold(voter.models, x, folds))
            for voter in self.voters
        )
        return np.asarray(sum(parts))


def out_of_fold(
    models: Sequence[Fitted], x: Inputs, folds: Sequence[NDArray[np.intp]]
) -> NDArray[np.float64]:
    """Returns what the fold models of one member predict for the rows that each holds out.

    Args:
        models: One for each fold.
        x: Raw rows.
        folds: As in `Members.held_out`.
    """
    total: NDArray[np.float64] | None = None
    times = np.zeros(len(x), np.intp)
    for model, rows in zip(models, folds, strict=True):
        if not len(rows):
            continue
        predicted = model.predict(take_rows(x, rows)).astype(np.float64)
        if total is None:
            total = np.zeros((len(x), *predicted.shape[1:]))
        total[rows] += predicted
        times[rows] += 1
    if total is None:
        raise ValueError("no fold holds out any row")
    each = times.reshape(-1, *[1] * (total.ndim - 1))
    return np.divide(total, each, out=np.full_like(total, np.nan), where=each > 0)


def take_rows(x: Inputs, rows: NDArray[np.intp]) -> Inputs:
    """Returns some rows of an array or of a frame."""
    return x[rows] if isinstance(x, np.ndarray) else x.iloc[rows].reset_index(drop=True)


def replaced(x: Inputs, column: int, source: Inputs, rows: NDArray[np.intp]) -> Inputs:
    """Returns rows in which one column has the values of other rows.

    Args:
        x: ``(n, columns)``, an array or a frame.
        column: Position of the column.
        source: Rows with the same columns.
        rows: ``(n,)`` position in ``source`` of the row whose value each row gets.
    """
    changed = x.copy()
    if isinstance(changed, np.ndarray):
        changed[:, column] = source[rows, column]
    else:
        changed.isetitem(column, source.iloc[rows, column].reset_index(drop=True))
    return changed


def restricted(folds: Sequence[NDArray[np.intp]], some: NDArray[np.intp]) -> list[NDArray[np.intp]]:
    """Returns what each fold holds out of some rows, as positions among these.

    Args:
        folds: For each fold the positions of the rows that it holds out.
        some: Positions of the rows that are wanted, in ascending order.
    """
    return [np.flatnonzero(np.isin(some, fold)) for fold in folds]


def read_members(folder: Path, info: Mapping[str, Any]) -> Members:
    """Reads the members of a bundle.

    Args:
        folder: The bundle's folder.
        info: Its ``bundle.json``.

    Raises:
        BundleError: A file is missing or broken.
    """
    voters = []
    for number, member in enumerate(info["members"], start=1):
        models = [
            load_model(place, {"data": info["data"]})
            for place in fold_folders(folder, number, member["folds"])
        ]
        calibration = member["temperature"], member.get("shift", 0.0)
        voters.append(Voter(models, member["weight"], *calibration))
    return Members(voters)


def fold_folders(folder: Path, number: int, folds: int) -> Iterator[Path]:
    """Yields the folders of a member's fold models.

    Args:
        folder: The bundle's folder.
        number: Position of the member, from 1.
        folds: How many models it has.
    """
    for fold in range(folds):
        yield folder / "members" / str(number) / f"fold-{fold}"
