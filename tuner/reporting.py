"""When the epochs of a trial reach the database: where the pruner decides, and now and then."""

from __future__ import annotations

import time

import optuna

from tuner.search import Judging

_SECONDS = 2.0


class Reporter:
    """Reports a trial's epochs to Optuna and asks the pruner.

    A report costs several transactions, an epoch of a small network a thousandth of a second.
    So an epoch is reported where the pruner may decide, every other second for those who
    watch, and at the end.
    """

    def __init__(self, trial: optuna.Trial, judging: Judging) -> None:
        """Begins with what an earlier attempt at the trial has reported.

        Args:
            trial: The running trial.
            judging: At which epochs the pruner decides, and by what.
        """
        self._trial = trial
        self._judging = judging
        # A retried trial has the reports of its first attempt: the same figures, already judged.
        stored = trial.study._storage.get_trial(trial._trial_id)
        self._reported = set(stored.intermediate_values)
        # References are what the search is measured by: they run to their end.
        self._never = "origin" in stored.user_attrs
        self._kept: dict[int, float] = {}
        self._since = time.monotonic()

    def pruned(self, epoch: int, value: float) -> bool:
        """Takes in an epoch; whether the pruner ends the trial here.

        Args:
            epoch: From 1; the step of Optuna's intermediate values.
            value: The objective's metric on the validation split.
        """
        if not self._judging.by_all_epochs:
            self._kept.clear()
        self._kept[epoch] = value
        judged = self._judging.at(epoch)
        if not judged and time.monotonic() - self._since < _SECONDS:
            return False
        seen_before = epoch in self._reported
        self.flush()
        if not judged or seen_before:
            return False
        return self._trial.should_prune() and not self._never

    def flush(self) -> None:
        """Reports what has been held back."""
        for epoch, value in self._kept.items():
            if epoch not in self._reported:
                self._trial.report(value, epoch)
                self._reported.add(epoch)
        self._kept.clear()
        self._since = time.monotonic()
