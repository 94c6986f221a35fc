"""Optuna's cache of finished trials, where what belongs together is written together."""

from __future__ import annotations

from collections.abc import Container, Iterator, Sequence
from contextlib import contextmanager
from copy import deepcopy as copied
from typing import Any

from optuna.distributions import BaseDistribution, check_distribution_compatibility
from optuna.storages._cached_storage import _CachedStorage
from optuna.trial import FrozenTrial, TrialState

from tuner.storage.shared import SharedStorage
from tuner.storage.writing import Writes


class CachedStorage(_CachedStorage):
    """As Optuna's, which writes each parameter, attribute and value in a transaction of its own.

    Inside :meth:`together` writes to trials wait until its end, or until their trial is told.
    This process reads them already; another one, or whoever looks after a crash, finds all of
    them or none.
    """

    _backend: SharedStorage

    def __init__(self, backend: SharedStorage) -> None:
        super().__init__(backend)
        self._gathering = False
        self._waiting: dict[int, Writes] = {}

    @contextmanager
    def together(self) -> Iterator[None]:
        """Writes what the block writes to a trial in one transaction; nothing if it raises.

        For one thread; a block inside another one belongs to that.
        """
        if self._gathering:
            yield
            return
        self._gathering = True
        try:
            yield
            for trial_id in list(self._waiting):
                self._backend.write(trial_id, self._waiting.pop(trial_id))
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
            self._backend.write(trial_id, writes)

    def set_trial_param(
        self,
        trial_id: int,
        param_name: str,
        param_value_internal: float,
        distribution: BaseDistribution,
    ) -> None:
        """As Optuna's, with the same check that the study's distributions agree."""
        with self._lock:
            study_id, _ = self._trial_id_to_study_id_and_number[trial_id]
            known = self._studies[study_id].param_distribution
        if param_name not in known:
            stored = self._backend.stored_distribution(study_id, param_name)
            known[param_name] = stored or distribution
        check_distribution_compatibility(known[param_name], distribution)
        self.write(trial_id, Writes(params={param_name: (param_value_internal, distribution)}))

    def set_trial_user_attr(self, trial_id: int, key: str, value: Any) -> None:
        self.write(trial_id, Writes(user_attrs={key: value}))

    def set_trial_system_attr(self, trial_id: int, key: str, value: Any) -> None:
        self.write(trial_id, Writes(system_attrs={key: value}))

    def set_trial_intermediate_value(
        self, trial_id: int, step: int, intermediate_value: float
    ) -> None:
        self.write(trial_id, Writes(intermediate_values={step: intermediate_value}))

    def set_trial_state_values(
        self, trial_id: int, state: TrialState, values: Sequence[float] | None = None
    ) -> bool:
        """As Optuna's; a trial ends in the transaction that writes what it is told with."""
        if not state.is_finished():
            return self._backend.set_trial_state_values(trial_id, state, values)
        writes = self._waiting.pop(trial_id, Writes())
        writes.end = (state, values or ())
        self._backend.write(trial_id, writes)
        return True

    def get_trial(self, trial_id: int) -> FrozenTrial:
        return self._as_written(super().get_trial(trial_id))

    def get_all_trials(
        self,
        study_id: int,
        deepcopy: bool = True,
        states: Container[TrialState] | None = None,
    ) -> list[FrozenTrial]:
        """As Optuna's, in the order of the trials' numbers."""
        self._read_trials_from_remote_storage(study_id)
        with self._lock:
            by_number = self._studies[study_id].trials
            trials = [by_number[number] for number in sorted(by_number)]
        if states is not None:
            trials = [trial for trial in trials if trial.state in states]
        if self._waiting:
            trials = [self._as_written(trial) for trial in trials]
        return copied(trials) if deepcopy else trials

    def _add_trials_to_cache(self, study_id: int, trials: list[FrozenTrial]) -> None:
        super()._add_trials_to_cache(study_id, trials)
        # What is read anyway need not be asked for when the first parameter is suggested.
        known = self._studies[study_id].param_distribution
        for trial in trials:
            for name, distribution in trial._distributions.items():
                if name not in known:
                    known[name] = distribution

    def _as_written(self, trial: FrozenTrial) -> FrozenTrial:
        writes = self._waiting.get(trial._trial_id)
        return writes.over(trial) if writes else trial
