"""What ``tuner studies`` and ``tuner data`` list, without Optuna."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TypeVar

from pydantic import ValidationError

from tuner.errors import SpecError, TunerError
from tuner.results.rendering import Format, as_csv, as_table, document
from tuner.results.study_list import StudyLine
from tuner.spec import Objective, StudySpec
from tuner.spec.dataset_rows import DATASET_ROWS
from tuner.spec.models import CONFIRMING
from tuner.storage.attributes import QueueEntry, StoredData, study_attr
from tuner.storage.overview import StudyOverview, stored_studies
from tuner.storage.url import chosen_url
from tuner.studies.catalog import find_study, shipped_studies, study_names
from tuner.units import figure


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


def data_sets(form: Format) -> str:
    """Lists the data sets: what is there, what is missing, and every way to get it."""
    from dataclasses import asdict

    from tuner.data import status

    found = status()
    if form == "json":
        return document([asdict(row) for row in found])
    if form == "csv":
        return as_csv([asdict(row) | {"ways": " | ".join(row.ways)} for row in found])
    table = as_table(
        ("data", "state", "rows", "what", "where"),
        [(row.name, row.state, f"{row.rows:,}", row.title, row.where or "") for row in found],
        none="no data sets",
    )
    wanting = [row for row in found if row.ways]
    blocks = [
        "\n".join([f"{row.name}: {row.note or 'missing'}", *(f"  - {way}" for way in row.ways)])
        for row in wanting
    ]
    return "\n".join([table, *(f"{block}\n" for block in blocks)])


def _with_file(name: str, shipped: bool, stored: StudyOverview | None) -> StudyLine:
    where = "shipped" if shipped else "file"
    if stored:
        where += ", stored"
    try:
        spec = find_study(name)
    except TunerError as error:
        # A broken file of the user's own must not hide the others.
        return _line(name, stored, title=str(error), where=where)
    line = _line(name, stored, title=spec.title, where=where, metric=_metric(spec))
    known = DATASET_ROWS.get(spec.dataset) if isinstance(spec.dataset, str) else None
    return replace(line, rows=known or line.rows, reported=_reported(spec))


def _metric(spec: StudySpec) -> str:
    """Returns the metric that is optimised; several with commas between them."""
    return ", ".join(objective.metric for objective in spec.optimized)


def _reported(spec: StudySpec) -> str:
    """The best score that was reported of a reference, in the study's metric where there is one.

    ``0.9954 on test``; another metric is named: ``accuracy 0.7201 on train``.
    """
    metric = spec.objective.metric
    known = [reference.reported for reference in spec.references if metric in reference.reported]
    if known:
        found = min(known, key=lambda reported: spec.objective.loss(float(reported[metric])))
        return f"{figure(float(found[metric]))} on {found['split']}"
    for reference in spec.references:
        for name, value in reference.reported.items():
            if name != "split":
                return f"{name} {figure(float(value))} on {reference.reported['split']}"
    return ""


def _line(
    name: str,
    stored: StudyOverview | None,
    *,
    title: str = "",
    where: str = "stored",
    metric: str = "",
) -> StudyLine:
    if stored is None:
        return StudyLine(name=name, title=title, where=where, metric=metric)
    notes: list[str] = []
    spec = _readable(_spec, stored, notes)
    entry = _readable(_entry, stored, notes)
    data = _readable(_data, stored, notes)
    directions, objective = stored.directions, None
    if len(directions) > 1:
        notes.append(f"{len(directions)} objectives ({', '.join(directions)})")
    else:
        objective = spec.objective if spec else _readable(_objective, stored, notes)
        if "tuner:spec" not in stored.attrs:
            notes.append("not made by tuner")
    return StudyLine(
        name=name,
        title=title or (spec.title if spec and spec.title != spec.name else ""),
        where=where,
        metric=metric or (_metric(spec) if spec else ", ".join(stored.metrics)),
        rows=sum(data.rows.values()) if data and data.rows else None,
        trials=stored.counts,
        # The best of a confirmation is only the luckiest seed.
        best=min(stored.values, key=objective.loss)
        if stored.values and objective and not (spec and spec.sampler.name == CONFIRMING)
        else None,
        queue=entry.to_dict() if entry else {},
        workers=stored.workers,
        per_minute=stored.per_minute,
        note="; ".join(notes),
    )


_T = TypeVar("_T")


def _readable(
    reader: Callable[[StudyOverview], _T | None], stored: StudyOverview, notes: list[str]
) -> _T | None:
    """Returns what is stored; None, with a note, if it cannot be read."""
    try:
        return reader(stored)
    except SpecError as error:
        notes.append(str(error))
        return None


def _objective(stored: StudyOverview) -> Objective:
    """Returns the only objective of a study of another program."""
    try:
        return Objective.model_validate({"metric": "value", "direction": stored.directions[0]})
    except ValidationError:
        found = stored.directions[0]
        raise SpecError(f"stored study {stored.name}: its direction is damaged: {found}") from None


def _spec(stored: StudyOverview) -> StudySpec | None:
    table = stored.attrs.get("tuner:spec")
    return None if table is None else StudySpec.from_dict(table, Path.cwd(), study=stored.name)


def _entry(stored: StudyOverview) -> QueueEntry | None:
    return study_attr(QueueEntry, stored.attrs, "tuner:queue", stored.name)


def _data(stored: StudyOverview) -> StoredData | None:
    return study_attr(StoredData, stored.attrs, "tuner:data", stored.name)
