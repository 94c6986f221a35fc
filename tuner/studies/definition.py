"""What defines a stored study: its file with the search space, and the folder that it came from."""

from __future__ import annotations

import os
import shlex
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import optuna

from tuner.errors import RequestError, SpecError
from tuner.learners.registry import shared_params
from tuner.spec import StudySpec
from tuner.storage.attributes import Defaults, Folder, study_attr
from tuner.storage.database import Database
from tuner.studies.catalog import find_study

if TYPE_CHECKING:
    from tuner.space import Value

DEFAULTS = "tuner:defaults"
"""The study attribute with the defaults of the model when the study was created."""


def require_objective(database: Database, study: optuna.Study, spec: StudySpec) -> None:
    """Makes sure that Optuna improves what the study file says.

    ``optuna create-study`` and the dashboard create studies as well, which keep their directions.

    Raises:
        SpecError: The stored study has other directions, or names another metric.
    """
    directions = [objective.direction for objective in spec.optimized]
    metrics = [objective.metric for objective in spec.optimized]
    found = [direction.name.lower() for direction in study.directions]
    differences = []
    if found != directions:
        differences.append(
            f"direction: {', '.join(found)} in the database, {', '.join(directions)} in the file"
        )
    names = study.metric_names
    if names not in (None, metrics):
        shown = ", ".join(map(str, names)) if isinstance(names, list) else names
        differences.append(f"metric: {shown} in the database, {', '.join(metrics)} in the file")
    if differences:
        raise SpecError(
            f"study '{study.study_name}' in {database} has another objective "
            f"({'; '.join(differences)}): start another with --study-name NAME, or delete this one "
            f"with: optuna delete-study --study-name {shlex.quote(study.study_name)} "
            f"--storage {shlex.quote(str(database))}"
        )


def stored_spec(database: Database, study: optuna.Study) -> StudySpec:
    """What the study was stored with; paths in it are seen from the folder that it was stored from.

    On a machine that has no such folder they are seen from the working directory.

    Raises:
        RequestError: The study was not made by tuner.
        SpecError: What is stored of it is not what tuner has stored.
    """
    attrs = study.user_attrs
    if "tuner:spec" not in attrs:
        raise RequestError(f"study '{study.study_name}' was not made by tuner")
    base = stored_base(study) or Path.cwd()
    spec = StudySpec.from_dict(attrs["tuner:spec"], base, study=study.study_name)
    require_objective(database, study, spec)
    return spec


def common_params(spec: StudySpec, attrs: Mapping[str, Any]) -> dict[str, Value]:
    """Returns the parameters that all trials of a stored study have in common.

    Args:
        spec: The study.
        attrs: Its attributes in the database.
    """
    recorded = study_attr(Defaults, attrs, DEFAULTS, spec.name)
    return shared_params(spec.model, recorded.root if recorded else {}, spec.fixed)


def stored_base(study: optuna.Study) -> Path | None:
    """The folder that the study was last run from, if it is on this machine.

    Raises:
        SpecError: The attribute does not hold what tuner stores there.
    """
    folder = study_attr(Folder, study.user_attrs, "tuner:base", study.study_name)
    return Path(folder.root) if folder and os.access(folder.root, os.X_OK) else None


def named_base(study: optuna.Study) -> str | None:
    """The folder that the study was last run from, wherever it is; None if it is not known."""
    try:
        folder = study_attr(Folder, study.user_attrs, "tuner:base", study.study_name)
    except SpecError:
        return None
    return folder.root if folder else None


def matches_file(study: optuna.Study, name_or_path: str, base: Path | None) -> bool:
    """Returns whether a study file of the user's own names the data and the network of a study.

    Args:
        study: The stored study.
        name_or_path: What the user calls it; the file is looked up as ``tuner run`` does.
        base: The folder from which the stored study's files and functions are found.
    """
    try:
        own = find_study(name_or_path)
    except RequestError:
        return False
    return names_the_same(study, own) and base is not None and base.resolve() == own.base.resolve()


def names_the_same(study: optuna.Study, own: StudySpec) -> bool:
    """Returns whether a stored study names the data and the network that ``own`` does."""
    stored, table = study.user_attrs.get("tuner:spec"), own.to_dict()
    return isinstance(stored, Mapping) and all(
        stored.get(key) == table[key] for key in ("dataset", "model")
    )
