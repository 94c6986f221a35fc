"""One run of a study: checked before anything starts, supervised, returned as a result."""

from __future__ import annotations

import math
import os
import shlex
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import optuna

from tuner import search
from tuner.errors import RequestError, StudyError
from tuner.results.mattered import what_mattered
from tuner.results.rows import StudyResult, TrialRow
from tuner.results.trials import best_of
from tuner.spec import StudySpec
from tuner.spec.access import Access
from tuner.storage.artifacts import chosen_place
from tuner.storage.database import Database
from tuner.storage.error_mapping import storage_errors
from tuner.storage.retrying import PATIENT_SECONDS, Patience
from tuner.storage.url import chosen_url
from tuner.studies import lifecycle, recovery
from tuner.studies.catalog import find_study
from tuner.studies.foreign import end_them, foreign_trials
from tuner.studies.queue import FINISHED, require_unpaused
from tuner.trials.checking import check_spec
from tuner.units import count
from tuner.workers.messages import Job
from tuner.workers.observer import Observer
from tuner.workers.supervisor import Ending, Supervisor

Engine = Callable[[StudySpec, str, Database, Observer, int, int, str], Ending]
"""Runs a study, see :func:`supervise`."""


@dataclass(frozen=True)
class Run:
    """A run that has ended.

    Attributes:
        result: The study as it stands.
        ending: Why the run ended.
        n_workers: Worker processes that it had; None if there was nothing to run.
        mattered: Share of each parameter in what makes a trial good, largest first.
        short: Why fewer trials are finished than were wanted, in one line, if the run ended by
            itself all the same; None if it did not.
    """

    result: StudyResult
    ending: Ending
    n_workers: int | None
    mattered: dict[str, float]
    short: str | None = None


def run_study(
    study: str,
    *,
    n_trials: int | None = None,
    more: int | None = None,
    timeout: float | str | None = None,
    workers: int | None = None,
    storage: str | None = None,
    study_name: str | None = None,
    seed: int | None = None,
    settings: Sequence[str] = (),
    checkpoints: str | None = None,
    observe: Callable[[StudySpec], Observer] | None = None,
    engine: Engine | None = None,
) -> Run:
    """As :func:`tuner.api.run`, but says how the run ended and lets it be watched.

    Args:
        engine: What places the workers; processes on this machine if None.
        observe: Called with the study's spec; returns the :class:`Observer` of the run.
    """
    if n_trials is not None and more is not None:
        raise RequestError("--n-trials is the total wanted, --more what to add to it: give one")
    if more is not None and more < 1:
        raise RequestError(f"--more must be at least 1, but got {more}")
    if workers is not None and workers < 1:
        raise RequestError(f"--workers must be at least 1, but got {workers}")
    asked = {"budget.n_trials": n_trials, "budget.timeout": timeout, "sampler.seed": seed}
    given = [f"{key}={value}" for key, value in asked.items() if value is not None]
    spec = find_study(study, [*settings, *given])
    check_spec(spec)
    name = study_name or spec.name
    url = chosen_url(storage)
    place = chosen_place(checkpoints, url)
    database = Database(url, patience=Patience(PATIENT_SECONDS))
    started_at = time.monotonic()
    try:
        stored = lifecycle.find_resumable(database, name, spec)
        finished = _finished(database, stored) if stored else 0
        if stored:
            require_unpaused(stored, database)
            with storage_errors(url):
                search.check_stored(spec, stored)
        total = finished + more if more is not None else spec.budget.n_trials
        ending: Ending = "done"
        n_workers = None
        if finished < total and not (stored and _is_used_up(database, stored, spec)):
            n_workers = min(workers or cores(), total - finished)
            observer = observe(spec) if observe else Observer()
            if doubt := spec.objective.doubt():
                observer.note(doubt)
            ending = (engine or supervise)(
                *(spec, name, database, observer, n_workers, total, place)
            )
        database.require_same_file()
        wall_s = time.monotonic() - started_at if n_workers else None
        _check_begun(database, name, ending)
        opened = database.study(name)
        # The stored study may have been changed during the run.
        access = None if lifecycle.names_the_same(opened, spec) else Access.given()
        result = StudyResult.of(opened, str(database), wall_s, base=spec.base, access=access)
        used_up = result.left is not None and result.left.is_used_up
        is_short = ending == "done" and not used_up
        short = _why_short(database, opened, total) if is_short else None
        mattered = what_mattered(opened, result.direction)
        return Run(result, ending, n_workers, mattered, short)
    except RequestError as error:
        raise database.final(error) from error.__cause__
    finally:
        database.close()


def begin(
    database: Database,
    study: optuna.Study,
    observer: Observer,
    total: int,
    n_workers: int,
    checkpoints: str,
) -> None:
    """Puts back what earlier processes left behind, and shows where the study stands."""
    database.begun = True
    cause = "its process is gone"
    for trial in recovery.return_abandoned(database, study, cause, checkpoints=checkpoints):
        observer.note(f"trial {trial.number} was left behind by a process that is gone")
    finished = _finished(database, study)
    with storage_errors(database.url):
        left = search.left_of(lifecycle.stored_spec(database, study), study)
    if left is not None:  # there may be fewer to try than are wanted
        total = min(total, finished + left.may_begin + left.running)
    observer.started(study.study_name, finished, total, n_workers, _best(study))


def supervise(
    spec: StudySpec,
    name: str,
    database: Database,
    observer: Observer,
    n_workers: int,
    total: int,
    checkpoints: str,
) -> Ending:
    """Runs a study with worker processes on this machine.

    Args:
        spec: The study.
        name: Its name in the database.
        database: The open storage.
        observer: Is called for everything that happens.
        n_workers: Number of processes.
        total: Finished trials wanted.
        checkpoints: Where trials keep theirs, see :mod:`tuner.storage.artifacts`.
    """

    def prepare(data: dict[str, Any]) -> optuna.Study:
        study = lifecycle.create_or_resume(database, name, spec, data)
        begin(database, study, observer, total, n_workers, checkpoints)
        return study

    job = Job(
        *(spec, name, database.url),
        check=False,
        n_trials=total,
        checkpoints=checkpoints,
        n_beside=n_workers,
    )
    supervisor = Supervisor(job, database, n_workers, observer, prepare)
    return supervisor.run()


def _check_begun(database: Database, name: str, ending: Ending) -> None:
    """Tells a run that ended while its workers were loading from one that has a result.

    Raises:
        KeyboardInterrupt: It was interrupted before there was a study.
        StudyError: Its time was over before there was one.
    """
    if ending == "done" or name in database.study_names():
        return
    if ending == "interrupted":
        raise KeyboardInterrupt
    raise StudyError(
        "the time was over before the workers had loaded their library and the data, and nothing "
        "was stored; give the run more with --timeout"
    )


def _why_short(database: Database, study: optuna.Study, total: int) -> str | None:
    """Why not all trials are finished that were wanted; None if they are."""
    finished = _finished(database, study)
    if finished >= total:
        return None
    told = f"{finished} of {count(total, 'trial')} wanted are finished"
    if held := foreign_trials(database, study):
        return f"{told}: {end_them(database, study, held)}"
    return f"{told}, and no other can be begun; see: tuner trials {shlex.quote(study.study_name)}"


def _finished(database: Database, study: optuna.Study) -> int:
    counts = database.counts(study)
    return sum(counts[state] for state in FINISHED)


def _is_used_up(database: Database, study: optuna.Study, spec: StudySpec) -> bool:
    """Whether every combination that the sampler could try has been tried."""
    with storage_errors(database.url):
        left = search.left_of(spec, study)
    return left is not None and left.is_used_up


def _best(study: optuna.Study) -> tuple[int, float] | None:
    try:
        trial = study.best_trial
        if math.isfinite(trial.values[0]):
            return trial.number, trial.values[0]
    except ValueError:
        return None
    except TypeError:
        pass  # a trial with constraints that are no numbers was added by hand
    # A value that is not finite was added by hand: the best of the others, which takes longer.
    rows = [TrialRow.of(trial) for trial in study.get_trials(deepcopy=False)]
    best = best_of(rows, study.direction.name.lower())
    return None if best is None or best.value is None else (best.number, best.value)


def cores() -> int:
    """How many processor cores this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
