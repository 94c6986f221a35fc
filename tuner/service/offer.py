"""What a worker of the service is asked for, and what it then offers to the studies."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tuner.errors import RequestError
from tuner.spec.access import Access
from tuner.spec.quantities import seconds
from tuner.storage.artifacts import chosen_place
from tuner.studies.catalog import locate
from tuner.workers.request import cores

GRACE_SECONDS = 30.0
"""How long running trials may take to finish after SIGTERM or Ctrl-C; then they are requeued."""


@dataclass(frozen=True)
class Offer:
    """What a worker offers.

    Attributes:
        slots: Trials that it runs at the same time.
        checkpoints: Where trials keep theirs, see :mod:`tuner.storage.artifacts`.
        access: What studies in the database may use of this machine.
        studies: Those that it works for; all that are open if empty.
        grace: Seconds, see :data:`GRACE_SECONDS`.
        until_done: Ends when those studies have all their trials, instead of waiting for more.
    """

    slots: int
    checkpoints: str
    access: Access
    studies: Sequence[str]
    grace: float
    until_done: bool


@dataclass(frozen=True, kw_only=True)
class WorkerRequest:
    """A request to run trials of submitted studies.

    Attributes:
        studies: Names, or paths of study files; all that are open if empty.
        workers: Trials at the same time; one a core if None.
        storage: As in :func:`tuner.run`.
        allow_code: Run the ``module:function`` code that studies in the database name.
        data_roots: Folders below which their files are read; the working folder if empty.
        grace: Seconds, or as ``"30s"``; with 0 running trials are requeued at once.
        until_done: See :class:`Offer`.
        checkpoints: As in :func:`tuner.run`.

    Raises:
        RequestError: ``workers`` is out of range.
    """

    studies: Sequence[str] = ()
    workers: int | None = None
    storage: str | None = None
    allow_code: bool = False
    data_roots: Sequence[str | Path] = ()
    grace: float | str = GRACE_SECONDS
    until_done: bool = False
    checkpoints: str | None = None

    def __post_init__(self) -> None:
        if self.workers is not None and self.workers < 1:
            raise RequestError(f"--workers must be at least 1, but got {self.workers}")

    def offer(self, url: str) -> Offer:
        """Returns what the worker offers.

        Args:
            url: The database.

        Raises:
            TunerError: A study file, a folder or a time is wrong.
        """
        try:
            return Offer(
                self.workers or cores(),
                chosen_place(self.checkpoints, url),
                Access.given(self.data_roots, allow_code=self.allow_code),
                tuple(locate(study)[1] for study in self.studies),
                grace=seconds(self.grace, zero=True),
                until_done=self.until_done,
            )
        except ValueError as error:
            raise RequestError(f"--grace {error}") from None
