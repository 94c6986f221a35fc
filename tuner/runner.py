"""Creates and resumes studies, and returns the trials of processes that are gone.

A study in the database carries all that defines it: the study file with its search space, the
fingerprint of the data, the versions of what trained. The same file goes on with it; another
one is refused with the difference.
"""

from __future__ import annotations

import importlib.metadata
import os
import platform
import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import optuna
from optuna.trial import TrialState

from tuner.checkpoints import remove_of
from tuner.errors import RequestError, SpecError
from tuner.lease import is_alive
from tuner.models.families import FAMILIES, FIRST_DEFAULTS, current_defaults, shared_params
from tuner.spec import StudySpec
from tuner.storage.artifacts import chosen_place
from tuner.storage.database import Database
from tuner.storage.errors import storage_errors

if TYPE_CHECKING:
    from tuner.space import Value

ATTEMPTS_ALLOWED = 3
"""How many workers may die over one trial before the trial is failed."""

SILENT_SECONDS = 360.0
"""After this time without a heartbeat a trial elsewhere is given up; longer than a run waits for
its database, so that nobody who waits is taken for dead."""

_DEFAULTS = "tuner:defaults"

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
    before = StudySpec.from_dict(stored, spec.base)
    if _DEFAULTS not in study.user_attrs and spec.model in FAMILIES:
        # Its trials have the first defaults, whether a file of today says so or not.
        said = {name: value for name, value in FIRST_DEFAULTS.items() if name in spec.fixed}
        before = before.model_copy(update={"fixed": {**said, **before.fixed}})
    differences = spec.differences(before)
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
        RequestError: The stored study was made with other data.
    """
    stored = find_resumable(database, name, spec)
    if stored is not None and "tuner:data" in stored.user_attrs:
        _check_data(database, stored, data)  # what is refused changes nothing
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
            study.set_user_attr(_DEFAULTS, current_defaults(spec.model))
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
        RequestError: The study was begun with other data.
    """
    with storage_errors(database.url):
        if "tuner:data" not in study.user_attrs:
            study.set_user_attr("tuner:versions", versions())
            study.set_user_attr("tuner:data", data)
        _check_data(database, study, data)
        _add_baseline(study, data)


def _add_baseline(study: optuna.Study, data: dict[str, Any]) -> None:
    """Adds the trivial predictor to a study of before there was one."""
    attrs = study.user_attrs
    metric = attrs["tuner:spec"]["objective"]["metric"]
    # A loss follows from the defaults, which were others then.
    comparable = _DEFAULTS in attrs or metric != "loss"
    if comparable and "baseline" in data and "baseline" not in attrs["tuner:data"]:
        stored = {**attrs["tuner:data"], "baseline": data["baseline"]}
        study.set_user_attr("tuner:data", stored)


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


def common_params(spec: StudySpec, attrs: Mapping[str, Any]) -> dict[str, Value]:
    """Returns the parameters that all trials of a stored study have in common.

    Args:
        spec: The study.
        attrs: Its attributes in the database.
    """
    return shared_params(spec.model, attrs.get(_DEFAULTS, {}), spec.fixed)


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


@dataclass(frozen=True)
class Returned:
    """A trial whose worker died: back in the queue, or failed for ``failed``."""

    number: int
    failed: str | None


def return_abandoned(
    database: Database,
    study: optuna.Study,
    cause: str | None = None,
    *,
    checkpoints: str | None = None,
) -> list[Returned]:
    """Puts back in the queue what runs in processes that are gone.

    On this machine that is seen at once; elsewhere it is when their heartbeats have ceased.

    Args:
        cause: Why they are gone. None if they were stopped on purpose: then it does not count
            against the trial.
        checkpoints: Where those of trials that are failed are removed; the usual place if None.
    """
    returned = []
    for trial in database.running(study):
        if trial.lease is None or not _is_gone(trial.lease, trial.silent_s):
            continue
        failed = None
        if cause is not None:
            attempts = trial.attempts + 1
            if attempts < ATTEMPTS_ALLOWED:
                counted = {"attempts": attempts}
                if not database.write_to_held(trial.trial_id, trial.lease, counted):
                    continue  # somebody else has done it
            else:
                failed = f"{attempts} workers died over it; {cause}"
        if failed is None:
            done = database.give_back(trial.trial_id, trial.lease)
        elif done := fail_trial(database, trial.trial_id, trial.lease, failed):
            place = checkpoints or chosen_place(None, database.url)
            remove_of(database, study, trial.number, place)
        if done:
            returned.append(Returned(trial.number, failed))
    return returned


def fail_trial(database: Database, trial_id: int, lease: Mapping[str, Any], reason: str) -> bool:
    """Fails a running trial and stores why; False if nobody of that lease runs it any more."""
    return database.write_to_held(trial_id, lease, {"reason": reason}, TrialState.FAIL)


def _is_gone(lease: Mapping[str, Any], silent_s: float) -> bool:
    alive = is_alive(lease)
    return silent_s > SILENT_SECONDS if alive is None else not alive


def _check_data(database: Database, study: optuna.Study, data: dict[str, Any]) -> None:
    stored = study.user_attrs["tuner:data"]
    if stored["fingerprint"] != data["fingerprint"]:
        raise RequestError(
            f"study '{study.study_name}' in {database} was made with other data: "
            f"{_data_text(stored)}; now {_data_text(data)}. Put the data back, or start another "
            "study with --study-name NAME"
        )


def _data_text(data: dict[str, Any]) -> str:
    rows = " + ".join(str(number) for number in data["rows"].values())
    return f"{rows} rows with fingerprint {data['fingerprint'][:12]}"
