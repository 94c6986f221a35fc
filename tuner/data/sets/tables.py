"""Small tables that come with the package, by name; ``tables/provenance.json`` says from where."""

from __future__ import annotations

import csv
import gzip
import io
from importlib import resources

import numpy as np

from tuner.data.dividing import divide
from tuner.data.splits import Split, Splits


def _read(name: str) -> tuple[list[str], list[list[str]]]:
    """Returns the header and the rows of ``tables/NAME.csv.gz``."""
    packed = resources.files("tuner.data").joinpath("tables", f"{name}.csv.gz").read_bytes()
    header, *rows = csv.reader(io.StringIO(gzip.decompress(packed).decode("utf-8")))
    return header, rows


def load_wine() -> Splits:
    """Red or white, from eleven measurements and the tasters' quality: 6,497 × 12.

    Two classes at a softmax of two (``"multiclass"``), as the notes' own network has it.
    """
    header, rows = _read("wine")
    class_names = ("red", "white")
    x = np.array([row[:-1] for row in rows], dtype=np.float32)
    y = np.array([class_names.index(row[-1]) for row in rows], dtype=np.int32)
    train, validation, test = (Split(x[part], y[part]) for part in divide(len(y), y))
    return Splits(
        train,
        validation,
        test,
        task="multiclass",
        name="wine",
        feature_names=tuple(header[:-1]),
        class_names=class_names,
        source="Cortez et al., Wine Quality, UCI Machine Learning Repository (2009)",
        licence="CC BY 4.0",
    )
