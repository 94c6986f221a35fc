"""Puts studies up for work, and lets people pause, resume and stop them wherever they run."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import optuna

from tuner.errors import RequestError, SpecError
from tuner.storage.database import Database
from tuner.storage.url import chosen_url
from tuner.studies import lifecycle, queue
from tuner.studies.catalog import find_study, locate
from tuner.studies.queue import Place
from tuner.studies.submission import Submitted
from tuner.trials.checking import check_spec


def submit(
    study: str,
    *,
    n_trials: int | None = None,
    priority: int | None = None,
    workers: int | None = None,
    storage: str | None = None,
    study_name: str | None = None,
    seed: int | None = None,
    settings: Sequence[str] = (),
) -> Submitted:
    """Puts a study up for work in the database; its data need not be on this machine.

    Submitted again, a study keeps of its place in the queue what is not given. A paused or stopped
    one is open again.

    Args:
        study: As in :func:`tuner.run`.
        n_trials: Finished trials wanted in total; as before, or the study file's, if None.
        priority: Workers turn to studies of the highest priority first; as before, or 0, if None.
        workers: How many trials may run at the same time, 0 for any number; as before, or any
            number, if None.
        storage: As in :func:`tuner.run`.
        study_name: As in :func:`tuner.run`.
        seed: As in :func:`tuner.run`.
        settings: As in :func:`tuner.run`.

    Returns:
        The study with its place in the queue, and the place that it had before.

    Raises:
        TunerError: The request was wrong; nothing is up for work.
    """
    if workers is not None and workers < 0:
        raise RequestError(f"--workers must be at least 0 (any number), but got {workers}")
    asked = {"budget.n_trials": n_trials, "sampler.seed": seed}
    given = [*settings, *(f"{key}={value}" for key, value in asked.items() if value is not None)]
    spec = find_study(study, given)
    check_spec(spec, elsewhere=True)
    name = study_name or spec.name
    database = Database(chosen_url(storage))
    try:
        stored = lifecycle.store(database, name, spec)
        try:
            before = queue.place_of(stored.user_attrs, name)
        except SpecError:  # it is damaged, and this is the way to repair it
            before = Place()
        keys = {setting.partition("=")[0].strip() for setting in given}
        total = before.n_trials
        if total is None or keys & {"budget", "budget.n_trials"}:
            total = spec.budget.n_trials
        queue.submit(
            stored,
            database,
            total,
            before.priority if priority is None else priority,
            before.workers if workers is None else workers or None,
        )
        return Submitted(name, spec, before, queue.place_of(stored.user_attrs, name))
    finally:
        database.close()


def pause(study: str, storage: str | None = None, study_name: str | None = None) -> bool:
    """Lets nobody run a stored study until it is resumed; running trials go back to the queue.

    Args:
        study: As in :func:`tuner.load`.
        storage: As in :func:`tuner.run`.
        study_name: As in :func:`tuner.load`.

    Returns:
        False if it is paused already.

    Raises:
        UnknownNameError: No study of that name is stored.
        RequestError: It is stopped.
    """
    with _stored(study, storage, study_name) as (database, opened):
        return queue.pause(opened, database)


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


def stop(study: str, storage: str | None = None, study_name: str | None = None) -> bool:
    """Ends the runs of a study wherever they are, and takes it off the queue.

    Args:
        study: As in :func:`tuner.load`.
        storage: As in :func:`tuner.run`.
        study_name: As in :func:`tuner.load`.

    Returns:
        False if it is stopped already.

    Raises:
        UnknownNameError: No study of that name is stored.
    """
    with _stored(study, storage, study_name) as (database, opened):
        return queue.stop(opened, database)


@contextmanager
def _stored(
    study: str, storage: str | None, study_name: str | None
) -> Iterator[tuple[Database, optuna.Study]]:
    _, name = locate(study)
    database = Database(chosen_url(storage), must_exist=True)
    try:
        opened = database.study(study_name or name)
        if "tuner:spec" not in opened.user_attrs:
            raise RequestError(
                f"study '{opened.study_name}' in {database} was not made by tuner, which runs no "
                "trials of it"
            )
        yield database, opened
    finally:
        database.close()
