"""The databases that storage is tested with: in memory, a SQLite file, PostgreSQL, a proxy."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest
from servers import proxy_here

from tuner.storage.database import Database


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """A new database of either kind that SQL reaches, or ``proxy`` where a test asks for it."""
    file = f"sqlite:///{tmp_path}/tuner.db"
    if request.param == "sqlite":
        yield file
    elif request.param == "memory":
        name = f"file:{tmp_path.name}?mode=memory&cache=shared"
        with closing(sqlite3.connect(name, uri=True)):  # it lasts as long as a connection does
            yield f"sqlite:///{name}&uri=true"
    elif request.param == "proxy":
        with proxy_here(file) as address:
            yield address
    else:
        yield request.getfixturevalue("server").new_database()


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
