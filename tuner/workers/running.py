"""One run of a study: created or resumed, supervised, and judged when it has ended."""

from __future__ import annotations

import shlex
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import optuna

from tuner import search
from tuner.errors import RequestError, StudyError
from tuner.spec import StudySpec
from tuner.spec.access import Access
from tuner.storage.database import Database
from tuner.storage.error_mapping import storage_errors
from tuner.storage.retrying import OUTAGE_SECONDS, RetryPolicy
from tuner.studies import lifecycle
from tuner.studies.foreign import foreign_trials, how_to_end
from tuner.studies.queue import n_finished, require_unpaused
from tuner.units import count_plain
from tuner.workers.ending import Ending
from tuner.workers.engines import Engine, run_here
from tuner.workers.messages import Job
from tuner.workers.observer import Observer
from tuner.workers.request import RunRequest, cores

Observe = Callable[[StudySpec], Observer]
"""Called with the study's spec before the workers are started; returns the run's observer."""


@dataclass(frozen=True)
class RunOutcome:
    """How a run ended.

    Attributes:
        study: The study as it is stored.
        ending: Why the run ended.
        n_workers: Worker processes that it had; None if there was nothing to run.
        wall_s: Seconds that it took; None if there was nothing to run.
        short: Why fewer trials are finished than were wanted, in one line, if the run ended by
            itself all the same; None if it did not.
    """

    study: optuna.Study
    ending: Ending
    n_workers: int | None
    wall_s: float | None
    short: str | None


@contextmanager
def open_for_work(url: str, *, must_exist: bool = False) -> Iterator[Database]:
    """Opens a database, and waits while its server does not answer.

    A request that turns out to be wrong after trials were begun is a failure of the work, see
    :meth:`tuner.storage.database.Database.final`.
    """
    database = Database(url, must_exist=must_exist, retry=RetryPolicy(OUTAGE_SECONDS))
    try:
        yield database
    except RequestError as error:
        raise database.final(error) from error.__cause__
    finally:
        database.close()


def run_study(
    request: RunRequest,
    spec: StudySpec,
    checkpoints: str,
    database: Database,
    observe: Observe | None = None,
    *,
    at_least: int = 0,
    access: Access | None = None,
) -> RunOutcome:
    """Creates or resumes a study and runs it to its wanted number of trials.

    Args:
        request: What was asked for.
        spec: The study, as the request reads it.
        checkpoints: Where trials keep theirs, see :mod:`tuner.storage.artifacts`.
        database: The open storage.
        observe: See :data:`Observe`; by default nothing is shown.
        at_least: Complete trials of the study before which the time does not end the run.
        access: What a study from a database may use of this machine; None for one of the user's
            own.

    Raises:
        TunerError: The study cannot be resumed with this file, or cannot be continued.
        KeyboardInterrupt: Ctrl-C, before there was a study.
    """
    name = request.study_name or spec.name
    started_at = time.monotonic()
    stored = lifecycle.find_resumable(database, name, spec)
    finished = n_finished(database.counts(stored)) if stored else 0
    if stored:
        require_unpaused(stored, database)
        with storage_errors(database.url):
            search.check_stored(spec, stored)
    total = spec.budget.n_trials if request.more is None else finished + request.more
    ending: Ending = "done"
    timeout = spec.budget.timeout
    n_workers = None
    if finished < total and not (stored and _is_used_up(database, stored, spec)):
        n_workers = min(request.workers or cores(), total - finished)
        job = Job(
            *(spec, name, database.url),
            n_trials=total,
            checkpoints=checkpoints,
            n_beside=n_workers,
            deadline=None if timeout is None else time.time() + timeout,
            at_least=at_least,
            access=access,
        )
        observer = observe(spec) if observe else Observer()
        if doubt := spec.objective.doubt():
            observer.note(doubt)
        ending = _engine(request)(job, database, n_workers, observer)
    database.require_same_file()
    wall_s = time.monotonic() - started_at if n_workers else None
    _require_begun(database, name, ending)
    study = database.study(name)
    is_short = ending == "done" and not _is_used_up(database, study, spec)
    short = _why_short(database, study, total) if is_short else None
    return RunOutcome(study, ending, n_workers, wall_s, short)


def _engine(request: RunRequest) -> Engine:
    if request.engine == "local":
        return run_here
    from tuner.workers.ray_engine import RayEngine

    return RayEngine(request.address, request.gpus_per_worker)


def _require_begun(database: Database, name: str, ending: Ending) -> None:
    """Makes sure that there is a study: the run may have ended while its workers were loading.

    Raises:
        KeyboardInterrupt: It was interrupted before there was one.
        StudyError: Its time was over before there was one.
    """
    if ending == "done" or name in database.study_names():
        return
    if ending == "interrupted":
        raise KeyboardInterrupt
    raise StudyError(
        "the time was over before the workers had loaded their libraries and the data, and nothing "
        "was stored; give the run more with --timeout"
    )


def _why_short(database: Database, study: optuna.Study, total: int) -> str | None:
    """Returns why not all wanted trials are finished; None if they are."""
    finished = n_finished(database.counts(study))
    if finished >= total:
        return None
    progress = f"{finished} of {count_plain(total, 'trial')} wanted are finished"
    if held := foreign_trials(database, study):
        return f"{progress}: {how_to_end(database, study, held)}"
    name = shlex.quote(study.study_name)
    return f"{progress}, and no other can be begun; see: tuner trials {name}"


def _is_used_up(database: Database, study: optuna.Study, spec: StudySpec) -> bool:
    """Returns whether every combination that the sampler could try has been tried."""
    with storage_errors(database.url):
        left = search.left_of(spec, study)
    return left is not None and left.is_used_up
