"""Which process claims trials, which one runs them, and the heartbeats in between."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from optuna.exceptions import UpdateFinishedTrialError
from optuna.trial import TrialState

from tuner.storage.attributes import trial_attrs

BEAT = "tuner:beat"
"""System attribute of a trial: the last heartbeat of its supervisor, in seconds since the epoch by
that machine's clock. Optuna's own heartbeats cannot be read or written through a proxy."""

TAKEN = (TrialState.COMPLETE, TrialState.PRUNED, TrialState.RUNNING)
"""States that count towards the trials that are wanted."""


class NoneOpen(Exception):
    """No trial can be claimed: as many as are wanted are finished or running."""


class TrialLost(UpdateFinishedTrialError):
    """The trial was deleted, or is run by another process because this one was silent."""


@dataclass(frozen=True)
class Taker:
    """A process that claims trials.

    Attributes:
        lease: Written to every trial that is claimed, if not None; see :mod:`tuner.storage.lease`.
        wanted: How many trials of a study may be finished or running; None for any number.
        at_once: How many trials of a study may be running; None for any number.
    """

    lease: Mapping[str, Any] | None = None
    wanted: int | None = None
    at_once: int | None = None


@dataclass(frozen=True)
class RunningTrial:
    """A trial in the state RUNNING.

    Attributes:
        lease: Which process runs it, see ``lease.py``; empty if tuner claimed it and its
            lease is not yet written, None if another program runs it.
        attempts: How many workers have died while they ran it.
        left_behind: How often it was found without its process.
        silent_s: Seconds since its last heartbeat, or since it began if there was none yet.
    """

    trial_id: int
    number: int
    lease: Mapping[str, Any] | None
    attempts: int
    left_behind: int
    silent_s: float

    @classmethod
    def of(
        cls, trial_id: int, number: int, attrs: Mapping[str, Any], silent_s: float
    ) -> RunningTrial:
        """The trial with these of its attributes, user's and :data:`BEAT`.

        Args:
            trial_id: Its identifier.
            number: Its number in the study.
            attrs: The attributes.
            silent_s: Seconds since its last heartbeat in Optuna's table, or since it began.

        Raises:
            SpecError: One of them is not what tuner stores there.
        """
        stored = trial_attrs(attrs, f"trial {number}")
        if stored.beat is not None:
            silent_s = min(silent_s, time.time() - stored.beat)
        lease = attrs.get("worker", {} if BEAT in attrs else None)
        return cls(trial_id, number, lease, stored.attempts, stored.left_behind, silent_s)
