"""One run of a study: checked before anything starts, supervised, told as a result."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import optuna

from tuner import runner, search
from tuner.catalog import find_study
from tuner.data import DATASETS
from tuner.data import load as load_data
from tuner.errors import DataError, RequestError, StudyError, UnknownNameError
from tuner.models.families import FAMILIES, check_space, check_values
from tuner.queue import FINISHED, require_unpaused
from tuner.results.mattered import what_mattered
from tuner.results.rows import StudyResult
from tuner.spec import StudySpec
from tuner.storage.artifacts import chosen_place
from tuner.storage.database import Database
from tuner.storage.patience import PATIENT_SECONDS, Patience
from tuner.storage.url import chosen_url
from tuner.wording import hint
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
    """

    result: StudyResult
    ending: Ending
    n_workers: int | None
    mattered: dict[str, float]


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
        stored = runner.find_resumable(database, name, spec)
        finished = _finished(database, stored) if stored else 0
        if stored:
            require_unpaused(stored, database)
        total = finished + more if more is not None else spec.budget.n_trials
        ending: Ending = "done"
        n_workers = None
        if finished < total:
            n_workers = min(workers or cores(), total - finished)
            observer = observe(spec) if observe else Observer()
            ending = (engine or supervise)(
                *(spec, name, database, observer, n_workers, total, place)
            )
        wall_s = time.monotonic() - started_at if n_workers else None
        _check_begun(database, name, ending)
        opened = database.study(name)
        result = StudyResult.of(opened, str(database), wall_s, base=spec.base)
        return Run(result, ending, n_workers, what_mattered(opened))
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
    """Puts back what earlier processes left behind, and tells where the study stands."""
    cause = "its process is gone"
    for trial in runner.return_abandoned(database, study, cause, checkpoints=checkpoints):
        observer.note(f"trial {trial.number} was left behind by a process that is gone")
    observer.started(study.study_name, _finished(database, study), total, n_workers, _best(study))


def check_spec(spec: StudySpec, *, elsewhere: bool = False) -> None:
    """Checks what can be known without loading the data or TensorFlow.

    Args:
        spec: The study.
        elsewhere: Whether it is run on other machines, so that its data need not be here.

    Raises:
        TunerError: The sampler, the pruner, the data set, the model or a parameter of it does
            not exist.
    """
    file = f"{spec.name}.toml"
    search.make_sampler(spec, file)
    search.make_pruner(spec, file)
    _check_dataset(spec, file, elsewhere)
    if ":" in spec.model:
        return
    if spec.model not in FAMILIES:
        raise UnknownNameError(
            f'{file}: model: there is no model "{spec.model}" (your own is written '
            f'"module:function"); {hint(spec.model, FAMILIES, "models")}'
        )
    check_space(FAMILIES[spec.model], spec.search_space, f"{file}: search_space")
    fixed = {name: [value] for name, value in spec.fixed.items()}
    check_values(FAMILIES[spec.model], fixed, f"{file}: fixed")


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
        observer: Told of everything that happens.
        n_workers: Number of processes.
        total: Finished trials wanted.
        checkpoints: Where trials keep theirs, see :mod:`tuner.storage.artifacts`.
    """

    def prepare(data: dict[str, Any]) -> optuna.Study:
        study = runner.create_or_resume(database, name, spec, data)
        begin(database, study, observer, total, n_workers, checkpoints)
        return study

    job = Job(spec, name, database.url, check=False, n_trials=total, checkpoints=checkpoints)
    supervisor = Supervisor(job, database, n_workers, observer, prepare)
    return supervisor.run()


def _check_dataset(spec: StudySpec, file: str, elsewhere: bool) -> None:
    """Says at once what is missing; what is there is read and judged by a worker."""
    dataset = spec.dataset
    if elsewhere and not (isinstance(dataset, str) and dataset not in DATASETS):
        return
    if isinstance(dataset, str):
        known = DATASETS.get(dataset)
        there = known.status().state != "lack" if known else ":" in dataset
    else:
        there = os.access(spec.base / dataset.csv, os.R_OK)
    if not there:
        try:
            load_data(dataset, spec.base)
        except (DataError, UnknownNameError) as error:
            raise type(error)(f"{file}: dataset: {error}") from None


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
        "the time was over before the workers had loaded TensorFlow and the data, and nothing was "
        "stored; give the run more with --timeout"
    )


def _finished(database: Database, study: optuna.Study) -> int:
    counts = database.counts(study)
    return sum(counts[state] for state in FINISHED)


def _best(study: optuna.Study) -> tuple[int, float] | None:
    try:
        trial = study.best_trial
    except ValueError:
        return None
    return trial.number, trial.values[0]


def cores() -> int:
    """How many processor cores this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
