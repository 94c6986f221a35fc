"""The messages between supervisor and worker over their pipe."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from tuner.errors import TunerError
from tuner.spec import StudySpec
from tuner.spec.access import Access


@dataclass(frozen=True)
class Job:
    """Supervisor to worker, once, at the start: what to work on.

    Attributes:
        n_trials: Finished trials wanted in total; the worker takes none beyond.
        checkpoints: Where trials keep their checkpoints, see :mod:`tuner.storage.artifacts`.
        check: Whether this worker tries the user's model before any trial is begun; one
            worker of a run does.
        at_once: How many trials of the study may run at the same time, wherever; None for any
            number.
        n_beside: How many workers share this machine's memory, this one among them.
        deadline: Unix time at which the run ends; None if it has no end.
        at_least: Complete trials of the study before which the time does not end the run.
        access: What the study may use of this machine if it comes from a database; None for a
            study file of the user's own.
    """

    spec: StudySpec
    study_name: str
    url: str
    n_trials: int
    checkpoints: str
    check: bool = False
    at_once: int | None = None
    access: Access | None = None
    n_beside: int = 1
    deadline: float | None = None
    at_least: int = 0


@dataclass(frozen=True)
class RunTrial:
    """Supervisor to worker: ask for one trial and run it."""


@dataclass(frozen=True)
class Ready:
    """Worker to supervisor: the data are loaded; ``data`` describes them."""

    data: dict[str, Any]


@dataclass(frozen=True)
class Refused:
    """Worker to supervisor: the study cannot be continued as it is; the worker ends."""

    error: TunerError


@dataclass(frozen=True)
class NothingOpen:
    """Worker to supervisor: other runs have claimed what was open, it waits again."""


@dataclass(frozen=True)
class Started:
    """Worker to supervisor: a trial began.

    Attributes:
        epochs: How many it may take.
        lease: Of the worker, see :mod:`tuner.storage.lease`.
    """

    trial_id: int
    number: int
    epochs: int
    lease: Mapping[str, Any]


@dataclass(frozen=True)
class EpochDone:
    """Worker to supervisor: ``epoch`` (from 1) of the running trial ended with ``value``."""

    epoch: int
    value: float


@dataclass(frozen=True)
class Finished:
    """Worker to supervisor: the trial has ended, and is stored so.

    Attributes:
        values: One for each objective; none of a failed trial.
        violation: As in :class:`tuner.trials.evaluate.Outcome`.
    """

    number: int
    state: str
    values: tuple[float, ...]
    reason: str | None
    was_refused: bool = False
    violation: str | None = None


@dataclass(frozen=True)
class Lost:
    """Worker to supervisor: another process has ended the trial, or runs it."""

    number: int


FromWorker = Ready | Refused | NothingOpen | Started | EpochDone | Finished | Lost
