"""All stored studies at a glance, read with plain SQL: no Optuna, no trial is loaded."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import sqlalchemy as sa

from tuner.errors import StorageError
from tuner.storage.url import masked, parse_url

_studies = sa.table("studies", sa.column("study_id"), sa.column("study_name"))
_directions = sa.table("study_directions", sa.column("study_id"), sa.column("direction"))
_trials = sa.table("trials", sa.column("trial_id"), sa.column("study_id"), sa.column("state"))
_values = sa.table("trial_values", sa.column("trial_id"), sa.column("value"))


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
    parsed = parse_url(url)
    if parsed.get_backend_name() == "sqlite" and not Path(parsed.database or "").exists():
        return []
    engine = None
    try:
        engine = sa.create_engine(parsed)
        with engine.connect() as connection:
            if not sa.inspect(connection).has_table("studies"):
                return []
            return _read(connection)
    except (ImportError, sa.exc.SQLAlchemyError) as exc:
        text = str(getattr(exc, "orig", None) or exc).splitlines()[0]
        raise StorageError(f"storage {masked(url)}: {text}") from exc
    finally:
        if engine is not None:
            engine.dispose()


def _read(connection: sa.Connection) -> list[StudyOverview]:
    counts: dict[int, dict[str, int]] = {}
    by_state = sa.select(_trials.c.study_id, _trials.c.state, sa.func.count()).group_by(
        _trials.c.study_id, _trials.c.state
    )
    for study_id, state, count in connection.execute(by_state):
        counts.setdefault(study_id, {})[str(state).lower()] = count
    extremes = (
        sa.select(_trials.c.study_id, sa.func.min(_values.c.value), sa.func.max(_values.c.value))
        .join_from(_trials, _values, _trials.c.trial_id == _values.c.trial_id)
        # Cast: on PostgreSQL the state is an enumeration, which a plain string does not equal.
        .where(sa.cast(_trials.c.state, sa.String) == "COMPLETE")
        .group_by(_trials.c.study_id)
    )
    best = {study_id: (low, high) for study_id, low, high in connection.execute(extremes)}
    query = (
        sa.select(_studies.c.study_id, _studies.c.study_name, _directions.c.direction)
        .join_from(_studies, _directions, _studies.c.study_id == _directions.c.study_id)
        .order_by(_studies.c.study_id)
    )
    rows = []
    for study_id, name, direction in connection.execute(query):
        low, high = best.get(study_id, (None, None))
        maximize = str(direction) == "MAXIMIZE"
        rows.append(
            StudyOverview(
                name=name,
                direction=str(direction).lower(),
                counts=counts.get(study_id, {}),
                best=high if maximize else low,
            )
        )
    return rows
