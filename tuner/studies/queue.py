"""The queue of studies: which are up for work, how urgent they are, and who may take their trials.

A study that is submitted carries its place in the queue as an attribute of its own, so that every
worker, the stock tools and people who look into the database see the same.
"""

from __future__ import annotations

import math
import shlex
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any, Literal

import optuna
from optuna.trial import TrialState

from tuner.errors import RequestError
from tuner.storage.attributes import QueuePlace, study_attr
from tuner.storage.database import Database
from tuner.storage.error_mapping import storage_errors

KEY = "tuner:queue"
"""The study's user attribute."""

Standing = Literal["open", "paused", "stopped", "unlisted"]
"""Whether trials of a study may begin: by any worker, by none, or only by `tuner run`."""

FINISHED = (TrialState.COMPLETE, TrialState.PRUNED)
"""States that count towards ``n_trials``: a failed trial has to be made up for."""


@dataclass(frozen=True)
class Place:
    """A study's place in the queue.

    Attributes:
        standing: ``"open"``: workers take its trials. ``"paused"``: nobody does until it is
            resumed. ``"stopped"``: it was taken off the queue. ``"unlisted"``: it never was there.
        n_trials: Finished trials wanted in total; None if it was never submitted.
        priority: Workers turn to studies of the highest priority first.
        workers: How many trials may run at the same time; None for any number.
        reason: Why it was stopped, if it cannot go on.
        is_used_up: Whether every combination of its search space has been tried, so that it is
            done with fewer trials than are wanted.
    """

    standing: Standing = "unlisted"
    n_trials: int | None = None
    priority: int = 0
    workers: int | None = None
    reason: str | None = None
    is_used_up: bool = False

    def is_done(self, trials: Mapping[TrialState, int]) -> bool:
        """Returns whether a study needs no more trials, given how many it has in each state."""
        if sum(trials.get(state, 0) for state in FINISHED) >= (self.n_trials or 0):
            return True
        # A trial may have been enqueued since the study was marked.
        return self.is_used_up and not trials.get(TrialState.WAITING, 0)


@dataclass(frozen=True)
class Demand:
    """An open study as a worker that looks for work sees it.

    Attributes:
        name: The study.
        place: Its place in the queue.
        finished: Trials that count towards ``n_trials``.
        running: Trials under way, or about to begin, elsewhere than where work is looked for.
        served: When this worker last turned to it; any clock, less is longer ago.
    """

    name: str
    place: Place
    finished: int
    running: int
    served: float = -math.inf

    @property
    def wants_more(self) -> bool:
        """Whether one more trial may begin."""
        wanted, most = self.place.n_trials or 0, self.place.workers
        missing = wanted - self.finished - self.running
        return missing > 0 and (most is None or self.running < most)


def choose(demands: Iterable[Demand]) -> str | None:
    """The study that a free worker turns to; None if no trial may begin.

    The highest priority comes first; among equals the study with the fewest trials under way, then
    the one that waited longest.
    """
    wanting = [demand for demand in demands if demand.wants_more]
    if not wanting:
        return None
    return min(wanting, key=lambda d: (-d.place.priority, d.running, d.served)).name


def place_of(attrs: Mapping[str, Any], study: str) -> Place:
    """The place of a study with these user attributes.

    Raises:
        SpecError: The attribute does not hold what tuner stores there.
    """
    stored = study_attr(QueuePlace, attrs, KEY, study)
    return Place(**stored.model_dump()) if stored else Place()


def standing_of(study: optuna.Study, database: Database) -> Standing:
    """Whether trials of the study may begin, as it is stored now."""
    return place_of(database.study_attrs(study), study.study_name).standing


def put_at(study: optuna.Study, database: Database, place: Place) -> None:
    """Stores the study's place."""
    with storage_errors(database.url):
        study.set_user_attr(KEY, asdict(place))


def submit(
    study: optuna.Study, database: Database, n_trials: int, priority: int, workers: int | None
) -> None:
    """Puts a stored study up for work, or changes its place; a paused one is open again."""
    put_at(study, database, Place("open", n_trials, priority, workers))


def mark_used_up(study: optuna.Study, database: Database) -> bool:
    """Stores that every combination of the study's search space has been tried.

    Returns:
        False if that is stored already.
    """
    place = place_of(database.study_attrs(study), study.study_name)
    if place.is_used_up:
        return False
    put_at(study, database, replace(place, is_used_up=True))
    return True


def pause(study: optuna.Study, database: Database) -> bool:
    """Lets nobody run the study until it is resumed; what runs goes back to the queue.

    Returns:
        False if it is paused already.

    Raises:
        RequestError: It is stopped, so that nobody runs it anyway.
    """
    place = place_of(study.user_attrs, study.study_name)
    if place.standing == "stopped":
        raise RequestError(
            f"study '{study.study_name}' in {database} is stopped, so that nobody runs it; go on "
            f"with: tuner resume {shlex.quote(study.study_name)}"
        )
    if place.standing == "paused":
        return False
    put_at(study, database, replace(place, standing="paused"))
    return True


def resume(study: optuna.Study, database: Database) -> Place:
    """Lets a paused or stopped study go on; returns its place.

    Raises:
        RequestError: It is neither.
    """
    place = place_of(study.user_attrs, study.study_name)
    name = study.study_name
    if place.standing not in ("paused", "stopped"):
        state = "up for work already" if place.standing == "open" else "not paused"
        raise RequestError(f"study '{name}' in {database} is {state}")
    standing: Standing = "unlisted" if place.n_trials is None else "open"
    place = replace(place, standing=standing, reason=None)
    put_at(study, database, place)
    return place


def stop(study: optuna.Study, database: Database, reason: str | None = None) -> bool:
    """Takes the study off the queue and ends the runs that there are of it.

    Returns:
        False if it is stopped already; it keeps the reason that it has.
    """
    place = place_of(study.user_attrs, study.study_name)
    if place.standing == "stopped" and (place.reason or not reason):
        return False
    put_at(study, database, replace(place, standing="stopped", reason=reason))
    return True


def require_unpaused(study: optuna.Study, database: Database) -> None:
    """Makes sure that a run of the study may begin; one that was stopped begins anew by it.

    Raises:
        RequestError: It is paused.
    """
    place = place_of(study.user_attrs, study.study_name)
    if place.standing == "paused":
        raise RequestError(
            f"study '{study.study_name}' in {database} is paused; go on with: "
            f"tuner resume {shlex.quote(study.study_name)}"
        )
    if place.standing == "stopped":
        put_at(study, database, Place())
