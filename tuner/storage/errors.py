"""Maps what SQLAlchemy, its drivers and Optuna raise, where it enters, to one clear line."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager

import optuna
import sqlalchemy as sa

from tuner.errors import StorageError
from tuner.storage.url import PROXY, masked, parse_url

# For each kind of database a driver to install, and the beginning of the URL that asks for it.
_DRIVERS = {
    "postgresql": ("tuner[postgres]", "postgresql+psycopg"),
    "mysql": ("pymysql", "mysql+pymysql"),
    "mariadb": ("pymysql", "mariadb+pymysql"),
}
# What PostgreSQL and MySQL say when they are asked wrongly, and what to look at.
_ADVICE = {
    "authentication failed|access denied|no password supplied": "write USER:PASSWORD@ before the "
    "host, special characters as %XX",
    "could not translate host name|name or service not known|failed to resolve host": "is the name "
    "of the host right?",
    'database ".*" does not exist|unknown database': "create it first, or name another in the URL",
    'role ".*" does not exist': "is the user right?",
    "too many (clients|connections)|connection slots": "use fewer workers, or let the server have "
    "more connections",
}


class ProxyError(optuna.exceptions.StorageInternalError):
    """A proxy that is not there, or says that its database has failed.

    Attributes:
        may_pass: Whether to ask again may help.
    """

    def __init__(self, text: str, *, may_pass: bool) -> None:
        super().__init__(text)
        self.may_pass = may_pass


@contextmanager
def storage_errors(url: str) -> Iterator[None]:
    """Maps what SQLAlchemy, its drivers and Optuna raise to :class:`StorageError`."""
    shown = masked(url)
    try:
        yield
    except ProxyError as exc:
        raise StorageError(f"storage {shown}: {exc}") from exc
    except optuna.exceptions.StorageInternalError as exc:
        raise StorageError(f"storage {shown}: {_explain(exc.__cause__ or exc)}") from exc
    except (ImportError, sa.exc.NoSuchModuleError) as exc:
        raise StorageError(f"storage {shown}: {_no_driver(parse_url(url))}") from exc
    except sa.exc.SQLAlchemyError as exc:
        raise StorageError(f"storage {shown}: {_explain(exc)}") from exc


def _no_driver(url: sa.URL) -> str:
    backend = url.get_backend_name()
    if backend == PROXY:
        return "a proxy needs two packages more; install them with: pip install 'tuner[grpc]'"
    package, dialect = _DRIVERS.get(backend, (backend, backend))
    return (
        f"the Python driver for '{url.drivername}' is not there; install one with: "
        f"pip install '{package}', and begin the URL with {dialect}://"
    )


def _explain(exc: BaseException) -> str:
    """What the database or its driver says, in one line, and what to do about it."""
    driver_error = getattr(exc, "orig", None) or exc
    text = _first_line(driver_error)
    if "unable to open database file" in text:
        return f"{text}: does the folder exist, and may you write in it?"
    if "readonly database" in text:
        return f"{text}: the file or its folder cannot be written; copy it or change its rights"
    if "not a database" in text:
        return f"{text}: name a SQLite database, or a new file, with --storage"
    if "is malformed" in text:
        return f"{text}: put a copy of it back, or name another file with --storage"
    if re.search("permission denied for|command denied", text, re.IGNORECASE):
        return f"{text}: GRANT it to the user, or name another user in the URL"
    if isinstance(exc, sa.exc.OperationalError) and not isinstance(driver_error, sqlite3.Error):
        for words, advice in _ADVICE.items():
            if re.search(words, text, re.IGNORECASE):
                return f"{text}; {advice}"
        return f"{text}: is the server running, and are host, port, user and database right?"
    return text


def _first_line(exc: BaseException) -> str:
    return (str(exc).strip().splitlines() or [type(exc).__name__])[0]
