"""Kinds of failures of a database server: what to do about each, and whether to retry.

PostgreSQL numbers them (https://www.postgresql.org/docs/current/errcodes-appendix.html); before a
connection is there, and in MySQL, only the messages distinguish them.
"""

from __future__ import annotations

import re
import sqlite3
from dataclasses import dataclass

import sqlalchemy as sa


@dataclass(frozen=True)
class Trouble:
    """One kind of failure.

    Attributes:
        words: The message of the server or its driver, as a regular expression.
        advice: What to do about it.
        waiting: What is logged while the call is retried; empty if that cannot help.
        states: PostgreSQL's numbers for it.
    """

    words: str
    advice: str
    waiting: str = ""
    states: tuple[str, ...] = ()

    def fits(self, error: BaseException) -> bool:
        """Whether a driver's exception is of this kind."""
        # psycopg's name for it, and psycopg2's.
        state = getattr(error, "sqlstate", None) or getattr(error, "pgcode", None)
        return state in self.states or bool(re.search(self.words, str(error), re.IGNORECASE))


CROWDED = Trouble(
    "too many (clients|connections)|connection slots",
    "use fewer workers, or let the server have more connections",
    "the database has no free connection",
    ("53300",),
)
UNREACHABLE = Trouble(
    "(?!)",  # whatever else its driver calls operational
    "is the server running, and are host, port, user and database right?",
    "the database does not answer",
)
_KINDS = (
    CROWDED,
    Trouble(
        "statement timeout|maximum statement execution time",
        "let statements take longer: raise statement_timeout of the user, the database or the "
        "server",
        "the database ends statements that take too long",
        ("57014",),
    ),
    Trouble(
        "lock timeout|lock wait timeout",
        "another program holds a lock for a long time: end that one, or raise lock_timeout",
        "the database waits too long for a lock",
        ("55P03",),
    ),
    Trouble(
        "deadlock",
        "the same command goes on",
        "the database has ended a transaction that blocked another one",
        ("40P01", "40001"),
    ),
    Trouble(
        "no space left on device|disk full|the table .* is full",
        "free space on the disk of the server, then the same command goes on",
        "the disk of the database is full",
        ("53100",),
    ),
    Trouble(
        "read-only transaction|read[_-]only",
        "the server is a standby, or may not be written: name the primary server in the URL",
        "",
        ("25006",),
    ),
    Trouble(
        "authentication failed|access denied|no password supplied",
        "write USER:PASSWORD@ before the host, special characters as %XX",
        "the database does not let this user in",
        ("28P01", "28000"),
    ),
    Trouble(
        "could not translate host name|name or service not known|failed to resolve host",
        "is the name of the host right?",
        UNREACHABLE.waiting,
    ),
    Trouble(
        'database ".*" does not exist|unknown database',
        "create it first, or name another in the URL",
        "the database is not there",
        ("3D000",),
    ),
    Trouble('role ".*" does not exist', "is the user right?", "the database has no such user"),
    Trouble(
        'relation ".*" does not exist|table .* doesn\'t exist',
        "its tables are gone, and what was stored with them: put a copy of them back, or name "
        "another database",
        "",
        ("42P01",),
    ),
    Trouble(
        "permission denied for|command denied",
        "GRANT it to the user, or name another user in the URL",
        "",
        ("42501",),
    ),
)


def trouble_of(error: BaseException) -> Trouble | None:
    """The kind of an exception of SQLAlchemy; None if it is of no known kind."""
    orig = getattr(error, "orig", None)
    if not isinstance(error, sa.exc.DBAPIError) or orig is None or isinstance(orig, sqlite3.Error):
        return None
    for kind in _KINDS:
        if kind.fits(orig):
            return kind
    passes = isinstance(error, sa.exc.OperationalError | sa.exc.InterfaceError)
    return UNREACHABLE if passes or error.connection_invalidated else None
