"""When the epochs of a trial reach the database: several at a time, where the pruner decides."""

from __future__ import annotations

import time

import optuna

from tuner.search import Judging
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
            ends = self._trial.should_prune() and self._may_be_pruned
            if ends:
                # With the decision, so that a retry of the trial does not judge this epoch again.
                self._database.write_attrs(self._trial._trial_id, {"epochs": epoch})
            return ends

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
        for step, value in new.items():
            self._trial.report(value, step)
        self._reported.update(self._kept)
        self._kept.clear()
        self._since = time.monotonic()
