"""Whose tables a database holds: decided from their names before anything is written.

Neither Optuna nor SQLAlchemy is imported here: ``tuner studies`` asks as well, and must answer at
once.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable

from tuner.errors import StorageError

OPTUNA_TABLES = frozenset(
    {
        "studies",
        "study_directions",
        "study_user_attributes",
        "study_system_attributes",
        "trials",
        "trial_user_attributes",
        "trial_system_attributes",
        "trial_params",
        "trial_values",
        "trial_intermediate_values",
        "trial_heartbeats",
        "version_info",
    }
)
"""Optuna's tables, in its newest form; a test compares them with Optuna's models."""

VERSION_TABLE = "alembic_version"
"""Where Optuna's Alembic keeps its version, and where that of any other program does."""

KEYS = {"studies": "study_id", "trials": "trial_id"}
"""Tables with names that other programs use, too, and a column that only Optuna's have."""

_ALWAYS = frozenset({"studies", "trials", "trial_params", "version_info"})
_OURS = frozenset({"tuner_curves", "tuner_test_openings", "tuner_alembic_version"})
_VERSION = re.compile(r"v\d+(\.\d+)*\.[a-z]+")  # as Optuna numbers the forms of its tables
_MOST_NAMES = 3


def are_optunas(names: Iterable[str], versions: Collection[str], shown: str) -> bool:
    """Whether Optuna's tables are there; False if there are none, or not all of them yet.

    Args:
        names: All tables of the database.
        versions: The contents of :data:`VERSION_TABLE`.
        shown: The database, as errors name it.

    Raises:
        StorageError: Another program owns the database.
    """
    present = set(names)
    foreign = sorted(present - OPTUNA_TABLES - _OURS - {VERSION_TABLE})
    strange = [version for version in versions if not _VERSION.fullmatch(version)]
    if strange or len(versions) > 1:
        which = " and ".join(f"'{version}'" for version in strange or versions)
        sign = f"its {VERSION_TABLE} is {which}, which is not Optuna's"
    elif foreign and not present >= _ALWAYS:
        more = ", …" if len(foreign) > _MOST_NAMES else ""
        sign = f"its tables are {', '.join(foreign[:_MOST_NAMES])}{more}"
    else:
        return present >= _ALWAYS
    raise StorageError(
        f"storage {shown} belongs to another program: {sign}; nothing was written to it. "
        "Name a new file, or a database of its own, with --storage"
    )
