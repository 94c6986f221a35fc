"""What a worker offers, and the places in which it runs trials."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, field

from tuner.spec import StudySpec
from tuner.spec.access import Access
from tuner.studies.queue import Place
from tuner.workers.supervisor import Supervisor

GRACE_SECONDS = 30.0
"""How long trials may go on after SIGTERM or Ctrl-C, before they go back to the queue."""


@dataclass(frozen=True)
class Offer:
    """What a worker offers.

    Attributes:
        slots: Trials that it runs at the same time.
        access: What studies in the database may use of this machine.
        studies: Those that it works for; all that are open if empty.
        grace: Seconds, see :data:`GRACE_SECONDS`.
        until_done: Ends when those studies have all their trials, instead of waiting for more.
        checkpoints: Where trials keep theirs, see :mod:`tuner.storage.artifacts`.
    """

    slots: int
    checkpoints: str
    access: Access
    studies: Sequence[str] = ()
    grace: float = GRACE_SECONDS
    until_done: bool = False


@dataclass
class Slot:
    """One place to run trials in, empty without a supervisor.

    Attributes:
        supervisor: Of the study that it runs.
        study: Its name.
        place: Its place in the queue when the slot turned to it.
        stored: The study as it was stored then.
        since: When the slot turned to it.
        looked_at: When it last looked whether the study is stored so still.
    """

    supervisor: Supervisor | None = None
    study: str = ""
    place: Place = field(default_factory=Place)
    stored: StudySpec | None = None
    since: float = 0.0
    looked_at: float = 0.0

    def turn_to(self, supervisor: Supervisor, study: str, place: Place, stored: StudySpec) -> None:
        """Begins with a study."""
        self.supervisor, self.study, self.place, self.stored = supervisor, study, place, stored
        self.since = self.looked_at = time.monotonic()
