"""What is written to a trial waits until all that belongs together can be written."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from optuna.storages import BaseStorage
from optuna.trial import FrozenTrial, TrialState

from tuner.storage.writing import Writes


class Gathering(BaseStorage):
    """The writing half of a storage, for both backends.

    Inside :meth:`together` writes to trials wait until its end, or until their trial is told.
    This process reads them already, other ones do not.
    """

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self._gathering = False
        self._waiting: dict[int, Writes] = {}

    def store(self, trial_id: int, writes: Writes) -> None:
        """Writes to a running trial, now.

        Raises:
            KeyError: There is no such trial.
            UpdateFinishedTrialError: The trial has ended.
        """
        raise NotImplementedError

    @contextmanager
    def together(self) -> Iterator[None]:
        """Writes what the block writes to a trial together; nothing if it raises.

        For one thread; a block inside another one belongs to that.
        """
        if self._gathering:
            yield
            return
        self._gathering = True
        try:
            yield
            for trial_id in list(self._waiting):
                self.store(trial_id, self._waiting.pop(trial_id))
        finally:
            self._gathering = False
            self._waiting.clear()

    def write(self, trial_id: int, writes: Writes) -> None:
        """Writes to a running trial: now, or at the end of the block of :meth:`together`.

        Raises:
            KeyError: There is no such trial.
            UpdateFinishedTrialError: The trial has ended.
        """
        if self._gathering:
            self._waiting.setdefault(trial_id, Writes()).add(writes)
        else:
            self.store(trial_id, writes)

    def end(self, trial_id: int, state: TrialState, values: Sequence[float] | None) -> None:
        """Ends a trial together with what waits to be written to it."""
        writes = self._waiting.pop(trial_id, Writes())
        writes.end = (state, values or ())
        self.store(trial_id, writes)

    def set_trial_user_attr(self, trial_id: int, key: str, value: Any) -> None:
        self.write(trial_id, Writes(user_attrs={key: value}))

    def set_trial_system_attr(self, trial_id: int, key: str, value: Any) -> None:
        self.write(trial_id, Writes(system_attrs={key: value}))

    def set_trial_intermediate_value(
        self, trial_id: int, step: int, intermediate_value: float
    ) -> None:
        self.write(trial_id, Writes(intermediate_values={step: intermediate_value}))

    def as_written(self, trial: FrozenTrial) -> FrozenTrial:
        """The trial with what waits to be written to it."""
        writes = self._waiting.get(trial._trial_id)
        return writes.over(trial) if writes else trial
