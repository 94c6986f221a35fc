"""What is known of a data set before a search loads it: enough to check a model and a metric."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from tuner.data.csv_table import read_csv, table_name, uses_of
from tuner.data.schema import Task
from tuner.data.sets import DATASETS
from tuner.data.splits import Kind
from tuner.spec import ImageFolder

if TYPE_CHECKING:
    from tuner.spec import AnyDataset

_MOST_BYTES = 8 * 2**20
"""Larger CSV files are read by workers only: it would take longer than a second."""


@dataclass(frozen=True)
class Known:
    """The part of `Splits` that models and metrics are checked by.

    Attributes:
        name: As `Splits` has it.
        kind: As `Splits` has it.
        task: As `Splits` has it.
        input_shape: Shape of a row of ``x``; empty if it is not known.
        class_names: As `Splits` has it; empty if they are not known.
    """

    name: str
    kind: Kind
    task: Task
    input_shape: tuple[int, ...] = ()
    class_names: tuple[str, ...] = ()


def look_up(dataset: AnyDataset, base: Path) -> Known | None:
    """Returns what is known of a data set by name, and of a CSV file that is not large.

    Args:
        dataset: As in `tuner.data.load`.
        base: As in `tuner.data.load`.

    Returns:
        None of a function, of a large file, of images, and of a name that is not known.

    Raises:
        DataError: The file is not what it must be.
    """
    if isinstance(dataset, str):
        found = DATASETS.get(dataset)
        return None if found is None else Known(found.name, found.kind, found.task)
    if isinstance(dataset, ImageFolder):
        return None
    path = dataset.path(base)
    if path.stat().st_size > _MOST_BYTES:
        return None
    table = read_csv(path, dataset.target, dialect=dataset, **uses_of(dataset))
    rows, target = table.rows, table.target
    return Known(table_name(path), rows.kind, target.task, rows.input_shape, target.class_names)
