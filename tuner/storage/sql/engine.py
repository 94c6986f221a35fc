"""Engine options, and SQLite in write-ahead mode: a dashboard then never blocks a worker."""

from __future__ import annotations

import functools
import os
import sqlite3
import time
from pathlib import Path
from typing import Any

import optuna
import sqlalchemy as sa
from optuna.storages import RDBStorage
from sqlalchemy import event
from tenacity import Retrying, retry_if_exception, stop_after_delay, wait_random

from tuner.errors import StorageError
from tuner.storage.error_mapping import database_error
from tuner.storage.retrying import RetryPolicy
from tuner.storage.sql.sql_storage import SqlStorage
from tuner.storage.table_names import KEYS, VERSION_TABLE, are_optunas
from tuner.storage.taker import Taker
from tuner.storage.url import is_frozen, masked, parse_url

_BUSY_SECONDS = 30
_CREATION_SECONDS = 60.0
_IDLE_SECONDS = 5.0
# A host that drops all packets is noticed within a minute, not when TCP gives up.
_LIBPQ = {
    "application_name": "tuner",
    "connect_timeout": 10,  # seconds, for each address of the host
    "keepalives_idle": 30,
    "keepalives_interval": 10,
    "keepalives_count": 3,
    "tcp_user_timeout": 60_000,  # milliseconds
}


def open_sql(url: str, taker: Taker, retry: RetryPolicy) -> SqlStorage:
    """Opens a database, creating Optuna's tables where they are missing.

    Raises:
        StorageError: The database belongs to another program, or its tables are of another
            Optuna version.
    """
    return SqlStorage(functools.partial(_open, url), taker, retry)


def _open(url: str) -> RDBStorage:
    parsed = parse_url(url)
    sqlite = parsed.get_backend_name() == "sqlite"
    opened = _readable(parsed) if sqlite else url
    storage = RetryPolicy().call(
        lambda _again: _open_tables(opened, connect_args(parsed), masked(url))
    )
    # A listener sees only connections that are opened after it.
    storage.engine.dispose()
    if sqlite:
        event.listen(storage.engine, "connect", _use_write_ahead_log)
    else:
        _ping_if_idle(storage.engine)
    return storage


def has_tables(url: str, connect_args: dict[str, Any], shown: str) -> bool:
    """Whether Optuna's tables are there, with a version; writes nothing.

    Args:
        url: As SQLAlchemy takes it.
        connect_args: As :func:`connect_args` returns them.
        shown: The database, as errors name it.

    Raises:
        StorageError: The database belongs to another program.
    """
    engine = sa.create_engine(url, poolclass=sa.NullPool, connect_args=connect_args)
    with engine.connect() as connection:
        inspector = sa.inspect(connection)
        names = set(inspector.get_table_names())
        versions: list[str] = []
        if VERSION_TABLE in names:
            found = connection.scalars(sa.text(f"SELECT version_num FROM {VERSION_TABLE}"))
            versions = [str(version) for version in found]
        for name, key in () if versions else KEYS.items():
            # Other programs have studies and trials, too.
            if name in names and key not in {col["name"] for col in inspector.get_columns(name)}:
                names = names - {name} | {f"{name} without {key}"}
    return are_optunas(names, versions, shown) and bool(versions)


def connect_args(url: sa.URL) -> dict[str, Any]:
    """Returns options for the driver; those in the URL take precedence."""
    if url.get_backend_name() == "sqlite":
        return {"timeout": _BUSY_SECONDS}
    if url.drivername not in ("postgresql", "postgresql+psycopg", "postgresql+psycopg2"):
        return {}
    return {key: value for key, value in _LIBPQ.items() if key not in url.query}


def _open_tables(url: str, connect_args: dict[str, Any], shown: str) -> RDBStorage:
    """Opens the storage; several processes may be creating the tables of a new database.

    Optuna looks for each table and then creates it, so one of two that do so together fails.
    It finds all of them a moment later.
    """
    options = {"connect_args": connect_args}
    for attempt in Retrying(
        retry=retry_if_exception(_is_created_by_another),
        stop=stop_after_delay(_CREATION_SECONDS),
        wait=wait_random(0.05, 0.2),
        reraise=True,
    ):
        with attempt:
            if not has_tables(url, connect_args, shown):
                try:
                    return RDBStorage(url, options)
                except RuntimeError as exc:  # its tables have no version yet
                    raise _of_older_optuna(shown) from exc
    # Optuna's own check takes a second connection, which a crowded server may not have.
    storage = RDBStorage(url, options, skip_compatibility_check=True, skip_table_creation=True)
    version = storage.get_current_version()
    if version == storage.get_head_version():
        return storage
    storage.remove_session()
    storage.engine.dispose()
    if version in storage.get_all_versions():
        raise _of_older_optuna(shown)
    raise StorageError(
        f"storage {shown}: the tables are of a newer Optuna version, {version}, than Optuna "
        f"{optuna.__version__} here knows; upgrade it with: pip install --upgrade optuna"
    )


def _is_created_by_another(exc: BaseException) -> bool:
    if not isinstance(exc, sa.exc.DBAPIError | optuna.exceptions.StorageInternalError):
        return False
    error = database_error(exc)
    return isinstance(error, sa.exc.IntegrityError) or "already exists" in str(error)


def _of_older_optuna(shown: str) -> StorageError:
    return StorageError(
        f"storage {shown}: the tables are of an older Optuna version; "
        f"upgrade them with: tuner upgrade --storage '{shown}'"
    )


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
    retrying = Retrying(
        retry=retry_if_exception(
            lambda exc: isinstance(exc, sqlite3.OperationalError) and "locked" in str(exc)
        ),
        stop=stop_after_delay(_BUSY_SECONDS),
        wait=wait_random(0.02, 0.1),
        reraise=True,
    )
    retrying(cursor.execute, "PRAGMA journal_mode=WAL")


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
