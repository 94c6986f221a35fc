"""Engine options, and SQLite in write-ahead mode: a dashboard then never blocks a worker."""

from __future__ import annotations

import os
import random
import re
import sqlite3
import time
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy import event

from tuner.errors import StorageError
from tuner.storage.shared import SharedStorage
from tuner.storage.url import is_frozen, masked, parse_url

_BUSY_SECONDS = 30
_CROWDED_SECONDS = 60.0
_TOO_MANY = re.compile("too many (clients|connections)|connection slots")
_IDLE_SECONDS = 5.0
# A host that swallows what it is sent is noticed within a minute, not when TCP gives up.
_LIBPQ = {
    "application_name": "tuner",
    "connect_timeout": 10,  # seconds, for each address of the host
    "keepalives_idle": 30,
    "keepalives_interval": 10,
    "keepalives_count": 3,
    "tcp_user_timeout": 60_000,  # milliseconds
}


def open_shared(url: str) -> SharedStorage:
    """Opens Optuna's storage over a database, creating its tables where they are missing.

    Raises:
        StorageError: The tables are of another Optuna version.
    """
    parsed = parse_url(url)
    sqlite = parsed.get_backend_name() == "sqlite"
    options = {"connect_args": connect_args(parsed)}
    try:
        opened = _readable(parsed) if sqlite else url
        storage = _with_tables(opened, options)
    except RuntimeError as exc:
        # The only RuntimeError of Optuna's constructor.
        shown = masked(url)
        raise StorageError(
            f"storage {shown}: the tables are of another Optuna version; "
            f"upgrade them with: tuner upgrade --storage '{shown}'"
        ) from exc
    # Two connections were open at once to look at the tables; a worker needs one. And a listener
    # hears of those only that are opened after it.
    storage.engine.dispose()
    if sqlite:
        event.listen(storage.engine, "connect", _use_write_ahead_log)
    else:
        _ping_if_idle(storage.engine)
    return storage


def connect_args(url: sa.URL) -> dict[str, Any]:
    """What the driver is told beside the URL, whose own words count more."""
    if url.get_backend_name() == "sqlite":
        return {"timeout": _BUSY_SECONDS}
    if url.drivername not in ("postgresql", "postgresql+psycopg", "postgresql+psycopg2"):
        return {}
    return {key: value for key, value in _LIBPQ.items() if key not in url.query}


def _with_tables(url: str, options: dict[str, Any]) -> SharedStorage:
    """Opens the storage; several processes may be creating the tables of a new database.

    Optuna looks for each table and then creates it, so one of two that do so together fails.
    It finds all of them a moment later. Many that begin together may also be too many for the
    server, until they have seen that the tables are there and have one connection each.
    """
    until, attempts = time.monotonic() + _CROWDED_SECONDS, 0
    while True:
        try:
            return SharedStorage(url, engine_kwargs=options)
        except sa.exc.DBAPIError as exc:
            said = str(exc.orig)
            is_there = isinstance(exc, sa.exc.IntegrityError) or "already exists" in said
            if time.monotonic() > until or not (is_there or _TOO_MANY.search(said)):
                raise
        attempts += 1
        time.sleep(random.uniform(0.05, 0.2) * min(attempts, 10))


def _readable(url: sa.URL) -> str:
    """The URL under which a SQLite file can be read where nothing may be written."""
    file = Path(url.database or "")
    if is_frozen(file):
        url = url.set(database=f"file:{file.absolute()}", query={"immutable": "1", "uri": "true"})
    return url.render_as_string(hide_password=False)


def _use_write_ahead_log(connection: Any, _record: Any) -> None:
    cursor = connection.cursor()
    try:
        if cursor.execute("PRAGMA journal_mode").fetchone()[0] != "wal" and os.access(
            cursor.execute("PRAGMA database_list").fetchone()[2] or os.devnull, os.W_OK
        ):
            _switch(cursor)
        cursor.execute("PRAGMA synchronous=NORMAL")
    finally:
        cursor.close()


def _switch(cursor: sqlite3.Cursor) -> None:
    """Switches the file to write-ahead mode, for which SQLite does not wait if others open it."""
    until = time.monotonic() + _BUSY_SECONDS
    while True:
        try:
            cursor.execute("PRAGMA journal_mode=WAL")
            return
        except sqlite3.OperationalError as exc:
            if "locked" not in str(exc) or time.monotonic() > until:
                raise
        time.sleep(random.uniform(0.02, 0.1))


def _ping_if_idle(engine: sa.Engine) -> None:
    """Replaces connections that broke while a model was trained.

    SQLAlchemy's own ``pool_pre_ping`` asks the server each time, also between two queries.
    """

    def checked_in(_connection: Any, record: Any) -> None:
        record.info["used"] = time.monotonic()

    def checked_out(connection: Any, record: Any, _proxy: Any) -> None:
        if time.monotonic() - record.info.get("used", time.monotonic()) > _IDLE_SECONDS:
            try:
                engine.dialect.do_ping(connection)
            except Exception as exc:
                raise sa.exc.DisconnectionError from exc  # the pool then opens another one

    event.listen(engine, "checkin", checked_in)
    event.listen(engine, "checkout", checked_out)
