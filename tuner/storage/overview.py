"""All stored studies at a glance, read with plain SQL: no Optuna, no trial is loaded.

SQLite is read with Python's own module: importing SQLAlchemy takes longer than the answer may.
"""

from __future__ import annotations

import os
import sqlite3
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tuner.errors import StorageError
from tuner.storage.url import PROXY, is_frozen, parse_url

_COUNTS = "SELECT study_id, CAST(state AS CHAR(16)), COUNT(*) FROM trials GROUP BY study_id, state"
_BEST = """
    SELECT trials.study_id, MIN(trial_values.value), MAX(trial_values.value)
    FROM trials JOIN trial_values ON trials.trial_id = trial_values.trial_id
    WHERE trials.state = 'COMPLETE' GROUP BY trials.study_id
"""
_STUDIES = """
    SELECT studies.study_id, studies.study_name, CAST(direction AS CHAR(16))
    FROM studies JOIN study_directions ON studies.study_id = study_directions.study_id
    ORDER BY studies.study_id
"""


@dataclass(frozen=True)
class StudyOverview:
    """One stored study: its name, its trials by state, its best value.

    Attributes:
        counts: Number of trials by lower-case state, states without a trial left out.
        best: Best value among the complete trials, None while there is none.
    """

    name: str
    direction: str
    counts: dict[str, int]
    best: float | None


def stored_studies(url: str) -> list[StudyOverview]:
    """Every study in the database, oldest first; none when the database is not there yet.

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
            cursor = connection.cursor()
            found = cursor.execute("SELECT 1 FROM sqlite_master WHERE name = 'studies'").fetchone()
            return _read(cursor) if found else []
        finally:
            connection.close()
    except sqlite3.Error as exc:
        raise StorageError(
            f"storage {url}: {exc}: name a SQLite database, or a new file, with --storage"
        ) from exc


def _stored_on_server(url: str) -> list[StudyOverview]:
    import sqlalchemy as sa

    from tuner.storage.errors import storage_errors

    with storage_errors(url):
        engine = sa.create_engine(parse_url(url))
        try:
            if not sa.inspect(engine).has_table("studies"):
                return []
            connection = engine.raw_connection()
            try:
                return _read(connection.cursor())
            finally:
                connection.close()
        finally:
            engine.dispose()


def _stored_behind_proxy(url: str) -> list[StudyOverview]:
    """As the others, but through a proxy, which knows no SQL: it sends all trials."""
    from optuna.trial import TrialState

    from tuner.storage.database import Database

    database = Database(url)
    try:
        studies = [database.study(name) for name in database.study_names()]
        found = []
        for study in studies:
            counts = database.counts(study)
            complete = study.get_trials(deepcopy=False, states=(TrialState.COMPLETE,))
            maximize = study.directions[0].name == "MAXIMIZE"
            values = [trial.values[0] for trial in complete]
            found.append(
                StudyOverview(
                    name=study.study_name,
                    direction="maximize" if maximize else "minimize",
                    counts={state.name.lower(): n for state, n in counts.items() if n},
                    best=(max if maximize else min)(values, default=None),
                )
            )
        return found
    finally:
        database.close()


def _read(cursor: Any) -> list[StudyOverview]:
    counts: dict[int, dict[str, int]] = {}
    cursor.execute(_COUNTS)
    for study_id, state, count in cursor.fetchall():
        counts.setdefault(study_id, {})[state.strip().lower()] = count
    cursor.execute(_BEST)
    best = {study_id: (low, high) for study_id, low, high in cursor.fetchall()}
    cursor.execute(_STUDIES)
    rows = []
    for study_id, name, direction in cursor.fetchall():
        low, high = best.get(study_id, (None, None))
        maximize = direction.strip() == "MAXIMIZE"
        rows.append(
            StudyOverview(
                name=name,
                direction="maximize" if maximize else "minimize",
                counts=counts.get(study_id, {}),
                best=high if maximize else low,
            )
        )
    return rows
