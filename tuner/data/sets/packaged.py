"""Tables that come with the package; ``tables/provenance.json`` has their sources."""

from __future__ import annotations

import csv
import gzip
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tuner.data.arrays import About, split_up
from tuner.data.csv_file import read_text
from tuner.data.rows_to_predict import rows_from_csv
from tuner.data.sets.dataset import Dataset, Form
from tuner.data.sets.locations import OWN_FOLDER, data_home, first, refusal
from tuner.data.splits import Splits, Task
from tuner.spec.dataset_rows import DATASET_ROWS

NOTE_FILE = "birth_life_2010.txt"  # as it goes round in TensorFlow courses
NOTE_ROWS = 190


def _bundled(name: str) -> Form:
    path = OWN_FOLDER / "tables" / f"{name}.csv.gz"
    return Form(lambda: path, _READERS[name])


def _read(path: Path) -> tuple[tuple[str, ...], NDArray[Any]]:
    """Returns the header and the cells as text."""
    with gzip.open(path, "rt", encoding="utf-8", newline="") as file:
        header, *rows = csv.reader(file)
    return tuple(header), np.array(rows)


def _classes(path: Path, about: About, task: Task, class_names: tuple[str, ...]) -> Splits:
    """Reads a table whose last column names the class."""
    header, cells = _read(path)
    y = np.array([class_names.index(name) for name in cells[:, -1]])
    about = replace(about, feature_names=header[:-1])
    x = cells[:, :-1].astype(np.float32)
    return split_up(x, y, task, about, class_names)


def _wine(path: Path, about: About) -> Splits:
    """Two classes at a softmax of two (``"multiclass"``), as the notes' own network has it."""
    return _classes(path, about, "multiclass", ("red", "white"))


def _pima(path: Path, about: About) -> Splits:
    return _classes(path, about, "binary", ("negative", "positive"))


def _birth_life(path: Path, about: About) -> Splits:
    header, cells = _read(path)
    values = cells[:, 1:].astype(np.float32)
    about = replace(about, feature_names=header[1:2])
    return split_up(values[:, :1], values[:, 1], "regression", about)


def _birth_life_of_the_note(path: Path, about: About) -> Splits:
    """The note's own file: country, births per woman, life expectancy; tab separated."""
    table = read_text(path)
    if table.cells.shape != (NOTE_ROWS, 3):
        rows, columns = table.cells.shape
        raise refusal(
            path,
            f"has {rows} rows and {columns} columns, but {NOTE_ROWS} and 3 (country, births, "
            "life expectancy) are expected",
        )
    values = rows_from_csv(path, list(table.cells.columns[1:]))
    about = replace(about, feature_names=("fertility",), source=NOTE_FILE)
    return split_up(values[:, :1], values[:, 1], "regression", about)


_READERS = {"wine": _wine, "pima": _pima, "birth-life": _birth_life}

WINE = Dataset(
    name="wine",
    title="red or white wine, from eleven measurements and the tasters' quality",
    task="multiclass",
    rows=DATASET_ROWS["wine"],
    source="Cortez et al., Wine Quality, UCI Machine Learning Repository (2009)",
    licence="CC BY 4.0",
    forms=(_bundled("wine"),),
)
PIMA = Dataset(
    name="pima",
    title="diabetes within five years or not, from eight measurements; zeros stand for missing",
    task="binary",
    rows=DATASET_ROWS["pima"],
    source="National Institute of Diabetes and Digestive and Kidney Diseases; Smith et al. (1988)",
    licence="public, no licence stated",
    forms=(_bundled("pima"),),
)
BIRTH_LIFE = Dataset(
    name="birth-life",
    title="life expectancy (years) from births per woman, countries, 2010",
    task="regression",
    rows=DATASET_ROWS["birth-life"],
    source="Gapminder, by way of bokeh-sampledata",
    licence="CC BY 2.0",
    forms=(
        Form(
            lambda: first(data_home() / "birth-life" / NOTE_FILE, data_home() / NOTE_FILE),
            _birth_life_of_the_note,
            note=f"the {NOTE_ROWS} countries of {NOTE_FILE}",
            rows=NOTE_ROWS,
        ),
        _bundled("birth-life"),
    ),
)
