"""When the epochs of a trial reach the database: several at a time, where the pruner decides."""

from __future__ import annotations

import time

import optuna

from tuner.search import Judging, by_first
from tuner.spec import Role
from tuner.storage.database import Database

_SECONDS = 2.0
_POINTS = 200  # of a trial's curve in the database; more say nothing more


class Reporter:
    """Reports a trial's epochs to Optuna and asks the pruner.

    A report costs several transactions, an epoch of a small network a thousandth of a second.
    So epochs are held back and written together: where the pruner may decide, every two
    seconds, and at the end.
    """

    def __init__(
        self,
        trial: optuna.Trial,
        judging: Judging,
        database: Database,
        epochs: int,
        role: Role = Role.SEARCH,
    ) -> None:
        """Begins with what an earlier attempt at the trial has reported.

        Args:
            trial: The running trial.
            judging: At which epochs the pruner decides, and by what.
            database: Where the trial is stored.
            epochs: How many the trial may take; of very many, only every n-th is stored.
            role: Why the trial exists: it decides whether the pruner may end it.
        """
        self._trial = trial
        self._judging = judging
        self._database = database
        self._every = -(-epochs // _POINTS)
        # A retried trial has the reports of its first attempt: the same figures, already judged.
        stored = trial._cached_frozen_trial  # as it was when it was asked for
        self._reported = set(stored.intermediate_values)
        # Where the pruner ended it, if its process died before that was stored.
        self._ended_at = stored.user_attrs.get("epochs")
        self._may_be_pruned = role.may_be_pruned
        self._has_several = len(trial.study.directions) > 1
        self._kept: dict[int, float] = {}
        self._last = 0
        self._since = time.monotonic()

    def pruned(self, epoch: int, value: float) -> bool:
        """Takes in an epoch; returns whether the pruner ends the trial here.

        Args:
            epoch: From 1; the step of Optuna's intermediate values.
            value: The objective's metric on the validation split.
        """
        judged = self._judging.at(epoch)
        if not self._judging.by_all_epochs and self._last % self._every:
            self._kept.pop(self._last, None)
        self._kept[epoch] = value
        self._last = epoch
        if not judged and time.monotonic() - self._since < _SECONDS:
            return False
        seen_before = epoch in self._reported
        # What a pruner notes of its decision is stored with the value that it decided on.
        with self._database.together():
            self.flush()
            if epoch == self._ended_at:
                return True
            if not judged or seen_before:
                return False
            ends = self._should_prune() and self._may_be_pruned
            if ends:
                # With the decision, so that a retry of the trial does not judge this epoch again.
                self._database.write_attrs(self._trial._trial_id, {"epochs": epoch})
            return ends

    def _should_prune(self) -> bool:
        """Returns what the pruner says; of several objectives by the first one."""
        trial = self._trial
        if not self._has_several:
            return trial.should_prune()
        latest = self._database.storage.get_trial(trial._trial_id)
        return trial.study.pruner.prune(by_first(trial.study), latest)

    def flush(self) -> None:
        """Writes what has been held back."""
        new = {step: value for step, value in self._kept.items() if step not in self._reported}
        if new and not self._judging.by_all_epochs:
            # The pruner looks at the last one only; the others are for the curve.
            last = max(new)
            self._database.write_values(
                self._trial._trial_id, {step: new[step] for step in new if step != last}
            )
            new = {last: new[last]}
        if self._has_several:  # where Optuna refuses to report
            self._database.write_values(self._trial._trial_id, new)
            new = {}
        for step, value in new.items():
            self._trial.report(value, step)
        self._reported.update(self._kept)
        self._kept.clear()
        self._since = time.monotonic()
