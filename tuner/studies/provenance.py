"""What the trials of a study were made with: the data, and the versions of what trained them."""

from __future__ import annotations

import functools
import importlib.metadata
import os
import platform
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import optuna

from tuner.errors import DataError
from tuner.storage.attributes import StoredData, study_attr
from tuner.storage.database import Database
from tuner.storage.error_mapping import storage_errors

_ADVICE = "Put the data back as they were; if a load_data of yours shuffles, give it a fixed seed"
_PACKAGES = ("tuner", "optuna", "keras", "tensorflow", "scikit-learn", "numpy")


def accept_data(database: Database, study: optuna.Study, data: dict[str, Any]) -> None:
    """Makes sure that these are the study's data; the first data that it sees are.

    Args:
        data: Description of the loaded data, with their ``fingerprint``.

    Raises:
        DataError: The study was begun with other data.
    """
    with storage_errors(database.url):
        if database.study_attrs(study).get("tuner:data") is None:
            study.set_user_attr("tuner:versions", versions())
            study.set_user_attr("tuner:data", data)
    check_data(database, study, data)
    _add_baseline(database, study, data)


def check_data(database: Database, study: optuna.Study, data: dict[str, Any]) -> None:
    """Makes sure that these are the data that the study has now.

    Args:
        data: As in :func:`accept_data`.

    Raises:
        DataError: They are others.
    """
    stored = study_attr(StoredData, database.study_attrs(study), "tuner:data", study.study_name)
    if stored and stored.fingerprint != data["fingerprint"]:
        raise DataError(
            f"study '{study.study_name}' in {database} was made with other data: "
            f"{_data_text(stored)}; now {_data_text(StoredData.model_validate(data))}. {_ADVICE}, "
            "or start another study with --study-name NAME"
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
        one, other, *_ = (StoredData.model_validate(data) for data in different.values())
        raise DataError(
            f"the workers have loaded different data: {_data_text(one)}, and {_data_text(other)}; "
            f"trials on them cannot be compared, so nothing was started. {_ADVICE}"
        )


def _add_baseline(database: Database, study: optuna.Study, data: dict[str, Any]) -> None:
    """Adds the trivial predictor to a study that was stored before there was one."""
    attrs = database.study_attrs(study)
    # A loss follows from the defaults, which were others then.
    comparable = "tuner:defaults" in attrs or study.metric_names != ["loss"]
    if comparable and "baseline" in data and "baseline" not in attrs["tuner:data"]:
        stored = {**attrs["tuner:data"], "baseline": data["baseline"]}
        with storage_errors(database.url):
            study.set_user_attr("tuner:data", stored)


def versions() -> dict[str, str]:
    """Versions of Python and of the packages that decide what a trial gives."""
    found = {"python": platform.python_version()}
    for package in _PACKAGES:
        try:
            found[package] = importlib.metadata.version(package)
        except importlib.metadata.PackageNotFoundError:
            found[package] = "not installed"
    return found


def ran_on(study: optuna.Study) -> dict[str, Any]:
    """Returns what is stored with each trial of the machine that trains it.

    Versions are stored with the study already; with a trial only those that have changed since.
    """
    now, stored = versions(), study.user_attrs.get("tuner:versions")
    then = stored if isinstance(stored, Mapping) else {}
    changed = {name: version for name, version in now.items() if then.get(name) != version}
    threads = os.environ.get("OMP_NUM_THREADS", "")
    return {
        "cpu": cpu_model(),
        **({"threads": int(threads)} if threads.isdecimal() else {}),
        **({"versions": changed} if changed else {}),
    }


@functools.cache
def cpu_model() -> str:
    """Returns the model of the processor, as its maker calls it."""
    try:
        for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
            name, _, model = line.partition(":")
            if name.strip() == "model name":
                return model.strip()
    except OSError:  # not Linux
        pass
    return platform.processor() or platform.machine()


def _data_text(data: StoredData) -> str:
    rows = " + ".join(map(str, data.rows.values()))
    return f"{data.name or 'data'}, {rows} rows with fingerprint {data.fingerprint[:12]}"
