"""Optuna's client of its gRPC proxy, with writes in groups and parameters in their order."""

from __future__ import annotations

import warnings
from collections.abc import Container, Mapping, Sequence
from contextlib import suppress
from copy import deepcopy as copied
from typing import Any

import optuna
from optuna.distributions import BaseDistribution, check_distribution_compatibility
from optuna.exceptions import UpdateFinishedTrialError
from optuna.storages import GrpcStorageProxy
from optuna.trial import FrozenTrial, TrialState

from tuner.errors import SpecError
from tuner.space import SearchSpace
from tuner.storage.backend import Storage, Writes
from tuner.storage.curves import ATTR, to_attr
from tuner.storage.optuna_private import proxy_cache, proxy_stub
from tuner.storage.proxy.calls import Calls, connect
from tuner.storage.retrying import RetryPolicy
from tuner.storage.taker import Taker, TrialLost


class RemoteStorage(Storage, GrpcStorageProxy):
    """As Optuna's, which sends each parameter, attribute and value at once.

    What waits inside :meth:`together` is sent at its end, a call for each. The proxy offers no
    transaction: a process that dies between two calls leaves a running trial with the first of
    them, and the end of a trial is sent last.
    """

    def __init__(self, host: str, port: int, taker: Taker, retry: RetryPolicy) -> None:
        Storage.__init__(self, taker, retry)
        self._study_of: dict[int, int] = {}
        self._names: dict[int, list[str]] = {}
        self._distributions: dict[tuple[int, str], BaseDistribution] = {}
        self._ordered: set[int] = set()  # finished trials whose parameters are in order
        with warnings.catch_warnings():
            # Optuna has marked its proxy experimental since 4.2.
            warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
            GrpcStorageProxy.__init__(self, host=host, port=port)

    def _setup(self) -> None:
        self._channel = connect(self._host, self._port)
        self._stub = Calls(proxy_stub(self._channel), self.retry)  # type: ignore[assignment]
        self._cache = proxy_cache(self._stub)

    def delete_study(self, study_id: int) -> None:
        super().delete_study(study_id)
        # SQLite gives the identifiers of what was deleted to new studies and trials.
        self._names.pop(study_id, None)
        of_others = {key: one for key, one in self._distributions.items() if key[0] != study_id}
        self._distributions = of_others
        self._study_of = {id_: of for id_, of in self._study_of.items() if of != study_id}
        self._ordered.clear()

    def store(self, trial_id: int, writes: Writes) -> None:
        proxy = GrpcStorageProxy
        holder = self.taker.lease if writes.holder is None else writes.holder
        # Checked only where it matters most: it takes another call.
        if holder is not None and (writes.end is not None or writes.holder is not None):
            trial = self.get_trial(trial_id)
            if trial.user_attrs.get("worker", {}) != holder:
                raise TrialLost(f"Trial#{trial.number} is run by another process now.")
        # Each of these, sent again, replaces what it has stored.
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
            self.retry.call(lambda again: self._end(trial_id, state, list(values), again))

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
        """As Optuna's; checks at once that the study's distributions agree."""
        study_id = self._study_of.get(trial_id)
        if study_id is not None:  # else the proxy will check it
            key = (study_id, param_name)
            if key not in self._distributions:
                self._distributions[key] = self._stored(*key) or distribution
            try:
                check_distribution_compatibility(self._distributions[key], distribution)
            except ValueError:
                self.check_trial_is_updatable(trial_id, self.get_trial(trial_id).state)
                raise
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
        put_in_order(trial, names)
        return self.as_written(trial)

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
            if trial._trial_id in self._ordered:
                continue
            if len(trial.params) > 1:
                put_in_order(trial, self._names_of(study_id))
            if trial.state.is_finished():
                self._ordered.add(trial._trial_id)
            else:
                self._study_of[trial._trial_id] = study_id
        if self._waiting:
            trials = [self.as_written(trial) for trial in trials]
        return copied(trials) if deepcopy else trials


def names_in_order(study_attrs: Mapping[str, Any]) -> list[str]:
    """All names of parameters of a study's trials; empty if tuner did not make the study."""
    spec = study_attrs.get("tuner:spec")
    space = spec.get("search_space") if isinstance(spec, Mapping) else None
    if not isinstance(space, Mapping):
        return []  # what is wrong with it is reported when the study is opened
    with suppress(SpecError):
        return list(SearchSpace.parse(space, "the study").names())
    return []


def put_in_order(trial: FrozenTrial, names: Sequence[str]) -> None:
    """Sorts a trial's parameters as ``names``, others after them by name.

    The proxy's messages have no order: each process would see, and sample, in one of its own.
    """
    position = {name: i for i, name in enumerate(names)}
    params = sorted(trial.params, key=lambda name: (position.get(name, len(position)), name))
    trial.params = {name: trial.params[name] for name in params}
    trial.distributions = {name: trial.distributions[name] for name in params}
