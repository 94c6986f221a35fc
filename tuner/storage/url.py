"""Which database: where its URL comes from, whether it is one, how it is shown."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import TYPE_CHECKING

from tuner.errors import StorageError
from tuner.spec.paths import expanded

if TYPE_CHECKING:
    import sqlalchemy as sa

DEFAULT_URL = "sqlite:///tuner.db"
BACKENDS = ("sqlite", "postgresql", "mysql", "mariadb")
PROXY = "grpc"
PROXY_PORT = 13000
"""The default port of Optuna's proxy."""
_EXAMPLES = f"{DEFAULT_URL} or postgresql+psycopg://USER:PASSWORD@HOST/DATABASE"
_AUTHORITY = re.compile(r"[^/]*://([^?#]*)@")
_HOME = re.compile(r"^(sqlite(?:\+\w+)?:///)~(?=/)")
_HARMLESS = re.compile(r"[\w+.-]*")


def chosen_url(option: str | None = None) -> str:
    """The storage URL: the option, ``TUNER_STORAGE``, ``OPTUNA_STORAGE`` or SQLite here.

    The ``~`` of ``sqlite:///~/tuner.db`` is the home folder.
    """
    for url in (option, os.environ.get("TUNER_STORAGE"), os.environ.get("OPTUNA_STORAGE")):
        if url:
            return _HOME.sub(lambda found: f"{found[1]}{expanded('~')}", url)
    return DEFAULT_URL


def parse_url(url: str) -> sa.URL:
    """Parses a storage URL.

    Raises:
        StorageError: It is no URL of a database that Optuna stores studies in.
    """
    import sqlalchemy as sa

    try:
        parsed = sa.make_url(url)
    except (sa.exc.ArgumentError, ValueError):
        raise StorageError(
            f"storage {masked(url)} is not a database URL; write e.g. {_EXAMPLES}"
        ) from None
    if _is_ambiguous(url):
        raise StorageError(
            f"storage {masked(url)}: the user, the password or the path has an @ in it; "
            "write it as %40"
        )
    if parsed.get_backend_name() == PROXY:
        return _proxy(parsed, url)
    if parsed.get_backend_name() not in BACKENDS:
        raise StorageError(
            f"storage {masked(url)}: '{parsed.get_backend_name()}' is not a database that "
            f"Optuna stores studies in; use one of: {', '.join(BACKENDS)}, or {PROXY} for a proxy"
        )
    if parsed.get_backend_name() == "sqlite" and parsed.database in (None, "", ":memory:"):
        raise StorageError(
            f"storage {url} lives in the memory of one process, and workers are others; "
            f"name a file, e.g. {DEFAULT_URL}"
        )
    return parsed


def _proxy(parsed: sa.URL, url: str) -> sa.URL:
    more = (parsed.username, parsed.password, parsed.database, *parsed.query)
    if not parsed.host or any(more):
        raise StorageError(
            f"storage {masked(url)}: of a proxy only the address is written: "
            f"{PROXY}://HOST:PORT, e.g. {PROXY}://localhost:{PROXY_PORT}"
        )
    return parsed if parsed.port else parsed.set(port=PROXY_PORT)


def require_file(url: sa.URL) -> None:
    """Makes sure that a SQLite file is there; a server is checked when it is connected to.

    Raises:
        StorageError: It is not.
    """
    file = file_of(url)
    if file and not os.access(file, os.F_OK):
        raise StorageError(
            f"there is no database {url.database} yet; start a study with: tuner run STUDY, "
            "or name another database with --storage"
        )


def file_of(url: sa.URL) -> Path | None:
    """The SQLite file of a URL, absolute; None for a server, a proxy or a URI of SQLite's own."""
    file = url.database
    if url.get_backend_name() != "sqlite" or not file or file.startswith("file:"):
        return None
    return Path(file).absolute()


def absolute(url: str) -> str:
    """The URL with the whole path of its SQLite file; others as they are.

    A relative one names another file once the process has changed its working directory.
    """
    parsed = parse_url(url)
    file = file_of(parsed)
    if file is None:
        return url
    return parsed.set(database=str(file)).render_as_string(hide_password=False)


def is_frozen(file: Path) -> bool:
    """Whether no process can be writing a SQLite file, because nothing may be written beside it.

    In write-ahead mode even a reader makes a file beside the database, unless it declares the file
    immutable. With a log beside it another process may be changing it all the same.
    """
    if not os.access(file, os.F_OK) or os.access(file.parent, os.W_OK):
        return False
    log = file.with_name(f"{file.name}-wal")
    return not log.exists() or log.stat().st_size == 0


def masked(url: str) -> str:
    """The URL without its password, wherever the password is.

    Of text that is not a URL only the beginning is shown: a password may be anywhere in it.
    """
    import sqlalchemy as sa

    if url.startswith("sqlite://") and "pass" not in url.lower():
        return url  # as it was typed: a file has no password
    try:
        parsed = sa.make_url(url)
    except (sa.exc.ArgumentError, ValueError):
        parsed = None
    if parsed is None or _is_ambiguous(url):
        start = _HARMLESS.match(url)
        return f"'{start.group() if start else ''}…'"
    secret = [key for key in parsed.query if "pass" in key.lower()]
    if secret:
        parsed = parsed.update_query_dict(dict.fromkeys(secret, "***"))
    return parsed.render_as_string(hide_password=True).replace("%2A%2A%2A", "***")


def _is_ambiguous(url: str) -> bool:
    """Whether several ``@`` leave open where the password ends; SQLite knows no passwords."""
    if url.startswith("sqlite"):
        return False
    authority = _AUTHORITY.match(url)
    return authority is not None and "@" in authority.group(1)
