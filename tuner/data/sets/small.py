"""The data sets whose rows are written here: a noisy line, sixteen regions, two truth tables."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np

from tuner.data.arrays import About, split_up
from tuner.data.sets.dataset import Dataset, Form
from tuner.data.splits import Split, Splits
from tuner.spec.dataset_rows import DATASET_ROWS

LINE_SEED = 777
GROWTH = (
    *(0.3, -0.78, 1.26, 0.03, 1.11, 0.24, -0.24, -0.47),
    *(-0.77, -0.37, -0.85, -0.41, -0.27, 0.02, -0.76, 2.66),
)
ELDERLY_RATE = (
    *(12.27, 14.44, 11.87, 18.75, 17.52, 16.37, 19.78, 19.51),
    *(12.65, 14.74, 10.72, 21.94, 12.83, 15.51, 17.14, 14.42),
)


def _line(path: Path, about: About) -> Splits:
    """Noise N(2, 0.2) on y = x, at 100 points from 0 to 1."""
    x = np.linspace(0.0, 1.0, 100)
    # RandomState: NumPy promises its stream for good (NEP 19).
    y = x + np.random.RandomState(LINE_SEED).normal(2.0, 0.2, 100)
    return split_up(x[:, np.newaxis], y, "regression", replace(about, feature_names=("x",)))


def _elderly(path: Path, about: About) -> Splits:
    about = replace(about, feature_names=("population growth rate",))
    x = np.array(GROWTH)[:, np.newaxis]
    return split_up(x, np.array(ELDERLY_RATE), "regression", about)


def _truth_table(outputs: tuple[int, int, int, int], about: About) -> Splits:
    """All four rows in every split: nothing can be held out of a function of two bits."""
    x = np.array([[0, 0], [0, 1], [1, 0], [1, 1]])
    rows = Split(x, np.array(outputs))
    about = replace(about, feature_names=("a", "b"))
    return Splits(
        rows,
        rows,
        rows,
        "binary",
        name=about.name,
        feature_names=("a", "b"),
        class_names=("false", "true"),
        source=about.source,
        licence=about.licence,
        note=about.note,
    )


def _here() -> Path:
    return Path(__file__)


_TRUTH_NOTE = "the same four rows are training, validation and test data: there are no others"
_FEW_NOTE = "16 rows: validation and test scores hang on three and four of them"

LINE = Dataset(
    name="line",
    title="a straight line through 100 noisy points",
    task="regression",
    rows=DATASET_ROWS["line"],
    source=f"made here: y = x + N(2, 0.2), seed {LINE_SEED}",
    licence="CC0 1.0",
    forms=(Form(_here, _line),),
)
ELDERLY = Dataset(
    name="elderly",
    title="share of elderly people (%) from population growth (%), 16 regions",
    task="regression",
    rows=DATASET_ROWS["elderly"],
    source="study note 003, sections 4 and 5",
    licence="facts, no licence needed",
    forms=(Form(_here, _elderly, note=_FEW_NOTE),),
)
AND = Dataset(
    name="and",
    title="logical and of two bits",
    task="binary",
    rows=DATASET_ROWS["and"],
    source="the truth table",
    licence="CC0 1.0",
    forms=(Form(_here, lambda path, about: _truth_table((0, 0, 0, 1), about), note=_TRUTH_NOTE),),
)
XOR = Dataset(
    name="xor",
    title="exclusive or of two bits",
    task="binary",
    rows=DATASET_ROWS["xor"],
    source="the truth table",
    licence="CC0 1.0",
    forms=(Form(_here, lambda path, about: _truth_table((0, 1, 1, 0), about), note=_TRUTH_NOTE),),
)
