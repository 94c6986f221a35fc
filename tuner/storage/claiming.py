"""Taking a trial through Optuna's proxy: by one process only, which says that it has it.

No transaction holds several calls together, so their order matters: a process that dies between two
of them leaves what the others can go on with. Of a trial that is taken stand, in this order, the
heartbeat, the state RUNNING, and the lease of who runs it.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from contextlib import suppress

from optuna.exceptions import UpdateFinishedTrialError
from optuna.storages import GrpcStorageProxy
from optuna.trial import FrozenTrial, TrialState, create_trial

from tuner.storage.backend import BEAT
from tuner.storage.patience import Patience
from tuner.storage.remote import RemoteStorage
from tuner.storage.taking import TAKEN, NoneOpen, Taker


class ClaimingStorage(RemoteStorage):
    """Optuna's client, where a trial is taken by one process only and says by which."""

    def __init__(self, host: str, port: int, taker: Taker, patience: Patience) -> None:
        super().__init__(host, port, taker, patience)
        self._leases: dict[int, object] = {}  # of running trials, as they were last asked for

    def create_new_trial(self, study_id: int, template_trial: FrozenTrial | None = None) -> int:
        """As Optuna's; a new trial without a template is queued, and taken out of the queue.

        So it begins and ends by one clock, the proxy's. If somebody else takes it out first, or
        this process dies before it does, it is a trial like another.

        Raises:
            NoneOpen: It is one too many.
        """
        if template_trial is not None:
            return super().create_new_trial(study_id, template_trial)
        while True:
            self._require_open(study_id)
            trial_id = self.patience.call(lambda again: self._queue_new(study_id, again))
            if self.take(study_id, trial_id):
                return trial_id

    def set_trial_state_values(
        self, trial_id: int, state: TrialState, values: Sequence[float] | None = None
    ) -> bool:
        """As Optuna's; a trial ends after what waits to be written to it.

        Raises:
            NoneOpen: Taken, the trial would be one too many.
        """
        if state.is_finished():
            self.end(trial_id, state, values)
            return True
        if state is TrialState.RUNNING:
            return self.take(self._study_of.get(trial_id), trial_id)
        return super().set_trial_state_values(trial_id, state, values)

    def _queue_new(self, study_id: int, again: bool) -> int:
        lease = self.taker.lease
        if again and lease is not None:
            waiting = self.get_all_trials(study_id, deepcopy=False, states=(TrialState.WAITING,))
            for trial in waiting:  # the one that was queued without being heard
                if trial.user_attrs.get("worker") == lease:
                    return trial._trial_id
        new = create_trial(
            state=TrialState.WAITING,
            user_attrs={} if lease is None else {"worker": dict(lease)},
            system_attrs={BEAT: time.time()},
        )
        trial_id = GrpcStorageProxy.create_new_trial(self, study_id, new)
        self._study_of[trial_id] = study_id
        return trial_id

    def take(self, study_id: int | None, trial_id: int) -> bool:
        """Takes a waiting trial; False if it does not wait any more.

        Who is one too many sees that afterwards and puts the trial back: of several that take at
        the same moment the last one sees all of them.
        """
        if study_id is not None:
            self._require_open(study_id)
        before = self.get_trial(trial_id)
        if before.state is not TrialState.WAITING:
            return False
        begun = time.time()
        GrpcStorageProxy.set_trial_system_attr(self, trial_id, BEAT, begun)
        if not self.patience.call(lambda again: self._begin(before, begun, again)):
            return False
        if self.taker.lease is not None:
            lease = dict(self.taker.lease)
            GrpcStorageProxy.set_trial_user_attr(self, trial_id, "worker", lease)
        self._leases.pop(trial_id, None)
        try:
            if study_id is not None:
                self._require_open(study_id, taken=1)
        except BaseException:
            self.give_back(trial_id)
            raise
        return True

    def _begin(self, before: FrozenTrial, begun: float, again: bool) -> bool:
        trial_id, running = before._trial_id, TrialState.RUNNING
        if GrpcStorageProxy.set_trial_state_values(self, trial_id, running):
            return True
        if not again:
            return False
        # It may have been this process, without hearing it: nobody has signed or beaten since.
        now = self.get_trial(trial_id)
        is_same = now.user_attrs.get("worker") == before.user_attrs.get("worker")
        return is_same and now.state is running and now.system_attrs.get(BEAT) == begun

    def _require_open(self, study_id: int, taken: int = 0) -> None:
        if self.taker.wanted is not None:
            found = len(self.get_all_trials(study_id, deepcopy=False, states=TAKEN))
            if found - taken >= self.taker.wanted:
                raise NoneOpen

    def give_back(self, trial_id: int) -> bool:
        """Puts a running trial back in the queue; False if it was not running any more.

        Nor if somebody else runs it since the running trials were asked for.
        """
        return self.patience.call(lambda again: self._give_back(trial_id, again))

    def _give_back(self, trial_id: int, again: bool) -> bool:
        trial = self.get_trial(trial_id)
        if trial.state is not TrialState.RUNNING:
            return again and trial.state is TrialState.WAITING
        worker = trial.user_attrs.get("worker")
        if self._leases.get(trial_id, worker) != worker:
            return False
        with suppress(UpdateFinishedTrialError):
            return GrpcStorageProxy.set_trial_state_values(self, trial_id, TrialState.WAITING)
        return False
