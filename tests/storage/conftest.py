"""The databases that storage is tested with: a SQLite file, and a PostgreSQL server."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tuner.storage.database import Database


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """A new database of either kind."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/tuner.db"
    new: str = request.getfixturevalue("server").new_database()
    return new


@pytest.fixture
def open_database(url: str) -> Iterator[Callable[..., Database]]:
    """Opens the database, each time as another process does."""
    opened: list[Database] = []

    def open_again(**options: object) -> Database:
        opened.append(Database(url, **options))  # type: ignore[arg-type]
        if not options.get("must_exist"):
            opened[-1].upgrade()
        return opened[-1]

    yield open_again
    for one in opened:
        one.close()
