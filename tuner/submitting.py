"""Puts studies up for work, and lets people pause, resume and stop them wherever they run."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import optuna

from tuner import queue, runner
from tuner.catalog import find_study, locate
from tuner.errors import RequestError
from tuner.queue import Place
from tuner.running import check_spec
from tuner.storage.database import Database
from tuner.storage.url import chosen_url


def submit(
    study: str,
    *,
    n_trials: int | None = None,
    priority: int = 0,
    workers: int | None = None,
    storage: str | None = None,
    study_name: str | None = None,
    seed: int | None = None,
    settings: Sequence[str] = (),
) -> Place:
    """Puts a study up for work in the database; its data need not be on this machine.

    Submitted again, a study gets its new priority, limit and number of trials.

    Args:
        study: As in :func:`tuner.run`.
        n_trials: Finished trials wanted in total; the study file's if None.
        priority: Workers turn to studies of the highest priority first.
        workers: How many trials may run at the same time; None for any number.
        storage: As in :func:`tuner.run`.
        study_name: As in :func:`tuner.run`.
        seed: As in :func:`tuner.run`.
        settings: As in :func:`tuner.run`.

    Returns:
        Its place in the queue.

    Raises:
        TunerError: The request was wrong; nothing is up for work.
    """
    if workers is not None and workers < 1:
        raise RequestError(f"--workers must be at least 1, but got {workers}")
    asked = {"budget.n_trials": n_trials, "sampler.seed": seed}
    given = [f"{key}={value}" for key, value in asked.items() if value is not None]
    spec = find_study(study, [*settings, *given])
    check_spec(spec, elsewhere=True)
    name = study_name or spec.name
    database = Database(chosen_url(storage))
    try:
        runner.find_resumable(database, name, spec)
        stored = runner.store(database, name, spec)
        queue.submit(stored, database, spec.budget.n_trials, priority, workers)
        return queue.place_of(stored.user_attrs)
    finally:
        database.close()


def pause(study: str, storage: str | None = None, study_name: str | None = None) -> None:
    """Lets nobody run a stored study until it is resumed; running trials go back to the queue.

    Args:
        study: As in :func:`tuner.load`.
        storage: As in :func:`tuner.run`.
        study_name: As in :func:`tuner.load`.

    Raises:
        UnknownNameError: No study of that name is stored.
    """
    with _stored(study, storage, study_name) as (database, opened):
        queue.pause(opened, database)


def resume(study: str, storage: str | None = None, study_name: str | None = None) -> Place:
    """Lets a paused or stopped study go on; returns its place in the queue.

    Args:
        study: As in :func:`tuner.load`.
        storage: As in :func:`tuner.run`.
        study_name: As in :func:`tuner.load`.

    Raises:
        RequestError: It is neither paused nor stopped.
    """
    with _stored(study, storage, study_name) as (database, opened):
        return queue.resume(opened, database)


def stop(study: str, storage: str | None = None, study_name: str | None = None) -> None:
    """Ends the runs of a study wherever they are, and takes it off the queue.

    Args:
        study: As in :func:`tuner.load`.
        storage: As in :func:`tuner.run`.
        study_name: As in :func:`tuner.load`.

    Raises:
        UnknownNameError: No study of that name is stored.
    """
    with _stored(study, storage, study_name) as (database, opened):
        queue.stop(opened, database)


@contextmanager
def _stored(
    study: str, storage: str | None, study_name: str | None
) -> Iterator[tuple[Database, optuna.Study]]:
    _, name = locate(study)
    database = Database(chosen_url(storage), must_exist=True)
    try:
        yield database, database.study(study_name or name)
    finally:
        database.close()
