"""Failures of a database server: their advice, and which of them are retried."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

import optuna
import psycopg
import pytest
import sqlalchemy as sa
from commands import Command
from laboratory import Laboratory
from servers import Postgres, as_guest

from tuner.errors import StorageError
from tuner.storage.database import Database
from tuner.storage.error_mapping import storage_errors
from tuner.storage.retrying import RetryPolicy
from tuner.storage.troubles import trouble_of

URL = "postgresql+psycopg://me:secret@db/studies"

# The text of PostgreSQL or MySQL; its class in psycopg, if it has an error code; the advice; what
# is logged while the database is asked again.
SAID = [
    ("sorry, too many clients already", None, "use fewer workers", "no free connection"),
    ("remaining connection slots are reserved", None, "use fewer workers", "no free connection"),
    ('too many connections for role "me"', None, "use fewer workers", "no free connection"),
    ("zu viele Verbindungen", "TooManyConnections", "use fewer workers", "no free connection"),
    (
        "canceling statement due to statement timeout",
        "QueryCanceled",
        "raise statement_timeout",
        "ends statements that take too long",
    ),
    (
        "canceling statement due to lock timeout",
        "LockNotAvailable",
        "another program holds a lock",
        "waits too long for a lock",
    ),
    ("deadlock detected", "DeadlockDetected", "the same command goes on", "blocked another one"),
    (
        'could not extend file "base/1": No space left on device',
        "DiskFull",
        "free space on the disk of the server",
        "the disk of the database is full",
    ),
    (
        "cannot execute INSERT in a read-only transaction",
        "ReadOnlySqlTransaction",
        "name the primary server",
        None,
    ),
    ('relation "trials" does not exist', "UndefinedTable", "its tables are gone", None),
    ("permission denied for table trials", "InsufficientPrivilege", "GRANT it to the user", None),
    ("the database system is starting up", None, "is the server running", "does not answer"),
    ("server closed the connection unexpectedly", None, "is the server running", "does not answer"),
]


def raised(text: str, name: str | None) -> sa.exc.DBAPIError:
    kind = getattr(psycopg.errors, name) if name else psycopg.OperationalError
    is_operational = issubclass(kind, psycopg.OperationalError)
    wrapper = sa.exc.OperationalError if is_operational else sa.exc.InternalError
    return wrapper("SELECT 1", None, kind(text))


@contextmanager
def wrapped() -> Iterator[None]:
    """As Optuna's storage wraps what its sessions raise."""
    try:
        yield
    except sa.exc.SQLAlchemyError as exc:
        text = "An exception is raised during the commit."
        raise optuna.exceptions.StorageInternalError(text) from exc


@pytest.mark.parametrize("wrap", [False, True])
@pytest.mark.parametrize(("text", "name", "advice", "waiting"), SAID)
def test_each_failure_has_its_advice(
    text: str,
    name: str | None,
    advice: str,
    waiting: str | None,
    wrap: bool,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.setattr("tuner.storage.retrying._FIRST_PAUSE", 0.001)
    calls = []

    def attempt(again: bool) -> str:
        calls.append(again)
        if len(calls) > 1:
            return "answer"
        if wrap:
            with wrapped():
                raise raised(text, name)
        raise raised(text, name)

    if waiting is None:
        with pytest.raises(StorageError, match=advice) as error, storage_errors(URL):
            RetryPolicy(60).call(attempt)
        assert caplog.messages == []
    else:
        assert RetryPolicy(60).call(attempt) == "answer"
        assert caplog.messages[0].endswith(f"{waiting}; it is tried again")
        with pytest.raises(StorageError, match=advice) as error, storage_errors(URL), wrapped():
            raise raised(text, name)
    assert "\n" not in str(error.value)
    assert "secret" not in str(error.value)


def test_policy_without_seconds_waits_only_for_a_connection(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("tuner.storage.retrying.CROWDED_SECONDS", 0.3)
    calls = []

    def attempt(again: bool) -> None:
        calls.append(again)
        raise raised("sorry, too many clients already", None)

    with pytest.raises(sa.exc.OperationalError, match="too many clients"):
        RetryPolicy().call(attempt)
    assert len(calls) > 1
    away = raised("connection refused", None)
    with pytest.raises(sa.exc.OperationalError, match="refused"):
        RetryPolicy().call(lambda _again: (_ for _ in ()).throw(away))


def test_other_errors_are_not_server_failures() -> None:
    assert trouble_of(ValueError("too many connections")) is None
    assert trouble_of(sa.exc.IntegrityError("INSERT", None, ValueError("duplicate"))) is None


@pytest.fixture
def guest(server: Postgres) -> str:
    """The URL of a new database, of a user who may have four connections."""
    return as_guest(server.new_database(), connections=4)


def test_statement_timeout_has_its_own_advice(guest: str) -> None:
    database = Database(f"{guest}&options=-c%20statement_timeout%3D50")
    with (
        pytest.raises(StorageError, match=r"statement timeout: .* raise statement_timeout"),
        storage_errors(guest),
        database.storage.engine.begin() as connection,  # type: ignore[attr-defined]
    ):
        connection.execute(sa.text("SELECT pg_sleep(5)"))
    database.close()


@pytest.mark.slow
@pytest.mark.parametrize("words", ["studies", "trials scripted"])
def test_reading_commands_wait_for_a_connection_and_log_it(
    words: str,
    guest: str,
    command: Command,
    laboratory: Laboratory,
    caplog: pytest.LogCaptureFixture,
) -> None:
    laboratory.url = guest
    laboratory.submit()
    others = [sa.create_engine(guest).connect() for _ in range(4)]

    def leave() -> None:
        for other in others:
            other.close()
            other.engine.dispose()

    leaving = threading.Timer(0.5, leave)
    leaving.start()
    answer = command(*words.split(), "--storage", guest)
    leaving.join()
    assert answer.status == 0
    assert caplog.messages[0] == "the database has no free connection; it is tried again"
    assert answer.out


@pytest.mark.slow
def test_run_of_two_workers_takes_four_connections(guest: str, laboratory: Laboratory) -> None:
    laboratory.url = guest
    run = laboratory.run(workers=2)
    assert run.counts["complete"] == 4
