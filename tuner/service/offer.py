"""What a worker of the service offers to the studies in a database."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from tuner.spec.access import Access

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
