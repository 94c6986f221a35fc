"""Locations of data on a machine, and the error for unusable files."""

from __future__ import annotations

import hashlib
import importlib.util
import os
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tuner.errors import DataError
from tuner.spec.paths import expanded

OWN_FOLDER = Path(__file__).parent.parent  # tuner/data: its files come with tuner


def data_home() -> Path:
    """Returns the folder of large data sets: ``TUNER_DATA_HOME``, else ``~/.tuner/data``."""
    named = os.environ.get("TUNER_DATA_HOME")
    return expanded(named) if named else Path.home() / ".tuner" / "data"


def keras_cache() -> Path:
    """Returns the folder of files that Keras has downloaded; they are only read."""
    return Path(os.environ.get("KERAS_HOME") or Path.home() / ".keras") / "datasets"


def first(*paths: Path) -> Path | None:
    """Returns the first path that exists."""
    return next((path for path in paths if path.exists()), None)


def package_file(package: str, *parts: str) -> Path | None:
    """Returns a data file of an installed package without importing the package."""
    spec = importlib.util.find_spec(package)
    folders = (spec.submodule_search_locations or []) if spec else []
    return first(*(Path(folder, *parts) for folder in folders))


def refusal(path: Path, why: str) -> DataError:
    """Returns the error for a file that cannot be used; the file stays as it is."""
    return DataError(f"{path} {why}; move it away and get it again: `tuner data` says how")


def digest(*arrays: NDArray[Any]) -> str:
    """Returns the SHA-256 of the arrays' bytes, one after the other."""
    found = hashlib.sha256()
    for array in arrays:
        found.update(np.ascontiguousarray(array).data)
    return found.hexdigest()
