"""Creates and resumes studies.

A study in the database carries all that defines it: the study file with its search space, the
fingerprint of the data, the versions of what trained. The same file resumes it; another
one is refused with the difference.
"""

from __future__ import annotations

import os
import shlex
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import optuna

from tuner.errors import RequestError, SpecError
from tuner.learners.registry import current_defaults, first_defaults, shared_params
from tuner.spec import StudySpec
from tuner.storage.attributes import Defaults, Folder, study_attr
from tuner.storage.database import Database
from tuner.storage.error_mapping import storage_errors
from tuner.studies.catalog import find_study
from tuner.studies.provenance import accept_data, check_data

if TYPE_CHECKING:
    from tuner.space import Value


_DEFAULTS = "tuner:defaults"


def find_resumable(database: Database, name: str, spec: StudySpec) -> optuna.Study | None:
    """The stored study that ``spec`` resumes, or None if there is none yet.

    Raises:
        SpecError: The stored study was made by another file, or has another objective.
        RequestError: The stored study was not made by tuner.
        StorageError: The database has tables of a newer version of tuner.
    """
    database.require_known_tables()
    study = database.find_study(name)
    if study is None:
        return None
    stored = study.user_attrs.get("tuner:spec")
    # Without trials an earlier run was stopped just after it had created the study, or another
    # program has created it for this one.
    if stored is None and study.get_trials(deepcopy=False):
        raise RequestError(
            f"study '{name}' in {database} was not made by tuner; choose another name with "
            "--study-name"
        )
    # Not by the stored fingerprint: the stored study may have been changed beside it.
    differences = []
    if stored is not None:
        before = StudySpec.from_dict(stored, spec.base, study=name)
        if _DEFAULTS not in study.user_attrs:
            # Its trials have the first defaults, whether the file names them or not.
            first = first_defaults(spec.model)
            said = {name: value for name, value in first.items() if name in spec.fixed}
            before = before.model_copy(update={"fixed": {**said, **before.fixed}})
        differences = spec.differences(before)
    if differences:
        raise SpecError(
            f"study '{name}' in {database} was made with other settings:\n"
            + "".join(f"  {line}\n" for line in differences)
            + "Undo the change to go on with it, or start another with --study-name NAME"
        )
    require_objective(database, study, spec)
    return study


def require_objective(database: Database, study: optuna.Study, spec: StudySpec) -> None:
    """Makes sure that Optuna improves what the study file says.

    ``optuna create-study`` and the dashboard create studies as well, which keep their directions.

    Raises:
        SpecError: The stored study has other directions, or names another metric.
    """
    objective = spec.objective
    found = [direction.name.lower() for direction in study.directions]
    differences = []
    if found != [objective.direction]:
        differences.append(
            f"direction: {', '.join(found)} in the database, {objective.direction} in the file"
        )
    names = study.metric_names
    if names not in (None, [objective.metric]):
        shown = ", ".join(map(str, names)) if isinstance(names, list) else names
        differences.append(f"metric: {shown} in the database, {objective.metric} in the file")
    if differences:
        raise SpecError(
            f"study '{study.study_name}' in {database} has another objective "
            f"({'; '.join(differences)}): start another with --study-name NAME, or delete this one "
            f"with: optuna delete-study --study-name {shlex.quote(study.study_name)} "
            f"--storage {shlex.quote(str(database))}"
        )


def create_or_resume(
    database: Database, name: str, spec: StudySpec, data: dict[str, Any]
) -> optuna.Study:
    """Opens the study for work; new ones start with the references in the queue.

    Args:
        data: Description of the loaded data, with their ``fingerprint``.

    Raises:
        SpecError: The stored study was made by another file.
        DataError: The stored study was made with other data.
    """
    stored = find_resumable(database, name, spec)
    if stored is not None and "tuner:data" in stored.user_attrs:
        check_data(database, stored, data)  # before anything is written
    study = store(database, name, spec)
    accept_data(database, study, data)
    return study


def store(database: Database, name: str, spec: StudySpec) -> optuna.Study:
    """Stores the study without its data, or finds it; its references are in the queue.

    What may change of a stored one (title, budget, training) is stored as it is now, so that
    workers that know only the database obey it.

    Raises:
        SpecError: The stored study was made by another file.
    """
    find_resumable(database, name, spec)  # what is refused changes nothing
    database.upgrade()
    with storage_errors(database.url):
        study = optuna.create_study(
            storage=database.storage,
            study_name=name,
            direction=spec.objective.direction,
            load_if_exists=True,
        )
        # It may have been another run, or another program, that created it.
        find_resumable(database, name, spec)
        if study.metric_names is None:  # it is new, or a copy: optuna-dashboard renames by copying
            with warnings.catch_warnings():
                # Marked experimental since Optuna 3.2; it names the value in the dashboard.
                warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
                study.set_metric_names([spec.objective.metric])
        if "tuner:spec" not in study.user_attrs:
            study.set_user_attr("tuner:fingerprint", spec.fingerprint)
            study.set_user_attr(_DEFAULTS, current_defaults(spec.model))
        if study.user_attrs.get("tuner:spec") != spec.to_dict():
            study.set_user_attr("tuner:spec", spec.to_dict())
        if study.user_attrs.get("tuner:base") != str(spec.base):
            # Where files and functions of the study are, for commands that know only its name.
            study.set_user_attr("tuner:base", str(spec.base))
    if spec.references:
        database.enqueue_references(study, {r.name: r.params for r in spec.references})
    return study


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
    recorded = study_attr(Defaults, attrs, _DEFAULTS, spec.name)
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
