"""Creates and resumes studies: the same study file resumes one, another one is refused.

What a study in the database carries of its file is read by :mod:`tuner.studies.definition`.
"""

from __future__ import annotations

import warnings
from typing import Any

import optuna

from tuner.errors import RequestError, SpecError
from tuner.learners.registry import current_defaults, first_defaults
from tuner.spec import StudySpec
from tuner.spec.models import PORTFOLIO
from tuner.storage.database import Database
from tuner.storage.error_mapping import storage_errors
from tuner.studies.definition import DEFAULTS, require_objective
from tuner.studies.provenance import accept_data, check_data


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
        if DEFAULTS not in study.user_attrs:
            # Its trials have the first defaults, whether the file names them or not.
            first = first_defaults(spec.model)
            explicit = {name: value for name, value in first.items() if name in spec.fixed}
            before = before.model_copy(update={"fixed": {**explicit, **before.fixed}})
        differences = spec.differences(before)
    if differences:
        raise SpecError(
            f"study '{name}' in {database} was made with other settings:\n"
            + "".join(f"  {line}\n" for line in differences)
            + "Undo the change to go on with it, or start another with --study-name NAME"
        )
    require_objective(database, study, spec)
    return study


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
            directions=[one.direction for one in spec.optimized],
            load_if_exists=True,
        )
        # It may have been another run, or another program, that created it.
        find_resumable(database, name, spec)
        if study.metric_names is None:  # it is new, or a copy: optuna-dashboard renames by copying
            with warnings.catch_warnings():
                # Marked experimental since Optuna 3.2; it names the value in the dashboard.
                warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
                study.set_metric_names([one.metric for one in spec.optimized])
        if "tuner:spec" not in study.user_attrs:
            study.set_user_attr("tuner:fingerprint", spec.fingerprint)
            study.set_user_attr(DEFAULTS, current_defaults(spec.model))
        if study.user_attrs.get("tuner:spec") != spec.to_dict():
            study.set_user_attr("tuner:spec", spec.to_dict())
        if study.user_attrs.get("tuner:base") != str(spec.base):
            # Where files and functions of the study are, for commands that know only its name.
            study.set_user_attr("tuner:base", str(spec.base))
    defaults = {one.name for one in spec.references if one.role == "default"}
    if spec.sampler.name == PORTFOLIO:  # which tries them itself
        queued = [one for one in spec.references if one.name not in defaults]
    else:
        queued = list(spec.references)
    if queued:
        database.enqueue_references(study, {r.name: r.params for r in queued}, defaults)
    return study
