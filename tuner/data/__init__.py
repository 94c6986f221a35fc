"""Data sets by name, by file or by function, as three splits.

This package is light: NumPy and the standard library. TensorFlow is only met when a user's own
``load_data`` returns a ``tf.data.Dataset``, and then it is the user's module that imports it.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from tuner.data.bundled import load_wine
from tuner.data.importing import import_function, user_code
from tuner.data.splits import PARTS, Split, Splits, Task
from tuner.errors import UnknownNameError

if TYPE_CHECKING:
    from tuner.spec import CsvDataset

__all__ = ["DATASETS", "PARTS", "Split", "Splits", "Task", "import_function", "load", "user_code"]

DATASETS: dict[str, Callable[[], Splits]] = {"wine": load_wine}


def load(dataset: str | CsvDataset, base: Path) -> Splits:
    """Loads a data set."""
    if isinstance(dataset, str) and dataset in DATASETS:
        return DATASETS[dataset]()
    raise UnknownNameError(f"no data set {dataset!r}")
