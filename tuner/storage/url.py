"""Which database: where its URL comes from, whether it is one, how it is shown."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from tuner.errors import StorageError

if TYPE_CHECKING:
    import sqlalchemy as sa

DEFAULT_URL = "sqlite:///tuner.db"
BACKENDS = ("sqlite", "postgresql", "mysql", "mariadb")


def chosen_url(option: str | None = None) -> str:
    """The storage URL: the option, ``TUNER_STORAGE``, ``OPTUNA_STORAGE`` or SQLite here."""
    for url in (option, os.environ.get("TUNER_STORAGE"), os.environ.get("OPTUNA_STORAGE")):
        if url:
            return url
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
            f"storage '{url.split('://')[0]}…' is not a database URL; write e.g. {DEFAULT_URL} or "
            "postgresql+psycopg://USER:PASSWORD@HOST/DATABASE"
        ) from None
    if parsed.get_backend_name() not in BACKENDS:
        raise StorageError(
            f"storage '{masked(url)}': '{parsed.get_backend_name()}' is not a database that "
            f"Optuna stores studies in; use one of: {', '.join(BACKENDS)}"
        )
    if parsed.get_backend_name() == "sqlite" and parsed.database in (None, "", ":memory:"):
        raise StorageError(
            f"storage '{url}' lives in the memory of one process, and workers are others; "
            f"name a file, e.g. {DEFAULT_URL}"
        )
    return parsed


def masked(url: str) -> str:
    """The URL without its password, wherever the password stands in it."""
    import sqlalchemy as sa

    try:
        parsed = sa.make_url(url)
    except (sa.exc.ArgumentError, ValueError):
        return "(not a URL)"
    secret = [key for key in parsed.query if "pass" in key.lower()]
    if secret:
        parsed = parsed.update_query_dict(dict.fromkeys(secret, "***"))
    return parsed.render_as_string(hide_password=True)
