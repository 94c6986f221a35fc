"""What tuner asks of a storage, answered with the calls of Optuna's gRPC proxy."""

from __future__ import annotations

import math
import time
from collections import Counter
from collections.abc import Collection, Mapping
from contextlib import suppress
from functools import partial
from typing import Any

from optuna.exceptions import UpdateFinishedTrialError
from optuna.storages import GrpcStorageProxy
from optuna.trial import FrozenTrial, TrialState

from tuner.errors import StorageError
from tuner.storage.backend import Writes
from tuner.storage.curves import ATTR, Curves, from_attr
from tuner.storage.openings import OPENING, Opening, opening_of
from tuner.storage.proxy.proxy_claims import ClaimingStorage
from tuner.storage.retrying import RetryPolicy
from tuner.storage.taker import BEAT, RunningTrial, Taker
from tuner.storage.url import PROXY_PORT, parse_url

_TWICE = "queued twice, by two runs that began together"


def open_proxied(url: str, taker: Taker, retry: RetryPolicy) -> ProxiedStorage:
    """Opens the proxy at ``grpc://HOST:PORT``.

    Raises:
        ProxyError: No proxy of Optuna's answers there. A worker does not check: its proxy has been
            there, and may only be restarting.
    """
    parsed = parse_url(url)
    host, port = parsed.host or "", parsed.port or PROXY_PORT
    if taker.lease is None:
        once = ProxiedStorage(host, port, taker, RetryPolicy())
        try:
            with suppress(KeyError):
                once.get_study_id_from_name("")
        finally:
            once.close()
    return ProxiedStorage(host, port, taker, retry)


class ProxiedStorage(ClaimingStorage):
    """Optuna's client with the questions of :class:`tuner.storage.backend.Storage`."""

    def __init__(self, host: str, port: int, taker: Taker, retry: RetryPolicy) -> None:
        super().__init__(host, port, taker, retry)
        self._seen_at: dict[tuple[int, str], float] = {}

    def close(self) -> None:
        GrpcStorageProxy.close(self)

    def check(self, shown: str) -> None:
        """Does nothing, as :meth:`prepare`."""

    def prepare(self, shown: str) -> None:
        """Does nothing: a proxy knows Optuna's own tables and no others."""

    def study_names(self) -> list[str]:
        studies = sorted(self.get_all_studies(), key=lambda study: study._study_id)
        return [study.study_name for study in studies]

    def study_attrs(self, study_id: int) -> dict[str, Any]:
        return self.get_study_user_attrs(study_id)

    def studies_with(self, key: str) -> list[tuple[str, Any, dict[TrialState, int]]]:
        return [
            (study.study_name, study.user_attrs[key], self.counts(study._study_id))
            for study in self.get_all_studies()
            if key in study.user_attrs
        ]

    def counts(self, study_id: int) -> dict[TrialState, int]:
        return Counter(trial.state for trial in self.get_all_trials(study_id, deepcopy=False))

    def running(self, study_id: int) -> list[RunningTrial]:
        """The trials in the state RUNNING, with the heartbeats that pass through a proxy.

        One that has none yet counts as silent since this process first saw it: its start is in the
        local time of the proxy, without the time zone.
        """
        found = []
        running = self.get_all_trials(study_id, deepcopy=False, states=(TrialState.RUNNING,))
        for trial in running:
            beat, lease = trial.system_attrs.get(BEAT), trial.user_attrs.get("worker")
            seen_at = self._seen_at.setdefault((trial._trial_id, str(lease)), time.monotonic())
            attrs = trial.user_attrs | ({} if beat is None else {BEAT: beat})
            silent = time.monotonic() - seen_at if beat is None else math.inf
            found.append(RunningTrial.of(trial._trial_id, trial.number, attrs, silent))
        return found

    def beat(self, trial_ids: Collection[int]) -> None:
        for trial_id in trial_ids:
            with suppress(KeyError, UpdateFinishedTrialError):  # it has ended meanwhile
                GrpcStorageProxy.set_trial_system_attr(self, trial_id, BEAT, time.time())

    def curves(self, trial_id: int) -> Curves:
        """The curves of a trial; empty if none are stored.

        Raises:
            StorageError: It was not run through a proxy, which cannot read them where they are.
        """
        trial = self.get_trial(trial_id)
        if ATTR in trial.system_attrs:
            return from_attr(trial.system_attrs[ATTR])
        if "worker" in trial.user_attrs and trial.state.is_finished():
            raise StorageError(
                f"the curves of trial {trial.number} cannot be seen through a proxy, or were too "
                "long for one: name the database itself with --storage"
            )
        return {}

    def store_opening(self, opening: Opening) -> None:
        """Stores an opening as an attribute of its study, which is deleted with it.

        Raises:
            KeyError: There is no such study.
        """
        study_id = self.get_study_id_from_name(opening.study)
        key = f"{OPENING}{opening.id}"
        self.set_study_system_attr(study_id, key, opening.to_dict())

    def openings(self, study: str) -> list[Opening]:
        """The openings that were recorded through a proxy; it does not see others."""
        try:
            attrs = self.get_study_system_attrs(self.get_study_id_from_name(study))
        except KeyError:
            return []
        found = [
            opening_of(value, study) for key, value in attrs.items() if key.startswith(OPENING)
        ]
        return sorted(found, key=lambda one: (one.opened_at, one.id))

    def enqueue_once(self, study_id: int, trials: Mapping[str, FrozenTrial]) -> None:
        """Adds the waiting trials whose attribute ``origin`` no trial of the study has yet.

        Nothing can be locked: two runs that begin together may both add a trial; the one whose
        trial has the greater number sees the other's, and fails its own.
        """
        for origin, template in trials.items():
            if origin not in self._origins(study_id):
                trial_id = self.retry.call(partial(self._enqueue, study_id, template))
                if self._origins(study_id)[origin] != trial_id:
                    self._withdraw(trial_id)

    def _origins(self, study_id: int) -> dict[str, int]:
        """The first trial of each origin."""
        found: dict[str, int] = {}
        for trial in self.get_all_trials(study_id, deepcopy=False):
            found.setdefault(str(trial.user_attrs.get("origin", "")), trial._trial_id)
        return found

    def _enqueue(self, study_id: int, template: FrozenTrial, again: bool) -> int:
        origin = template.user_attrs["origin"]
        if again and (known := self._origins(study_id).get(origin)) is not None:
            return known
        return GrpcStorageProxy.create_new_trial(self, study_id, template)

    def _withdraw(self, trial_id: int) -> None:
        if self.take(None, trial_id):  # else another process runs it: no harm
            self.store(trial_id, Writes(user_attrs={"reason": _TWICE}, end=(TrialState.FAIL, ())))
