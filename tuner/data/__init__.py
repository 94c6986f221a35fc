"""Data sets by name, by file or by function, as three splits.

The way of a table: a reader makes typed columns (`table_file`), `treatments` decides what becomes
of each (`schema`), an array or a frame is made of the features (`mixed`), and the rows are divided
(`dividing`) into development rows and sealed test rows (`development`).

Importing this package is cheap, so that the supervisor can: pandas and scikit-learn are imported
by the functions that need them. TensorFlow is imported only by a user's own module whose
``load_data`` returns a ``tf.data.Dataset``.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from tuner.data.csv_table import load_csv, uses_of
from tuner.data.development import Development, SealedData, SealedTest
from tuner.data.functions import load_function
from tuner.data.image_folder import load_images
from tuner.data.importing import import_function, user_code
from tuner.data.known import Known, look_up
from tuner.data.rows_to_predict import rows_from_csv, texts_from_file
from tuner.data.sets import DATASETS, Dataset, Status, data_home, fetch, status
from tuner.data.source import check_function
from tuner.data.splits import PARTS, Kind, Split, Splits, Task
from tuner.data.suspicions import with_warnings
from tuner.errors import UnknownNameError
from tuner.spec import ImageFolder
from tuner.spec.access import Access
from tuner.wording import hint

if TYPE_CHECKING:
    from tuner.spec import AnyDataset

__all__ = [
    "DATASETS",
    "PARTS",
    "Dataset",
    "Development",
    "Kind",
    "Known",
    "SealedData",
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
    "load_splits",
    "look_up",
    "rows_from_csv",
    "status",
    "texts_from_file",
    "user_code",
]


def load(dataset: AnyDataset, base: Path, access: Access | None = None) -> SealedData:
    """Loads what a study's ``dataset`` names; the test rows are sealed.

    The division into train, validation and test depends on the data set alone, never on a
    study's seed: the test split is always the same.

    Args:
        dataset: A name of `DATASETS`, ``"module:function"`` (see
            `tuner.data.functions.load_function`), a CSV file and its target (see
            `tuner.data.csv_table.load_csv`), or a folder of images (see
            `tuner.data.image_folder.load_images`).
        base: Folder of the study file, where files and modules are looked for first.
        access: What a study from a database may use; None for a study of the user's own.

    Raises:
        UnknownNameError: There is no data set of that name.
        DataError: It is there but cannot be used.
        RequestError: ``access`` does not allow the code.
    """
    return load_splits(dataset, base, access).sealed()


def load_splits(dataset: AnyDataset, base: Path, access: Access | None = None) -> Splits:
    """Loads a data set as :func:`load` does, with its test rows: for comparisons, not searches."""
    if not isinstance(dataset, str):
        file = dataset.path(base)
        if access is not None:
            file = access.file(file)
        if isinstance(dataset, ImageFolder):
            return load_images(file, dataset.size, dataset.images)
        data = load_csv(
            file,
            dataset.target,
            source=dataset.csv,
            dialect=dataset,
            test_share=dataset.test,
            **uses_of(dataset),
        )
        return with_warnings(data)
    if dataset in DATASETS:
        return DATASETS[dataset].load()
    if ":" in dataset:
        if access is not None:
            access.check_code([dataset])
        return with_warnings(load_function(dataset, base))
    if dataset.endswith((".csv", ".csv.gz", ".tsv", ".txt")):
        todo = f'a file is written {{ csv = "{dataset}", target = "column to predict" }}'
    else:
        todo = hint(dataset, list(DATASETS), "data sets")
    raise UnknownNameError(f'there is no data set "{dataset}"; {todo}')
