"""The folds of a study: which rows each model of a trial is fitted on, and which are held out.

A study without folds is one fold whose rows are those of the training and the validation split.
All trials of a study have the same folds: the division is seeded by the study, not by the trial.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import cached_property, lru_cache

import numpy as np
from numpy.typing import NDArray

from tuner.data import Development, Split
from tuner.data.folds import Fold, folds_of
from tuner.spec.models import Validation

_MOST_KEPT = 2**24  # cells of all folds together, of which each trial otherwise makes its own


class Folds:
    """How the rows of a study are divided.

    Attributes:
        data: The study's data.
    """

    def __init__(self, data: Development, validation: Validation | None, seed: int) -> None:
        """Takes what there is to divide; the rows are divided when that is first needed.

        Args:
            data: The study's data.
            validation: The study's ``[validation]``.
            seed: The study's.
        """
        self.data = data
        self._validation = validation or Validation()
        self._seed = seed
        self._made: dict[int, Development] = {}

    def __len__(self) -> int:
        """Number of folds, of all repeats together."""
        return self._validation.folds * self._validation.repeats

    @property
    def batch(self) -> int:
        """How many folds are of one repeat."""
        return self._validation.folds

    @cached_property
    def rows(self) -> Split:
        """Training and validation rows of the data."""
        return self.data.rows

    @cached_property
    def positions(self) -> list[Fold]:
        """For each fold the positions in ``rows`` that are fitted on, and those that are held out.

        Raises:
            DataError: The rows cannot be divided into so many folds.
        """
        data, wanted = self.data, self._validation
        if len(self) == 1:
            n, of_train = len(self.rows), len(data.train)
            # Those of a truth table are rows of both splits.
            return [(np.arange(of_train), np.arange(of_train if n > of_train else 0, n))]
        return folds_of(
            *(self.rows, data.task, wanted.folds, wanted.repeats, self._seed),
            class_names=data.class_names,
        )

    def __getitem__(self, number: int) -> Development:
        """Returns the data of a fold, from 0: those of the study if nothing else is held out."""
        if len(self) == 1:
            return self.data
        if number in self._made:
            return self._made[number]
        train, held_out = self.positions[number]
        made = replace(self.data, train=self.rows.take(train), validation=self.rows.take(held_out))
        if len(self) * self.rows.x.size <= _MOST_KEPT:
            self._made[number] = made
        return made

    def pooled(self, predictions: Sequence[NDArray[np.floating]]) -> NDArray[np.floating]:
        """Returns out-of-fold predictions: for each row the mean over the repeats.

        Args:
            predictions: For the held-out rows of each fold, or of the first folds only.

        Returns:
            ``(n, …)`` for the ``rows``, NaN for those that were not held out; float64 if the
            targets are, else float32.
        """
        total = np.zeros((len(self.rows), *predictions[0].shape[1:]))
        times = np.zeros(len(self.rows))
        for (_, held_out), some in zip(self.positions, predictions, strict=False):
            total[held_out] += some
            times[held_out] += 1
        with np.errstate(invalid="ignore"):  # 0 / 0
            mean = total / times.reshape(-1, *[1] * (total.ndim - 1))
        return mean if self.rows.y.dtype == np.float64 else mean.astype(np.float32)


@lru_cache(maxsize=1)
def folds_for(data: Development, validation: Validation | None, seed: int) -> Folds:
    """Returns the folds of a study, the same object for all trials of a worker.

    Args:
        data: As in `Folds`.
        validation: As in `Folds`.
        seed: As in `Folds`.
    """
    return Folds(data, validation, seed)
