"""The finished trials of a study as columns of numbers, each trial read once.

Terms:
    row: a trial that is complete or pruned; rows stand in the order of the trials' numbers.
    infeasible: with a constraint that is violated, see ``Trial.set_constraint``.
    infeasible score: the sum of a trial's violated constraints.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from optuna.distributions import BaseDistribution
from optuna.trial import FrozenTrial, TrialState

Rows = NDArray[np.intp]
Numbers = NDArray[np.float64]

_FINISHED = (TrialState.COMPLETE, TrialState.PRUNED)
_COMPLETE, _PRUNED, _INFEASIBLE = 0.0, 1.0, 2.0


class History:
    """What TPE asks of finished trials, which never change.

    Attributes:
        study_id: The study that the trials are of.
    """

    def __init__(self, study_id: int) -> None:
        self.study_id = study_id
        self._known: set[int] = set()
        self._columns: dict[str, Numbers] = {}  # number, rank, step, value: one entry a row
        self._params: dict[str, Numbers] = {}  # as Optuna stores values; NaN where there is none
        self._first: dict[frozenset[str], FrozenTrial] = {}

    def __len__(self) -> int:
        return len(self._known)

    @property
    def numbers(self) -> Numbers:
        """Each row's trial number."""
        return self._columns.get("number", np.empty(0))

    def add(self, trials: Iterable[FrozenTrial]) -> list[FrozenTrial]:
        """Takes in those that are complete or pruned, and not there yet.

        Returns:
            Those that are neither.
        """
        unknown = [trial for trial in trials if trial.number not in self._known]
        new = [trial for trial in unknown if trial.state in _FINISHED]
        if new:
            self._append(new)
        return [trial for trial in unknown if trial.state not in _FINISHED]

    def _append(self, new: Sequence[FrozenTrial]) -> None:
        self._known.update(trial.number for trial in new)
        for trial in new:
            first = self._first.setdefault(frozenset(trial.distributions), trial)
            if trial.number < first.number:
                self._first[frozenset(trial.distributions)] = trial
        columns = [(float(trial.number), *_ranked(trial)) for trial in new]
        params = [_internal(trial) for trial in new]
        before = len(self.numbers)
        for name, added in zip(
            ("number", "rank", "step", "value"), zip(*columns, strict=True), strict=True
        ):
            self._columns[name] = np.append(self._columns.get(name, np.empty(0)), added)
        for name in self._params.keys() | {name for each in params for name in each}:
            old = self._params.get(name)
            old = np.full(before, np.nan) if old is None else old
            self._params[name] = np.append(old, [each.get(name, np.nan) for each in params])
        order = np.argsort(self.numbers, kind="stable")
        if (np.diff(order) != 1).any():
            for table in (self._columns, self._params):
                table.update({name: column[order] for name, column in table.items()})

    def spaces(self) -> list[dict[str, BaseDistribution]]:
        """The distributions of the first trial that has each set of parameters, by number."""
        first = sorted(self._first.values(), key=lambda trial: trial.number)
        return [trial.distributions for trial in first]

    def split(self, n_below: int, *, maximize: bool) -> tuple[Rows, Rows]:
        """The rows of the best ``n_below`` trials and those of the others, as TPE ranks them.

        Complete trials come first, by value; then pruned ones, by how far they came and their
        last value; then infeasible ones, by their score. Of equals the earlier is better.
        """
        if not self._known:
            return np.empty(0, np.intp), np.empty(0, np.intp)
        rank, step, value = (self._columns[name] for name in ("rank", "step", "value"))
        loss = np.where((rank == _INFEASIBLE) | (not maximize), value, -value)
        order = np.lexsort((np.where(np.isnan(loss), np.inf, loss), step, rank))
        return np.sort(order[:n_below]), np.sort(order[n_below:])

    def having(self, rows: Rows, names: Iterable[str]) -> Rows:
        """Those of the rows that have all these parameters."""
        for name in names:
            column = self._params.get(name)
            rows = rows[:0] if column is None else rows[~np.isnan(column[rows])]
        return rows

    def values(self, rows: Rows, name: str) -> Numbers:
        """A parameter's values in these rows, as Optuna stores them."""
        return self._params[name][rows] if len(rows) else np.empty(0)


def _ranked(trial: FrozenTrial) -> tuple[float, float, float]:
    """Rank, step and value: what :meth:`History.split` sorts by."""
    # Few trials have a constraint, and to gather none takes longer than to look for one.
    if any(key.startswith("constraints") for key in trial.system_attrs):
        score = sum(value for value in trial.constraints.values() if value > 0)
        if score > 0:
            return _INFEASIBLE, 0.0, score
    if trial.state is TrialState.COMPLETE:
        return _COMPLETE, 0.0, trial.values[0]  # of several objectives none ranks by this
    if not trial.intermediate_values:
        return _PRUNED, 1.0, 0.0
    step, value = max(trial.intermediate_values.items())
    return _PRUNED, -float(step), value


def _internal(trial: FrozenTrial) -> dict[str, float]:
    return {
        name: distribution.to_internal_repr(trial.params[name])
        for name, distribution in trial.distributions.items()
    }


def internal_rows(
    params: Sequence[Mapping[str, Any]], space: Mapping[str, BaseDistribution]
) -> dict[str, list[float]]:
    """The values of each parameter of a space in configurations that have all of them."""
    return {
        name: [distribution.to_internal_repr(each[name]) for each in params]
        for name, distribution in space.items()
    }
