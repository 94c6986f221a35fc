"""Creates and resumes studies.

A study in the database carries all that defines it: the study file with its search space, the
fingerprint of the data, the versions of what trained. The same file goes on with it; another
one is refused with the difference.
"""

from __future__ import annotations

import importlib.metadata
import os
import platform
import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import optuna

from tuner.errors import DataError, RequestError, SpecError
from tuner.spec import StudySpec
from tuner.storage.database import Database
from tuner.storage.errors import storage_errors

_ADVICE = "Put the data back as they were; if a load_data of yours shuffles, give it a fixed seed"

_PACKAGES = ("tuner", "optuna", "keras", "tensorflow", "numpy")


def find_resumable(database: Database, name: str, spec: StudySpec) -> optuna.Study | None:
    """The stored study that ``spec`` goes on with, or None if there is none yet.

    Raises:
        SpecError: The stored study was made by another file.
        RequestError: The stored study was not made by tuner.
    """
    study = database.find_study(name)
    if study is None:
        return None
    stored = study.user_attrs.get("tuner:spec")
    if stored is None:
        if not study.get_trials(deepcopy=False):
            return study  # an earlier run was stopped just after it had created the study
        raise RequestError(
            f"study '{name}' in {database} was not made by tuner; choose another name with "
            "--study-name"
        )
    # Not by the stored fingerprint: somebody may have changed the stored study beside it.
    differences = spec.differences(StudySpec.from_dict(stored, spec.base))
    if not differences:
        return study
    raise SpecError(
        f"study '{name}' in {database} was made with other settings:\n"
        + "".join(f"  {line}\n" for line in differences)
        + "Undo the change to go on with it, or start another with --study-name NAME"
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
        check_data(database, stored, data)  # what is refused changes nothing
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
    with storage_errors(database.url):
        study = optuna.create_study(
            storage=database.storage,
            study_name=name,
            direction=spec.objective.direction,
            load_if_exists=True,
        )
        find_resumable(database, name, spec)  # it may have been another run that created it
        database.upgrade()
        if "tuner:spec" not in study.user_attrs:
            with warnings.catch_warnings():
                # Marked experimental since Optuna 3.2; it names the value in the dashboard.
                warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
                study.set_metric_names([spec.objective.metric])
            study.set_user_attr("tuner:fingerprint", spec.fingerprint)
        if study.user_attrs.get("tuner:spec") != spec.to_dict():
            study.set_user_attr("tuner:spec", spec.to_dict())
        if study.user_attrs.get("tuner:base") != str(spec.base):
            # Where files and functions of the study are, for commands that know only its name.
            study.set_user_attr("tuner:base", str(spec.base))
    if spec.references:
        database.enqueue_references(study, {r.name: r.params for r in spec.references})
    return study


def accept_data(database: Database, study: optuna.Study, data: dict[str, Any]) -> None:
    """Makes sure that these are the study's data; the first data that it sees are.

    Args:
        data: Description of the loaded data, with their ``fingerprint``.

    Raises:
        DataError: The study was begun with other data.
    """
    with storage_errors(database.url):
        if "tuner:data" not in database.study_attrs(study):
            study.set_user_attr("tuner:versions", versions())
            study.set_user_attr("tuner:data", data)
    check_data(database, study, data)


def check_data(database: Database, study: optuna.Study, data: dict[str, Any]) -> None:
    """Makes sure that these are the data that the study stands on now.

    Args:
        data: As in :func:`accept_data`.

    Raises:
        DataError: They are others.
    """
    stored = database.study_attrs(study).get("tuner:data")
    if stored and stored["fingerprint"] != data["fingerprint"]:
        raise DataError(
            f"study '{study.study_name}' in {database} was made with other data: "
            f"{_data_text(stored)}; now {_data_text(data)}. {_ADVICE}, or start another study "
            "with --study-name NAME"
        )


def require_same_data(loaded: Sequence[Mapping[str, Any]]) -> None:
    """Makes sure that the workers of a run have loaded the same data, before a study has them.

    Args:
        loaded: What each worker has loaded, as in :func:`accept_data`.

    Raises:
        DataError: They differ.
    """
    different = {data["fingerprint"]: data for data in loaded}
    if len(different) > 1:
        one, other, *_ = different.values()
        raise DataError(
            f"the workers have loaded different data: {_data_text(one)}, and {_data_text(other)}; "
            f"trials on them cannot be compared, so nothing was started. {_ADVICE}"
        )


def stored_spec(study: optuna.Study) -> StudySpec:
    """What the study was stored with; paths in it are seen from the folder that it was stored from.

    On a machine that has no such folder they are seen from the working directory.

    Raises:
        RequestError: The study was not made by tuner.
    """
    attrs = study.user_attrs
    if "tuner:spec" not in attrs:
        raise RequestError(f"study '{study.study_name}' was not made by tuner")
    return StudySpec.from_dict(attrs["tuner:spec"], stored_base(study) or Path.cwd())


def stored_base(study: optuna.Study) -> Path | None:
    """The folder that the study was last run from, if it is on this machine."""
    base = study.user_attrs.get("tuner:base")
    return Path(base) if base and os.access(base, os.X_OK) else None


def versions() -> dict[str, str]:
    """Versions of Python and of the packages that decide what a trial gives."""
    found = {"python": platform.python_version()}
    for package in _PACKAGES:
        try:
            found[package] = importlib.metadata.version(package)
        except importlib.metadata.PackageNotFoundError:
            found[package] = "not installed"
    return found


def _data_text(data: Mapping[str, Any]) -> str:
    rows = " + ".join(str(number) for number in data["rows"].values())
    return f"{data.get('name', 'data')}, {rows} rows with fingerprint {data['fingerprint'][:12]}"
