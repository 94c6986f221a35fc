"""Optuna's cache of finished trials, where what belongs together is written together."""

from __future__ import annotations

from collections.abc import Container, Iterator, Sequence
from contextlib import contextmanager
from copy import deepcopy as copied

from optuna.distributions import BaseDistribution, check_distribution_compatibility
from optuna.storages._cached_storage import _CachedStorage
from optuna.trial import FrozenTrial, TrialState

from tuner.storage.gathering import Gathering
from tuner.storage.shared import SharedStorage
from tuner.storage.writing import Writes


class CachedStorage(Gathering, _CachedStorage):
    """As Optuna's, which writes each parameter, attribute and value in a transaction of its own.

    What waits inside :meth:`together` is written in one: another process, or whoever looks after a
    crash, finds all of it or none. And what is decided inside it is decided on one reading of the
    study: a sampler or pruner of Optuna's asks for the same trials several times.
    """

    _backend: SharedStorage

    def __init__(self, backend: SharedStorage) -> None:
        super().__init__(backend)
        self._read: set[int] = set()  # studies, inside :meth:`together`

    @contextmanager
    def together(self) -> Iterator[None]:
        with super().together():
            self._read.clear()
            yield

    def store(self, trial_id: int, writes: Writes) -> None:
        self._backend.write(trial_id, writes)
        self._read.clear()

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

    def set_trial_state_values(
        self, trial_id: int, state: TrialState, values: Sequence[float] | None = None
    ) -> bool:
        """As Optuna's; a trial ends in the transaction that writes what it is told with."""
        if not state.is_finished():
            return self._backend.set_trial_state_values(trial_id, state, values)
        self.end(trial_id, state, values)
        return True

    def get_trial(self, trial_id: int) -> FrozenTrial:
        known = self._trial_id_to_study_id_and_number.get(trial_id)
        if known is None or not self._gathering:
            return self.as_written(super().get_trial(trial_id))
        study_id, number = known
        self._read_trials_from_remote_storage(study_id)
        return self.as_written(self._studies[study_id].trials[number])

    def get_all_trials(
        self,
        study_id: int,
        deepcopy: bool = True,
        states: Container[TrialState] | None = None,
    ) -> list[FrozenTrial]:
        """As Optuna's, in the order of the trials' numbers."""
        self._read_trials_from_remote_storage(study_id)
        with self._lock:
            by_number = dict(self._studies[study_id].trials)
        for trial_id in self._waiting:
            its_study, number = self._trial_id_to_study_id_and_number[trial_id]
            if its_study == study_id:
                by_number[number] = self.as_written(by_number[number])
        trials = [by_number[number] for number in sorted(by_number)]
        if states is not None:
            trials = [trial for trial in trials if trial.state in states]
        return copied(trials) if deepcopy else trials

    def _read_trials_from_remote_storage(self, study_id: int) -> None:
        if self._gathering and study_id in self._read:
            return
        super()._read_trials_from_remote_storage(study_id)
        self._read.add(study_id)

    def _add_trials_to_cache(self, study_id: int, trials: list[FrozenTrial]) -> None:
        super()._add_trials_to_cache(study_id, trials)
        # What is read anyway need not be asked for when the first parameter is suggested.
        known = self._studies[study_id].param_distribution
        for trial in trials:
            for name, distribution in trial._distributions.items():
                if name not in known:
                    known[name] = distribution
