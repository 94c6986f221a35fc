"""Maps what SQLAlchemy, its drivers and Optuna raise, where it enters, to one clear line."""

from __future__ import annotations

import json
import re
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import optuna
import sqlalchemy as sa

from tuner.errors import StorageError
from tuner.storage.troubles import trouble_of
from tuner.storage.url import PROXY, masked, parse_url

# For each kind of database a driver to install, and the beginning of the URL that asks for it.
_DRIVERS = {
    "postgresql": ("tuner[postgres]", "postgresql+psycopg"),
    "mysql": ("pymysql", "mysql+pymysql"),
    "mariadb": ("pymysql", "mariadb+pymysql"),
}


# Messages of SQLite, and what to do about each.
_SQLITE_ADVICE = {
    "unable to open database file": "does the folder exist, and may you write in it?",
    "readonly database": "the file or its folder cannot be written; copy it or change its rights",
    "not a database": "name a SQLite database, or a new file, with --storage",
    "is malformed": "put a copy of it back, or name another file with --storage",
    "is locked": "another program has not let go of it for a long time; end that one",
    "no such (table|column)": "it has been emptied or changed; put a copy of it back, or name "
    "another file with --storage",
    "disk I/O error": "is the disk still there, and in order?",
}
_FULL_BYTES = 2**17  # SQLite grows its log and its index by up to 32 KiB


class ProxyError(optuna.exceptions.StorageInternalError):
    """A proxy that is not there, or whose database has failed.

    Attributes:
        may_pass: Whether a retry may help.
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
    except (ImportError, sa.exc.NoSuchModuleError) as exc:
        raise StorageError(f"storage {shown}: {_no_driver(parse_url(url))}") from exc
    except (optuna.exceptions.StorageInternalError, sa.exc.SQLAlchemyError) as exc:
        raise StorageError(f"storage {shown}: {_explain(database_error(exc), url)}") from exc
    except json.JSONDecodeError as exc:
        raise StorageError(
            f"storage {shown}: an attribute holds {exc.doc[:40]!r}, which is not JSON: it "
            "was changed in the table; write JSON there"
        ) from exc


def database_error(exc: BaseException) -> BaseException:
    """The exception of SQLAlchemy, also where Optuna has wrapped it."""
    if isinstance(exc, optuna.exceptions.StorageInternalError):
        return exc.__cause__ or exc
    return exc


def _no_driver(url: sa.URL) -> str:
    backend = url.get_backend_name()
    if backend == PROXY:
        return "a proxy needs two packages more; install them with: pip install 'tuner[grpc]'"
    package, dialect = _DRIVERS.get(backend, (backend, backend))
    return (
        f"the Python driver for '{url.drivername}' is not there; install one with: "
        f"pip install '{package}', and begin the URL with {dialect}://"
    )


def _explain(exc: BaseException, url: str) -> str:
    """The message of the database or its driver, in one line, and what to do about it."""
    original = getattr(exc, "orig", None) or exc
    text = _first_line(original)
    if isinstance(original, sqlite3.Error):
        advice = _sqlite_advice(text, url)
        return f"{text}: {advice}" if advice else text
    trouble = trouble_of(exc)
    return f"{text}: {trouble.advice}" if trouble else text


def _sqlite_advice(text: str, url: str) -> str | None:
    is_full = "disk is full" in text or ("disk I/O error" in text and _is_full(url))
    if is_full:
        return (
            "no space is left on the disk; free some, then the same command goes on, and trains "
            "again what could not be stored"
        )
    for words, advice in _SQLITE_ADVICE.items():
        if re.search(words, text):
            return advice
    return None


def _is_full(url: str) -> bool:
    """Whether the disk of a SQLite file is full: then SQLite often says only that it failed."""
    folder = Path(parse_url(url).database or "").absolute().parent
    try:
        return shutil.disk_usage(folder).free < _FULL_BYTES
    except OSError:
        return False


def _first_line(exc: BaseException) -> str:
    return (str(exc).strip().splitlines() or [type(exc).__name__])[0]
