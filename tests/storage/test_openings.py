"""Openings of test splits in a table of our own, or as attributes through a proxy."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

import optuna
import pytest
import sqlalchemy as sa
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from servers import EVERY_BACKEND, proxy_here

from tuner.errors import SpecError, UnknownNameError
from tuner.storage.database import Database
from tuner.storage.openings import OPENING, Opening, digest
from tuner.storage.sql import curve_table
from tuner.storage.sql.opening_table import OpeningModel

Open = Callable[..., Database]
DATA = "f" * 64


def opening(**changes: object) -> Opening:
    values = {
        "study": "s",
        "data_fingerprint": DATA,
        "trial": 7,
        "configuration": digest({"units": 4}),
        "by": "tuner train",
        "why": "score the final model",
        "opened_at": datetime(2026, 11, 26, 8, 1, 2, tzinfo=UTC),
    }
    return Opening.model_validate(values | changes)


def create(database: Database, name: str = "s") -> None:
    optuna.create_study(storage=database.storage, study_name=name)


@pytest.mark.parametrize("url", EVERY_BACKEND, indirect=True)
def test_openings_are_written_and_read_oldest_first(open_database: Open) -> None:
    database = open_database()
    create(database)
    first = opening()
    second = opening(trial=None, opened_at=datetime(2026, 11, 27, tzinfo=UTC))
    other_data = opening(data_fingerprint="0" * 64)
    for one in (second, first, other_data):
        database.store_opening(one)
    scored = first.scored({"accuracy": 0.25, "auc": float("nan")})
    database.store_opening(scored)  # in place of the one without scores
    reader = open_database(must_exist=True)
    assert reader.openings("s", DATA) == [scored, second]
    assert scored.scores == {"accuracy": 0.25, "auc": None}
    assert reader.openings("other", DATA) == []


def test_openings_outlive_their_study(open_database: Open) -> None:
    database = open_database()
    create(database)
    database.store_opening(opening())
    optuna.delete_study(study_name="s", storage=database.storage)
    assert len(database.openings("s", DATA)) == 1


def test_reading_an_old_database_creates_no_table(url: str, open_database: Open) -> None:
    database = open_database()
    with database.storage.engine.begin() as connection:
        command.downgrade(curve_table._config(connection), "0001")
    reader = open_database(must_exist=True)
    assert reader.openings("s", DATA) == []
    assert not sa.inspect(database.storage.engine).has_table("tuner_test_openings")
    reader.upgrade()
    reader.store_opening(opening())
    assert len(open_database().openings("s", DATA)) == 1


def test_model_equals_the_migrated_table(open_database: Open) -> None:
    def ours(_object: object, name: str | None, kind: str, *_: object) -> bool:
        return kind != "table" or str(name) == "tuner_test_openings"

    with open_database().storage.engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"include_object": ours})
        assert compare_metadata(context, OpeningModel.metadata) == []


@pytest.mark.parametrize("url", ["sqlite"], indirect=True)
def test_openings_through_a_proxy_are_read_from_the_database(url: str, open_database: Open) -> None:
    database = open_database()
    create(database)
    with proxy_here(url) as address:
        proxied = Database(address)
        proxied.store_opening(opening())
        with pytest.raises(UnknownNameError, match="no study 'gone' is stored"):
            proxied.store_opening(opening(study="gone"))
        proxied.close()
    assert database.openings("s", DATA) == [opening(id=database.openings("s", DATA)[0].id)]


@pytest.mark.parametrize("url", ["sqlite"], indirect=True)
def test_damaged_opening_is_named(open_database: Open) -> None:
    database = open_database()
    create(database)
    study_id = database.storage.get_study_id_from_name("s")
    database.storage.set_study_system_attr(study_id, f"{OPENING}1", {"by": 3})
    with pytest.raises(SpecError, match=r"stored study s: tuner:opening:….study: field req"):
        database.openings("s", DATA)


def test_digest_ignores_the_order_of_keys() -> None:
    assert digest({"a": 1, "b": {"c": 2.5, "d": "x"}}) == digest(
        {"b": {"d": "x", "c": 2.5}, "a": 1}
    )
    assert digest({"a": 1}) != digest({"a": 2})
