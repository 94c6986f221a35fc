"""What ``tuner studies`` lists: the studies found by name and the stored ones, without Optuna."""

from __future__ import annotations

from tuner.catalog import find_study, shipped_studies, study_names
from tuner.errors import TunerError
from tuner.results.tables import StudyLine
from tuner.storage.overview import StudyOverview, stored_studies
from tuner.storage.url import chosen_url


def list_studies(storage: str | None = None) -> list[StudyLine]:
    """Lists the studies that can be run by name, then the others in the database.

    Args:
        storage: Optuna storage URL, None for the usual one.

    Raises:
        StorageError: The database cannot be read.
    """
    stored = {study.name: study for study in stored_studies(chosen_url(storage))}
    shipped = set(shipped_studies())
    lines = [_with_file(name, name in shipped, stored.pop(name, None)) for name in study_names()]
    return lines + [_line(name, study) for name, study in stored.items()]


def _with_file(name: str, shipped: bool, stored: StudyOverview | None) -> StudyLine:
    where = "shipped" if shipped else "file"
    if stored:
        where += ", stored"
    try:
        spec = find_study(name)
    except TunerError as error:
        # A broken file of the user's own must not hide the others.
        return _line(name, stored, title=str(error), where=where)
    return _line(name, stored, title=spec.title, where=where, metric=spec.objective.metric)


def _line(
    name: str,
    stored: StudyOverview | None,
    *,
    title: str = "",
    where: str = "stored",
    metric: str = "",
) -> StudyLine:
    return StudyLine(
        name=name,
        title=title,
        where=where,
        metric=metric,
        trials=stored.counts if stored else None,
        best=stored.best if stored else None,
    )
