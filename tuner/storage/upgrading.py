"""Creates all tables of a database, Optuna's and ours, or brings them to their newest form."""

from __future__ import annotations

from optuna.storages import RDBStorage

from tuner.errors import StorageError
from tuner.storage.database import Database
from tuner.storage.error_mapping import storage_errors
from tuner.storage.sql.engine import connect_args, has_tables
from tuner.storage.url import PROXY, masked, parse_url


def upgrade_all(url: str) -> bool:
    """Upgrades a database; one that is new is made.

    Args:
        url: As of :class:`tuner.storage.database.Database`.

    Returns:
        Whether Optuna's tables were older than this Optuna.

    Raises:
        StorageError: It cannot be reached or written, belongs to another program, or is of a newer
            version.
    """
    parsed = parse_url(url)
    if parsed.get_backend_name() == PROXY:
        raise StorageError(
            f"storage {url} is a proxy, which makes no tables: name the database itself"
        )
    with storage_errors(url):
        has_tables(url, connect_args(parsed), masked(url))  # nothing is written to another's
        storage = RDBStorage(url, skip_compatibility_check=True)
        try:
            known = storage.get_current_version() in storage.get_all_versions()
            is_old = known and storage.get_current_version() != storage.get_head_version()
            if is_old:
                storage.upgrade()
        finally:
            storage.scoped_session.remove()
            storage.engine.dispose()
    database = Database(url)  # of a newer Optuna it raises
    try:
        database.upgrade()
    finally:
        database.close()
    return is_old
