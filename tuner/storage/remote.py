"""Optuna's client of its gRPC proxy, where what belongs together is sent together."""

from __future__ import annotations

import warnings
from collections.abc import Container
from copy import deepcopy as copied

import optuna
from optuna.distributions import BaseDistribution, check_distribution_compatibility
from optuna.exceptions import UpdateFinishedTrialError
from optuna.storages import GrpcStorageProxy
from optuna.storages._grpc.auto_generated.api_pb2_grpc import StorageServiceStub
from optuna.trial import FrozenTrial, TrialState

from tuner.storage.calls import Calls, connect
from tuner.storage.curves import ATTR, to_attr
from tuner.storage.gathering import Gathering
from tuner.storage.ordering import OrderedCache, names_in_order, put_in_order
from tuner.storage.retrying import Patience
from tuner.storage.taking import Taker
from tuner.storage.writing import TrialLost, Writes


class RemoteStorage(Gathering, GrpcStorageProxy):
    """As Optuna's, which sends each parameter, attribute and value at once.

    What waits inside :meth:`together` is sent at its end, a call for each. The proxy offers no
    transaction: whoever dies on the way leaves a running trial with the first of them, and the end
    of a trial is sent last.

    Attributes:
        taker: Who takes trials, and how many may be taken.
        patience: How long a proxy that does not answer is tried again.
    """

    def __init__(self, host: str, port: int, taker: Taker, patience: Patience) -> None:
        self.taker = taker
        self.patience = patience
        self._study_of: dict[int, int] = {}
        self._names: dict[int, list[str]] = {}
        self._distributions: dict[tuple[int, str], BaseDistribution] = {}
        with warnings.catch_warnings():
            # Optuna has marked its proxy experimental since 4.2.
            warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
            super().__init__(host=host, port=port)

    def _setup(self) -> None:
        self._channel = connect(self._host, self._port)
        self._stub = Calls(StorageServiceStub(self._channel), self.patience)  # type: ignore
        self._cache = OrderedCache(self._stub, self._names_of)

    def store(self, trial_id: int, writes: Writes) -> None:
        proxy = GrpcStorageProxy
        holder = self.taker.lease if writes.holder is None else writes.holder
        # Asked when it matters most, for it takes a call more.
        if holder is not None and (writes.end is not None or writes.holder is not None):
            trial = self.get_trial(trial_id)
            if trial.user_attrs.get("worker", {}) != holder:
                raise TrialLost(f"Trial#{trial.number} is run by another process now.")
        # Sent again, each of these replaces what it has stored.
        for name, (value, distribution) in writes.params.items():
            proxy.set_trial_param(self, trial_id, name, value, distribution)
        user_attrs, system_attrs = writes.user_attrs, writes.system_attrs
        if writes.logged and (curves := to_attr(writes.logged)):
            system_attrs = system_attrs | {ATTR: curves}
        for key, attr in user_attrs.items():
            proxy.set_trial_user_attr(self, trial_id, key, attr)
        for key, attr in system_attrs.items():
            proxy.set_trial_system_attr(self, trial_id, key, attr)
        for step, reported in writes.intermediate_values.items():
            proxy.set_trial_intermediate_value(self, trial_id, step, reported)
        if writes.end is not None:
            state, values = writes.end
            self.patience.call(lambda again: self._end(trial_id, state, list(values), again))

    def _end(self, trial_id: int, state: TrialState, values: list[float], again: bool) -> None:
        try:
            GrpcStorageProxy.set_trial_state_values(self, trial_id, state, values or None)
        except UpdateFinishedTrialError:
            if not again or self.get_trial(trial_id).state is not state:
                raise

    def set_trial_param(
        self,
        trial_id: int,
        param_name: str,
        param_value_internal: float,
        distribution: BaseDistribution,
    ) -> None:
        """As Optuna's, with the same check that the study's distributions agree, at once."""
        study_id = self._study_of.get(trial_id)
        if study_id is not None:  # else the proxy will check it
            key = (study_id, param_name)
            if key not in self._distributions:
                self._distributions[key] = self._stored(*key) or distribution
            check_distribution_compatibility(self._distributions[key], distribution)
        self.write(trial_id, Writes(params={param_name: (param_value_internal, distribution)}))

    def _stored(self, study_id: int, name: str) -> BaseDistribution | None:
        for trial in GrpcStorageProxy.get_all_trials(self, study_id, deepcopy=False):
            if name in trial.distributions:
                return trial.distributions[name]
        return None

    def get_trial(self, trial_id: int) -> FrozenTrial:
        trial = super().get_trial(trial_id)
        study_id = self._study_of.get(trial_id)
        names = [] if study_id is None else self._names_of(study_id)
        return self.as_written(put_in_order(trial, names))

    def _names_of(self, study_id: int) -> list[str]:
        if study_id not in self._names:
            self._names[study_id] = names_in_order(self.get_study_user_attrs(study_id))
        return self._names[study_id]

    def get_all_trials(
        self,
        study_id: int,
        deepcopy: bool = True,
        states: Container[TrialState] | None = None,
    ) -> list[FrozenTrial]:
        trials = super().get_all_trials(study_id, deepcopy=False, states=states)
        for trial in trials:
            if not trial.state.is_finished():
                self._study_of[trial._trial_id] = study_id
        if self._waiting:
            trials = [self.as_written(trial) for trial in trials]
        return copied(trials) if deepcopy else trials
