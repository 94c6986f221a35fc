"""The databases that storage is tested with: a SQLite file, a PostgreSQL server, a proxy."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from servers import proxy_here

from tuner.storage.database import Database


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """A new database of either kind that SQL reaches, or ``proxy`` for those who ask for it."""
    file = f"sqlite:///{tmp_path}/tuner.db"
    if request.param == "sqlite":
        yield file
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
