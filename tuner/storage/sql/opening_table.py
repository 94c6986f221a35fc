"""The table of our own with the openings of test splits; created by the second migration.

It has no foreign key: openings are about data. Whoever deletes a study and begins it again under
its name still has looked at the same test rows, so its openings stay and are counted.
"""

from __future__ import annotations

import json
from datetime import UTC, datetime

import sqlalchemy as sa
from sqlalchemy import orm

from tuner.storage.attributes import parsed, read
from tuner.storage.openings import OPENING, Opening, opening_of
from tuner.storage.optuna_private import models


class _Base(orm.DeclarativeBase):
    pass


class OpeningModel(_Base):
    """One opening of a test split; the attributes of :class:`tuner.storage.openings.Opening`.

    Attributes:
        opened_at: UTC, without a time zone, as Optuna stores times.
        scores: JSON object.
    """

    __tablename__ = "tuner_test_openings"

    opening_id: orm.Mapped[str] = orm.mapped_column(sa.String(32), primary_key=True)
    study_name: orm.Mapped[str] = orm.mapped_column(sa.String(512), index=True)
    data_fingerprint: orm.Mapped[str] = orm.mapped_column(sa.String(64))
    trial_number: orm.Mapped[int | None]
    configuration: orm.Mapped[str] = orm.mapped_column(sa.String(64))
    opened_by: orm.Mapped[str] = orm.mapped_column(sa.Text)
    purpose: orm.Mapped[str] = orm.mapped_column(sa.Text)
    opened_at: orm.Mapped[datetime]
    scores: orm.Mapped[str] = orm.mapped_column(sa.Text)
    host: orm.Mapped[str] = orm.mapped_column(sa.Text)


def store_opening(connection: sa.Connection, opening: Opening) -> None:
    """Stores an opening in place of the one with its identifier; in a transaction."""
    connection.execute(sa.delete(OpeningModel).where(OpeningModel.opening_id == opening.id))
    row = {
        "opening_id": opening.id,
        "study_name": opening.study,
        "data_fingerprint": opening.data_fingerprint,
        "trial_number": opening.trial,
        "configuration": opening.configuration,
        "opened_by": opening.by,
        "purpose": opening.why,
        "opened_at": opening.opened_at.astimezone(UTC).replace(tzinfo=None),
        "scores": json.dumps(opening.scores),
        "host": opening.host,
    }
    connection.execute(sa.insert(OpeningModel), [row])


def read_openings(connection: sa.Connection, study: str) -> list[Opening]:
    """Returns the openings of a study, oldest first, those recorded through a proxy included.

    Raises:
        SpecError: One of them is not what tuner stores there.
    """
    found = [opening_of(value, study) for value in _attrs(connection, study)]
    if sa.inspect(connection).has_table(OpeningModel.__tablename__):
        columns = OpeningModel.__table__.columns
        query = sa.select(*columns).where(OpeningModel.study_name == study)
        found += [_of(row, study) for row in connection.execute(query)]
    return sorted(found, key=lambda one: (one.opened_at, one.id))


def _of(row: sa.Row[tuple[object, ...]], study: str) -> Opening:
    table = {
        "id": row.opening_id,
        "study": row.study_name,
        "data_fingerprint": row.data_fingerprint,
        "trial": row.trial_number,
        "configuration": row.configuration,
        "by": row.opened_by,
        "why": row.purpose,
        "opened_at": row.opened_at.replace(tzinfo=UTC),
        "scores": parsed(row.scores),
        "host": row.host,
    }
    return read(Opening, table, f"stored study {study}", OpeningModel.__tablename__)


def _attrs(connection: sa.Connection, study: str) -> list[object]:
    attr, studies = models.StudySystemAttributeModel, models.StudyModel
    query = (
        sa.select(attr.value_json)
        .join(studies, studies.study_id == attr.study_id)
        .where(studies.study_name == study, attr.key.startswith(OPENING, autoescape=True))
    )
    return [parsed(value_json) for value_json in connection.scalars(query)]
