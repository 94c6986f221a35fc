"""The trials of a study that this process has read: finished ones never change."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from optuna.distributions import BaseDistribution
from optuna.trial import FrozenTrial

Load = Callable[[int, Iterable[int]], list[FrozenTrial]]
"""Loads the trials whose identifier is greater than the first argument, or among the second."""


@dataclass
class KnownTrials:
    """The trials of one study.

    Attributes:
        by_number: As they were read last.
        distributions: Of each parameter, as the first trial that has it was stored with it.
        is_fresh: Whether they were read in the group of writes that is being made.
    """

    by_number: dict[int, FrozenTrial] = field(default_factory=dict)
    distributions: dict[str, BaseDistribution] = field(default_factory=dict)
    is_fresh: bool = False
    _unfinished: set[int] = field(default_factory=set)  # identifiers
    _last_finished: int = -1  # the greatest identifier of a finished trial

    def read(self, load: Load) -> list[FrozenTrial]:
        """Loads new and unfinished trials; returns them."""
        among = [trial_id for trial_id in self._unfinished if trial_id <= self._last_finished]
        loaded = load(self._last_finished, among)
        for trial in loaded:
            self.by_number[trial.number] = trial
            if trial.state.is_finished():
                self._unfinished.discard(trial._trial_id)
                self._last_finished = max(self._last_finished, trial._trial_id)
            else:
                self._unfinished.add(trial._trial_id)
            for name, distribution in trial.distributions.items():
                self.distributions.setdefault(name, distribution)
        return loaded
