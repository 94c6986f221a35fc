"""Downloads data sets from their official sources, with pooch.

pooch only downloads and verifies. :class:`~tuner.data.sets.dataset.Dataset` decides which files are
there (in the data folder, in Keras's cache, in an installed package): pooch would replace a file
whose checksum differs, and the user's own files are never replaced.
"""

from __future__ import annotations

import sys
from pathlib import Path

from tuner.data.sets.dataset import Dataset, Download
from tuner.data.sets.locations import data_home
from tuner.errors import DataError


def fetch_dataset(dataset: Dataset) -> Path:
    """Downloads the missing files of a data set into the data folder and checks the whole set.

    A file gets its name only when it is complete and its checksum is right.

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
        for download in dataset.downloads:
            if not (folder / download.name).exists():
                _download(download, folder)
    except OSError as exc:
        raise DataError(f"{folder} cannot be written: {exc.strerror or exc}") from exc
    dataset.load()
    return folder


def _download(download: Download, folder: Path) -> None:
    import pooch
    from requests.exceptions import RequestException

    pooch.get_logger().setLevel("WARNING")  # the progress bar says as much
    try:
        pooch.retrieve(
            download.url,
            known_hash=download.checksum,
            fname=download.name,
            path=folder,
            progressbar=sys.stderr.isatty(),
        )
    except (RequestException, ValueError) as exc:  # ValueError: the checksum differs
        if isinstance(exc, RequestException) and exc.response is not None:
            exc.response.close()  # pooch leaves it open
        raise DataError(
            f"{download.url} cannot be fetched ({_cause(exc)}); check the network, or get the file "
            f"on another machine and put it into {folder}"
        ) from exc


def _cause(exc: BaseException) -> str:
    """Returns in one line what the first exception of a chain says."""
    while cause := exc.__cause__ or exc.__context__:
        exc = cause
    return " ".join(str(exc).split())


def _nothing_to_fetch(dataset: Dataset) -> str:
    ways = dataset.how()
    if not ways:
        return f"{dataset.name} comes with tuner: there is nothing to fetch"
    return f"{dataset.name} cannot be fetched by tuner; {', or '.join(ways)}"
