"""What is asked of a backend: a database that SQL reaches, or a proxy in front of one."""

from __future__ import annotations

import time
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from optuna.trial import FrozenTrial, TrialState

from tuner.storage.attributes import trial_attrs
from tuner.storage.curves import Curves

BEAT = "tuner:beat"
"""System attribute of a trial: when its supervisor last said that it is run, in seconds since the
epoch by that machine's clock. Optuna's own heartbeats cannot be read or written through a proxy."""


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
            silent_s: Seconds since its last heartbeat in Optuna's table, or since it began.

        Raises:
            SpecError: One of them is not what tuner stores there.
        """
        stored = trial_attrs(attrs, f"trial {number}")
        if stored.beat is not None:
            silent_s = min(silent_s, time.time() - stored.beat)
        lease = attrs.get("worker", {} if BEAT in attrs else None)
        return cls(trial_id, number, lease, stored.attempts, stored.left_behind, silent_s)


class Backend(Protocol):
    """The questions and changes beside Optuna's own, of studies and trials by their identifiers."""

    def check(self, shown: str) -> None:
        """Refuses tables of our own that are of a newer tuner; ``shown`` is the database's name."""

    def prepare(self, shown: str) -> None:
        """Brings the tables of our own to their newest form; ``shown`` is the database's name."""

    def study_names(self) -> list[str]:
        """The names of all studies, oldest first."""

    def study_attrs(self, study_id: int) -> dict[str, Any]:
        """The user attributes of a study, as they are stored now."""

    def studies_with(self, key: str) -> list[tuple[str, Any, dict[TrialState, int]]]:
        """The studies that have a user attribute: name, its value, and :meth:`counts`."""

    def counts(self, study_id: int) -> dict[TrialState, int]:
        """How many trials are in each state; states without one may be absent."""

    def running(self, study_id: int) -> list[RunningTrial]:
        """The trials in the state RUNNING."""

    def beat(self, trial_ids: Collection[int]) -> None:
        """Notes that these trials are being run."""

    def curves(self, trial_id: int) -> Curves:
        """The curves of a trial; empty if none are stored."""

    def give_back(self, trial_id: int, lease: Mapping[str, Any]) -> bool:
        """Puts a running trial back in the queue; False if nobody of that lease runs it now."""

    def enqueue_once(self, study_id: int, trials: Mapping[str, FrozenTrial]) -> None:
        """Adds the waiting trials, by origin, whose ``origin`` no trial of the study has yet."""

    def close(self) -> None:
        """Closes the connections."""
