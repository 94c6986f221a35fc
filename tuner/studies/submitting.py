"""Submits studies, and lets people pause, resume and stop them wherever they run."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import optuna

from tuner.errors import RequestError, SpecError
from tuner.spec import StudySpec
from tuner.storage.attributes import QueueEntry
from tuner.storage.database import Database
from tuner.storage.url import chosen_url
from tuner.studies import lifecycle, queue
from tuner.studies.catalog import find_study, locate
from tuner.studies.warm_start import read_start
from tuner.trials.checking import check_spec
from tuner.units import count_plain
from tuner.wording import one_line


@dataclass(frozen=True)
class Submitted:
    """A study that was submitted, perhaps once more.

    Attributes:
        name: The study.
        spec: What it was submitted with.
        before: Its entry in the queue until then.
        entry: Its entry now.
        notes: What is said of the configurations that it begins with.
    """

    name: str
    spec: StudySpec
    before: QueueEntry
    entry: QueueEntry
    notes: tuple[str, ...] = ()

    def words(self) -> str:
        """Lines for people: ``wine is submitted: 40 trials wanted (was 30), priority 0``."""
        was = self.before.status
        again = f" again, it was {was}" if was in ("paused", "stopped") else ""
        lines = f"{one_line(self.name)} is submitted{again}: {', '.join(self._wanted())}\n"
        in_file = self.spec.budget.n_trials
        if self.entry.n_trials != in_file:
            lines += f"its file wants {in_file}; that is --n-trials {in_file}\n"
        if code := self.spec.own_code:
            lines += f"it runs code of its own, {' and '.join(code)}: workers need --allow-code\n"
        return lines + "".join(f"{one_line(note)}\n" for note in self.notes)

    def _wanted(self) -> list[str]:
        now = self.entry
        before = now if self.before.n_trials is None else self.before
        parts = [
            f"{count_plain(now.n_trials or 0, 'trial')} wanted{_was(before.n_trials, now.n_trials)}"
        ]
        if now.workers or before.workers:
            most = [entry.workers or "any number" for entry in (before, now)]
            parts.append(f"{most[1]} at a time{_was(*most)}")
        return [*parts, f"priority {now.priority}{_was(before.priority, now.priority)}"]


def _was(before: object, now: object) -> str:
    return "" if now == before else f" (was {before})"


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
    warm_start: str | None = None,
) -> Submitted:
    """Submits a study to the queue in the database; its data need not be on this machine.

    Submitted again, a study keeps of its entry in the queue what is not given. A paused or stopped
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
        warm_start: As in :func:`tuner.run`.

    Returns:
        The study with its entry in the queue, and the entry that it had before.

    Raises:
        TunerError: The request was wrong; nothing was submitted.
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
        start = None
        if warm_start is not None:
            known = lifecycle.find_resumable(database, name, spec)
            start = read_start(warm_start, spec, name, database, known)
        stored = lifecycle.store(database, name, spec, start)
        try:
            before = queue.entry_of(stored.user_attrs, name)
        except SpecError:  # it is damaged, and this is the way to repair it
            before = QueueEntry()
        keys = {setting.partition("=")[0].strip() for setting in given}
        total = before.n_trials
        if total is None or keys & {"budget", "budget.n_trials"}:
            total = spec.budget.n_trials
        entry = QueueEntry(
            status="open",
            n_trials=total,
            priority=before.priority if priority is None else priority,
            workers=before.workers if workers is None else workers or None,
        )
        queue.store_entry(stored, database, entry)
        return Submitted(name, spec, before, entry, start.notes if start else ())
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


def resume(study: str, storage: str | None = None, study_name: str | None = None) -> QueueEntry:
    """Lets a paused or stopped study continue; returns its entry in the queue.

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
