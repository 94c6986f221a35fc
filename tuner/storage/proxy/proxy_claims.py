"""Claims trials through Optuna's proxy: each by one process only, with its lease.

No transaction holds several calls together, so their order matters: a process that dies between two
of them leaves a state that others can continue from. A claim writes, in this order, the heartbeat,
the state RUNNING, and the lease.
"""

from __future__ import annotations

import math
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from functools import partial
from typing import Any

from optuna.exceptions import UpdateFinishedTrialError
from optuna.storages import GrpcStorageProxy
from optuna.trial import FrozenTrial, TrialState, create_trial

from tuner.storage.proxy.client import RemoteStorage
from tuner.storage.taker import BEAT, TAKEN, NoneOpen


class ClaimingStorage(RemoteStorage):
    """Optuna's client, where a trial is claimed by one process only."""

    def create_new_trial(self, study_id: int, template_trial: FrozenTrial | None = None) -> int:
        """As Optuna's; without a template a new trial is queued, and the queue's first claimed.

        So it begins and ends by one clock, the proxy's. If another process claims it first, or this
        one dies before it does, it is a trial like any other.

        Raises:
            NoneOpen: It is one too many.
        """
        if template_trial is not None:
            return super().create_new_trial(study_id, template_trial)
        while True:
            trials = self.get_all_trials(study_id, deepcopy=False)
            for trial in trials:
                if trial.state is TrialState.WAITING and self.take(study_id, trial._trial_id):
                    return trial._trial_id
            if not self._is_open(trials, len(trials)):
                raise NoneOpen
            self.retry.call(partial(self._queue_new, study_id))

    def set_trial_state_values(
        self, trial_id: int, state: TrialState, values: Sequence[float] | None = None
    ) -> bool:
        """As Optuna's; a trial ends after what waits to be written to it.

        A trial that would be one too many is not claimed.
        """
        if state.is_finished():
            self.end(trial_id, state, values)
            return True
        if state is TrialState.RUNNING:
            if self.take(self._study_of.get(trial_id), trial_id):
                return True
            self.check_trial_is_updatable(trial_id, self.get_trial(trial_id).state)
            return False
        return super().set_trial_state_values(trial_id, state, values)

    def _queue_new(self, study_id: int, again: bool) -> None:
        if again:
            trials = self.get_all_trials(study_id, deepcopy=False)
            if any(trial.state is TrialState.WAITING for trial in trials):
                return  # perhaps the one whose answer was lost; any other is as good
        new = create_trial(state=TrialState.WAITING)
        GrpcStorageProxy.create_new_trial(self, study_id, new)

    def take(self, study_id: int | None, trial_id: int) -> bool:
        """Claims a waiting trial; False if it does not wait any more or is one too many.

        Args:
            study_id: Its study; None if it may be one too many.
            trial_id: The trial.
        """
        if study_id is None:
            before = self.get_trial(trial_id)
        else:
            trials = self.get_all_trials(study_id, deepcopy=False)
            before = next(trial for trial in trials if trial._trial_id == trial_id)
            if not self._is_open(trials, before.number):
                return False
        if before.state is not TrialState.WAITING:
            return False
        begun = time.time()
        try:
            GrpcStorageProxy.set_trial_system_attr(self, trial_id, BEAT, begun)
            if not self.retry.call(partial(self._begin, before, begun)):
                return False
        except UpdateFinishedTrialError:  # another process was much faster
            return False
        if self.taker.lease is not None:
            lease = dict(self.taker.lease)
            GrpcStorageProxy.set_trial_user_attr(self, trial_id, "worker", lease)
        # Processes that claim by SQL count the claimed trials, whatever their numbers.
        if study_id is not None and self._is_too_many(study_id):
            self.give_back(trial_id, self.taker.lease or {})
            return False
        return True

    def _begin(self, before: FrozenTrial, begun: float, again: bool) -> bool:
        trial_id, running = before._trial_id, TrialState.RUNNING
        if GrpcStorageProxy.set_trial_state_values(self, trial_id, running):
            return True
        if not again:
            return False
        # It was this process, whose answer was lost, if there is no other lease or heartbeat.
        now = self.get_trial(trial_id)
        is_same = now.user_attrs.get("worker") == before.user_attrs.get("worker")
        return is_same and now.state is running and now.system_attrs.get(BEAT) == begun

    def _is_open(self, trials: Sequence[FrozenTrial], number: int) -> bool:
        """Whether the trial of that number may be claimed, besides these that are there.

        Only the first ones that have not failed may, as many as are wanted. All processes that look
        at the same moment come to the same answer, so none claims one too many.
        """
        wanted, at_once = self.taker.wanted, self.taker.at_once
        states = [trial.state for trial in trials]
        if at_once is not None and states.count(TrialState.RUNNING) >= at_once:
            return False
        if wanted is None:
            return True
        before = [trial for trial in trials if trial.number < number]
        there = sum(trial.state is not TrialState.FAIL for trial in before)
        return there < wanted and sum(state in TAKEN for state in states) < wanted

    def _is_too_many(self, study_id: int) -> bool:
        taken = self.get_all_trials(study_id, deepcopy=False, states=TAKEN)
        running = sum(trial.state is TrialState.RUNNING for trial in taken)
        wanted, at_once = self.taker.wanted or math.inf, self.taker.at_once or math.inf
        return len(taken) > wanted or running > at_once

    def give_back(self, trial_id: int, lease: Mapping[str, Any]) -> bool:
        return self.retry.call(partial(self._give_back, trial_id, lease))

    def _give_back(self, trial_id: int, lease: Mapping[str, Any], again: bool) -> bool:
        trial = self.get_trial(trial_id)
        if trial.state is not TrialState.RUNNING:
            return again and trial.state is TrialState.WAITING
        if trial.user_attrs.get("worker", {}) != lease:
            return False
        with suppress(UpdateFinishedTrialError):
            return GrpcStorageProxy.set_trial_state_values(self, trial_id, TrialState.WAITING)
        return False
