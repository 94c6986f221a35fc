"""Data sets by name, by file or by function, as three splits.

Importing this package is cheap, so that the supervisor can: pandas and scikit-learn are imported
by the functions that need them. TensorFlow is only met when a person's own ``load_data`` returns
a ``tf.data.Dataset``, and then it is their module that imports it.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from tuner.data.csv_table import load_csv, rows_from_csv, texts_from_file
from tuner.data.development import Development, SealedTest
from tuner.data.functions import load_function
from tuner.data.importing import import_function, user_code
from tuner.data.known import Known, look_up
from tuner.data.sets import DATASETS, Dataset, Status, data_home, fetch, status
from tuner.data.source import check_function
from tuner.data.splits import PARTS, Kind, Split, Splits, Task
from tuner.errors import UnknownNameError
from tuner.spec.access import Access
from tuner.wording import hint

if TYPE_CHECKING:
    from tuner.spec import CsvDataset

__all__ = [
    "DATASETS",
    "PARTS",
    "Dataset",
    "Development",
    "Kind",
    "Known",
    "SealedTest",
    "Split",
    "Splits",
    "Status",
    "Task",
    "check_function",
    "data_home",
    "fetch",
    "import_function",
    "load",
    "look_up",
    "rows_from_csv",
    "status",
    "texts_from_file",
    "user_code",
]


def load(dataset: str | CsvDataset, base: Path, access: Access | None = None) -> Splits:
    """Loads what a study's ``dataset`` names.

    The division into train, validation and test depends on the data set alone, never on a
    study's seed: the test split is the same for everybody.

    Args:
        dataset: A name of `DATASETS`, ``"module:function"`` (see
            `tuner.data.functions.load_function`) or a CSV file and its target (see
            `tuner.data.csv_table.load_csv`).
        base: Folder of the study file, where files and modules are looked for first.
        access: What a study from a database may use; None for a study of the user's own.

    Raises:
        UnknownNameError: There is no data set of that name.
        DataError: It is there but cannot be used; the text says why and what to do.
        RequestError: ``access`` does not allow the code.
    """
    if not isinstance(dataset, str):
        file = dataset.path(base)
        if access is not None:
            file = access.file(file)
        return load_csv(
            file,
            dataset.target,
            source=dataset.csv,
            task=dataset.task,
            drop=dataset.drop or (),
            dialect=dataset,
        )
    if dataset in DATASETS:
        return DATASETS[dataset].load()
    if ":" in dataset:
        if access is not None:
            access.check_code([dataset])
        return load_function(dataset, base)
    if dataset.endswith((".csv", ".csv.gz", ".tsv", ".txt")):
        todo = f'a file is written {{ csv = "{dataset}", target = "column to predict" }}'
    else:
        todo = hint(dataset, list(DATASETS), "data sets")
    raise UnknownNameError(f'there is no data set "{dataset}"; {todo}')
