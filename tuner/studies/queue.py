"""The queue of studies: which are submitted, how urgent they are, and who may take their trials.

A study carries its entry in the queue as an attribute of its own, so that every worker, the stock
tools and people who look into the database see the same.
"""

from __future__ import annotations

import math
import shlex
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import optuna
from optuna.trial import TrialState

from tuner.errors import RequestError
from tuner.storage.attributes import QueueEntry, QueueStatus, study_attr
from tuner.storage.database import Database
from tuner.storage.error_mapping import storage_errors

KEY = "tuner:queue"
"""The study's user attribute."""

FINISHED = (TrialState.COMPLETE, TrialState.PRUNED)
"""States that count towards ``n_trials``: a failed trial is replaced by another one."""


def n_finished(counts: Mapping[TrialState, int]) -> int:
    """Returns how many trials count towards ``n_trials``, given how many are in each state."""
    return sum(counts.get(state, 0) for state in FINISHED)


@dataclass(frozen=True)
class Queued:
    """A study in the queue: its entry, and how many trials it has in each state."""

    entry: QueueEntry = field(default_factory=QueueEntry)
    counts: Mapping[TrialState, int] = field(default_factory=dict)

    @property
    def finished(self) -> int:
        """Trials that count towards ``n_trials``."""
        return n_finished(self.counts)

    @property
    def running(self) -> int:
        """Trials under way, wherever."""
        return self.counts.get(TrialState.RUNNING, 0)

    @property
    def is_done(self) -> bool:
        """Whether the study needs no more trials."""
        if self.finished >= (self.entry.n_trials or 0):
            return True
        # A trial may have been enqueued since the study was marked.
        ends_early = self.entry.is_used_up or self.entry.has_stopped
        return ends_early and not self.counts.get(TrialState.WAITING, 0)


@dataclass(frozen=True)
class Demand:
    """An open study as a worker that looks for work sees it.

    Attributes:
        name: The study.
        entry: Its entry in the queue.
        finished: Trials that count towards ``n_trials``.
        running: Trials under way, or about to begin, elsewhere than where work is looked for.
        served_at: When this worker last turned to it; any clock, less is longer ago.
    """

    name: str
    entry: QueueEntry
    finished: int
    running: int
    served_at: float = -math.inf

    @property
    def wants_more(self) -> bool:
        """Whether one more trial may begin."""
        wanted, most = self.entry.n_trials or 0, self.entry.workers
        missing = wanted - self.finished - self.running
        return missing > 0 and (most is None or self.running < most)


def choose(demands: Iterable[Demand]) -> str | None:
    """Returns the study that a free worker turns to; None if no trial may begin.

    The highest priority comes first; among equals the study with the fewest trials under way, then
    the one that has waited longest.
    """
    wanting = [demand for demand in demands if demand.wants_more]
    if not wanting:
        return None
    return min(wanting, key=lambda d: (-d.entry.priority, d.running, d.served_at)).name


def entry_of(attrs: Mapping[str, Any], study: str) -> QueueEntry:
    """Returns the entry of a study with these user attributes; an unlisted one if it has none.

    Raises:
        SpecError: The attribute does not hold what tuner stores there.
    """
    return study_attr(QueueEntry, attrs, KEY, study) or QueueEntry()


def status_of(study: optuna.Study, database: Database) -> QueueStatus:
    """Returns whether trials of the study may begin, as it is stored now."""
    return entry_of(database.study_attrs(study), study.study_name).status


def store_entry(study: optuna.Study, database: Database, entry: QueueEntry) -> None:
    """Stores the study's entry in place of the one that it has."""
    with storage_errors(database.url):
        study.set_user_attr(KEY, entry.to_dict())


def mark_used_up(study: optuna.Study, database: Database) -> bool:
    """Stores that every combination of the study's search space has been tried.

    Returns:
        False if that is stored already.
    """
    return _update(study, database, database.study_attrs(study), is_used_up=True)


def mark_stopped(study: optuna.Study, database: Database) -> bool:
    """Stores that the study has stopped by itself.

    Returns:
        False if that is stored already.
    """
    return _update(study, database, database.study_attrs(study), has_stopped=True)


def pause(study: optuna.Study, database: Database) -> bool:
    """Lets nobody run the study until it is resumed; running trials are requeued.

    Returns:
        False if it is paused already.

    Raises:
        RequestError: It is stopped, so that nobody runs it anyway.
    """
    if entry_of(study.user_attrs, study.study_name).status == "stopped":
        raise RequestError(
            f"study '{study.study_name}' in {database} is stopped, so that nobody runs it; go on "
            f"with: tuner resume {shlex.quote(study.study_name)}"
        )
    return _update(study, database, study.user_attrs, status="paused")


def resume(study: optuna.Study, database: Database) -> QueueEntry:
    """Lets a paused or stopped study continue; returns its entry.

    Raises:
        RequestError: It is neither.
    """
    entry = entry_of(study.user_attrs, study.study_name)
    name = study.study_name
    if entry.status not in ("paused", "stopped"):
        state = "open already" if entry.status == "open" else "not paused"
        raise RequestError(f"study '{name}' in {database} is {state}")
    status: QueueStatus = "unlisted" if entry.n_trials is None else "open"
    entry = entry.model_copy(update={"status": status, "reason": None})
    store_entry(study, database, entry)
    return entry


def stop(study: optuna.Study, database: Database, reason: str | None = None) -> bool:
    """Takes the study off the queue and ends the runs that there are of it.

    Returns:
        False if it is stopped already; it keeps the reason that it has.
    """
    entry = entry_of(study.user_attrs, study.study_name)
    if entry.status == "stopped" and (entry.reason or not reason):
        return False
    return _update(study, database, study.user_attrs, status="stopped", reason=reason)


def require_unpaused(study: optuna.Study, database: Database) -> None:
    """Makes sure that a run of the study may begin; a stopped study leaves the queue by it.

    Raises:
        RequestError: It is paused.
    """
    status = entry_of(study.user_attrs, study.study_name).status
    if status == "paused":
        raise RequestError(
            f"study '{study.study_name}' in {database} is paused; go on with: "
            f"tuner resume {shlex.quote(study.study_name)}"
        )
    if status == "stopped":
        store_entry(study, database, QueueEntry())


def _update(
    study: optuna.Study, database: Database, attrs: Mapping[str, Any], **changes: Any
) -> bool:
    """Stores the entry with some values changed; returns False if it has them already."""
    entry = entry_of(attrs, study.study_name)
    changed = entry.model_copy(update=changes)
    if changed == entry:
        return False
    store_entry(study, database, changed)
    return True
