"""All stored studies at a glance, read with plain SQL: no Optuna, no trial is loaded.

SQLite is read with Python's own module: importing SQLAlchemy takes longer than the answer may.
"""

from __future__ import annotations

import math
import os
import sqlite3
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tuner.errors import StorageError
from tuner.storage.attributes import parsed
from tuner.storage.table_names import VERSION_TABLE, are_optunas
from tuner.storage.url import PROXY, is_frozen, masked, parse_url

if TYPE_CHECKING:
    import sqlalchemy as sa

_VERSIONS = f"SELECT version_num FROM {VERSION_TABLE}"
_COUNTS = "SELECT study_id, CAST(state AS CHAR(16)), COUNT(*) FROM trials GROUP BY study_id, state"
_BEST = """
    SELECT trials.study_id, MIN(trial_values.value), MAX(trial_values.value)
    FROM trials JOIN trial_values ON trials.trial_id = trial_values.trial_id
    WHERE trials.state = 'COMPLETE' AND objective = 0 AND NOT EXISTS (
        SELECT 1 FROM trial_system_attributes violated
        WHERE violated.trial_id = trials.trial_id
        AND SUBSTR(violated.key, 1, 12) = 'constraints:'
        AND SUBSTR(violated.value_json, 1, 1) <> '-' AND violated.value_json NOT IN ('0', '0.0')
    )
    GROUP BY trials.study_id
"""
_STUDIES = """
    SELECT studies.study_id, studies.study_name, CAST(direction AS CHAR(16))
    FROM studies JOIN study_directions ON studies.study_id = study_directions.study_id
    ORDER BY studies.study_id, objective
"""
# By itself `key` is a word of MySQL's own.
_ATTRS = """
    SELECT study_id, study_user_attributes.key, value_json FROM study_user_attributes
    WHERE study_user_attributes.key IN ('tuner:queue', 'tuner:spec', 'tuner:data')
"""
_METRICS = """
    SELECT study_id, value_json FROM study_system_attributes
    WHERE study_system_attributes.key = 'study:metric_names'
"""
_WORKERS = """
    SELECT trials.study_id, COUNT(DISTINCT value_json)
    FROM trials JOIN trial_user_attributes ON trials.trial_id = trial_user_attributes.trial_id
    WHERE trials.state = 'RUNNING' AND trial_user_attributes.key = 'worker'
    GROUP BY trials.study_id
"""
_LATELY = """
    SELECT study_id, COUNT(*), MIN(datetime_start) FROM trials
    WHERE state IN ('COMPLETE', 'PRUNED') AND datetime_complete > '{since}' GROUP BY study_id
"""
_LATELY_MINUTES = 10


@dataclass(frozen=True)
class StudyOverview:
    """One stored study: its name, its trials by state, its best values.

    Attributes:
        directions: ``"minimize"`` or ``"maximize"`` for each objective.
        counts: Number of trials by lower-case state, states without a trial left out.
        values: The lowest and the highest value of a complete trial that violates no constraint;
            None while there is none.
        attrs: What tuner has stored of it, as it was read: ``tuner:queue``, ``tuner:spec``,
            ``tuner:data``.
        metrics: Names of its objectives, as Optuna stores them; empty if it does not.
        workers: Processes that run a trial of it now.
        per_minute: Trials that were finished in the last minutes, by the minute; None if none was.
    """

    name: str
    directions: tuple[str, ...]
    counts: dict[str, int]
    values: tuple[float, float] | None
    attrs: Mapping[str, Any] = field(default_factory=dict)
    metrics: tuple[str, ...] = ()
    workers: int = 0
    per_minute: float | None = None


def stored_studies(url: str) -> list[StudyOverview]:
    """Every study in the database, oldest first; none when there is no database yet.

    Raises:
        StorageError: The database cannot be read.
    """
    if url.startswith(f"{PROXY}://"):
        return _stored_behind_proxy(url)
    if not url.startswith("sqlite:///") or url.startswith("sqlite:///file:"):
        return _stored_on_server(url)
    file = Path(url.removeprefix("sqlite:///").partition("?")[0])
    if not os.access(file, os.F_OK):
        return []
    # Not `ro`: a reader that may not write leaves the files of the write-ahead log behind.
    mode = "immutable=1" if is_frozen(file) else "mode=rw"
    try:
        connection = sqlite3.connect(f"{file.absolute().as_uri()}?{mode}", uri=True)
        try:
            tables = connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")
            names = [name for (name,) in tables if not name.startswith("sqlite_")]
            return _read_owned(url, names, lambda query: connection.execute(query).fetchall())
        finally:
            connection.close()
    except sqlite3.Error as exc:
        raise StorageError(
            f"storage {url}: {exc}: name a SQLite database, or a new file, with --storage"
        ) from exc


def _stored_on_server(url: str) -> list[StudyOverview]:
    import sqlalchemy as sa

    from tuner.storage.error_mapping import storage_errors
    from tuner.storage.retrying import RetryPolicy
    from tuner.storage.sql.engine import connect_args

    with storage_errors(url):
        parsed = parse_url(url)
        engine = sa.create_engine(parsed, connect_args=connect_args(parsed))
        try:
            return RetryPolicy().call(lambda _again: _read_server(engine, masked(url)))
        finally:
            engine.dispose()


def _read_server(engine: sa.Engine, shown: str) -> list[StudyOverview]:
    import sqlalchemy as sa

    with engine.connect() as connection:
        names = sa.inspect(connection).get_table_names()
        return _read_owned(shown, names, lambda query: connection.exec_driver_sql(query).all())


def _stored_behind_proxy(url: str) -> list[StudyOverview]:
    """As the others, through a proxy, which knows no SQL: it sends all trials."""
    from optuna.trial import TrialState

    from tuner.storage.constraints import violated_by
    from tuner.storage.database import Database

    # The ends of trials are in the proxy's local time, so the rate is not known.
    database = Database(url)
    try:
        studies = [database.study(name) for name in database.study_names()]
        found = []
        for study in studies:
            counts = database.counts(study)
            leases = {str(trial.lease) for trial in database.running(study) if trial.lease}
            complete = study.get_trials(deepcopy=False, states=(TrialState.COMPLETE,))
            kept = [trial for trial in complete if not violated_by(trial)]
            values = [one.values[0] for one in kept if math.isfinite(one.values[0])]
            found.append(
                StudyOverview(
                    name=study.study_name,
                    directions=tuple(one.name.lower() for one in study.directions),
                    counts={state.name.lower(): n for state, n in counts.items() if n},
                    values=(min(values), max(values)) if values else None,
                    attrs=database.study_attrs(study),
                    metrics=_names(study.metric_names),
                    workers=len(leases),
                )
            )
        return found
    finally:
        database.close()


def _read_owned(
    shown: str, names: Collection[str], rows_of: Callable[[str], Sequence[Any]]
) -> list[StudyOverview]:
    versions: list[str] = []
    if VERSION_TABLE in names:
        versions = [str(version) for (version,) in rows_of(_VERSIONS)]
    return _read(rows_of) if are_optunas(names, versions, shown) else []


def _read(rows_of: Callable[[str], Sequence[Any]]) -> list[StudyOverview]:
    counts: dict[int, dict[str, int]] = {}
    for study_id, state, count in rows_of(_COUNTS):
        counts.setdefault(study_id, {})[state.strip().lower()] = count
    values = {
        study_id: (low, high)
        for study_id, low, high in rows_of(_BEST)
        if isinstance(low, float) and isinstance(high, float)  # in SQLite it may be a text
    }
    attrs: dict[int, dict[str, Any]] = {}
    for study_id, key, value in rows_of(_ATTRS):
        attrs.setdefault(study_id, {})[key] = parsed(value)
    metrics = {study_id: _names(parsed(names)) for study_id, names in rows_of(_METRICS)}
    workers = dict(rows_of(_WORKERS))
    now = datetime.now(UTC).replace(tzinfo=None)  # as Optuna stores times
    lately = rows_of(_LATELY.format(since=now - timedelta(minutes=_LATELY_MINUTES)))
    rates = {study_id: count / _minutes(since, now) for study_id, count, since in lately}
    studies: dict[int, tuple[str, list[str]]] = {}
    for study_id, name, direction in rows_of(_STUDIES):
        studies.setdefault(study_id, (name, []))[1].append(direction.strip().lower())
    return [
        StudyOverview(
            name=name,
            directions=tuple(directions),
            counts=counts.get(study_id, {}),
            values=values.get(study_id),
            attrs=attrs.get(study_id, {}),
            metrics=metrics.get(study_id, ()),
            workers=workers.get(study_id, 0),
            per_minute=rates.get(study_id),
        )
        for study_id, (name, directions) in studies.items()
    ]


def _names(stored: object) -> tuple[str, ...]:
    return tuple(map(str, stored)) if isinstance(stored, list) else ()


def _minutes(since: datetime | str | None, now: datetime) -> float:
    """Between a time as the driver returns it and now, at most those that are looked at."""
    if since is None:
        return _LATELY_MINUTES
    try:
        began = since if isinstance(since, datetime) else datetime.fromisoformat(since)
    except ValueError:  # SQLite takes any text
        return _LATELY_MINUTES
    return min(max((now - began).total_seconds() / 60, 1 / 60), _LATELY_MINUTES)
