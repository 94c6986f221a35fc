"""Gets a data set from its official source, through Keras's downloader."""

from __future__ import annotations

import contextlib
import sys
import tempfile
from pathlib import Path

from tuner.data.sets.dataset import Dataset, Download
from tuner.data.sets.locations import data_home
from tuner.errors import DataError


def fetch_dataset(dataset: Dataset) -> Path:
    """Downloads what is not there yet into the data folder and checks the whole set.

    Every file comes into a hidden folder first and is moved when it is complete and its checksum
    is right: neither an interrupted download nor a file of the user's is ever in the way of the
    other.

    Returns:
        The folder.

    Raises:
        DataError: There is nothing to fetch, the network or the disk fails, or what is there now
            is not what it should be.
    """
    if not dataset.downloads:
        raise DataError(_nothing_to_fetch(dataset))
    folder = data_home() / dataset.name
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=folder, prefix=".fetch-") as part:
            for download in dataset.downloads:
                if not (folder / download.name).exists():
                    _get(download, Path(part)).replace(folder / download.name)
    except OSError as exc:
        raise DataError(f"{folder} cannot be written: {exc.strerror or exc}") from exc
    dataset.load()
    return folder


def _get(download: Download, folder: Path) -> Path:
    from keras.utils import get_file

    try:
        with contextlib.redirect_stdout(sys.stderr):  # its progress is no result
            got = get_file(
                download.name,
                origin=download.url,
                file_hash=download.checksum,
                cache_dir=str(folder),
                cache_subdir="",
            )
    except Exception as exc:  # Keras raises no other for the network
        said = " ".join(str(exc).split())
        raise DataError(
            f"{download.url} cannot be fetched ({said}); check the network, or get the file on "
            f"another machine and put it into {folder.parent}"
        ) from exc
    return Path(got)


def _nothing_to_fetch(dataset: Dataset) -> str:
    ways = dataset.how()
    if not ways:
        return f"{dataset.name} comes with tuner: there is nothing to fetch"
    return f"{dataset.name} cannot be fetched by tuner; {', or '.join(ways)}"
