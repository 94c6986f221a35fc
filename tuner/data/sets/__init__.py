"""The data sets that have a name, in the order in which the study notes meet them."""

from __future__ import annotations

from pathlib import Path

from tuner.data.sets.celeba import CELEBA_GENDER
from tuner.data.sets.dataset import Dataset, Status
from tuner.data.sets.digits import FASHION_MNIST, MNIST
from tuner.data.sets.faces import FACES
from tuner.data.sets.fetching import fetch_dataset
from tuner.data.sets.locations import data_home
from tuner.data.sets.packaged import BIRTH_LIFE, PIMA, WINE
from tuner.data.sets.reviews import IMDB
from tuner.data.sets.small import AND, ELDERLY, LINE, XOR
from tuner.errors import UnknownNameError
from tuner.wording import hint

__all__ = ["DATASETS", "Dataset", "Status", "data_home", "fetch", "status"]

DATASETS = {
    dataset.name: dataset
    for dataset in (
        LINE,
        BIRTH_LIFE,
        ELDERLY,
        AND,
        XOR,
        PIMA,
        WINE,
        MNIST,
        FASHION_MNIST,
        IMDB,
        FACES,
        CELEBA_GENDER,
    )
}


def status() -> list[Status]:
    """Returns a line per data set: what is there, what is missing, how to get it."""
    return [dataset.status() for dataset in DATASETS.values()]


def fetch(name: str) -> Path:
    """Gets a data set from its official source into the data folder.

    Raises:
        UnknownNameError: There is no data set of that name.
        DataError: There is nothing to fetch, or it cannot be fetched.
    """
    if name not in DATASETS:
        raise UnknownNameError(
            f'there is no data set "{name}"; {hint(name, list(DATASETS), "data sets")}'
        )
    return fetch_dataset(DATASETS[name])
