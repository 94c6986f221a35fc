"""Where files of trials are stored: a folder, or a bucket of an S3-like store, by Optuna's stores.

Terms:
    location: an absolute folder, or ``s3://BUCKET`` or ``s3://BUCKET/PREFIX``. One plain string, so
        that it can be sent to workers and other machines.
"""

from __future__ import annotations

import io
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from tuner.errors import RequestError
from tuner.spec.paths import expanded
from tuner.storage.url import parse_url

if TYPE_CHECKING:  # to import these would import boto3, which few runs need
    from optuna.artifacts import Boto3ArtifactStore, FileSystemArtifactStore

_S3 = re.compile(r"s3://(?P<bucket>[^/]+)(?:/(?P<prefix>.*))?", re.DOTALL)
# Training continues without a store that does not answer.
_CONNECT_SECONDS, _READ_SECONDS, _ATTEMPTS = 5, 60, 3


class ArtifactError(Exception):
    """An artifact cannot be written, read or removed; the text says why, in one line."""


def chosen_location(asked: str | None, url: str) -> str:
    """The location of a run's checkpoints; nothing is made there before the first is written.

    Args:
        asked: What the user wrote; ``TUNER_CHECKPOINTS`` if None.
        url: The database. If neither is set, the folder is beside a SQLite file (``tuner.db`` and
            ``tuner.db-checkpoints``), for a server ``~/.tuner/checkpoints``.

    Raises:
        RequestError: It is neither a folder nor an S3 address, or the extra for S3 is missing.
    """
    wanted = asked or os.environ.get("TUNER_CHECKPOINTS")
    if not wanted:
        return str(_default_folder(url))
    if "://" not in wanted:
        # Absolute, because a user's own code may change the working directory.
        return str(expanded(wanted).absolute())
    if _S3.fullmatch(wanted) is None:
        raise RequestError(
            f"checkpoints: {wanted} is not a place that tuner can write to; "
            "name a folder, or s3://BUCKET/PREFIX"
        )
    if find_spec("boto3") is None:
        raise RequestError(
            f"checkpoints: {wanted} needs the package boto3; install it with: "
            "pip install 'tuner[s3]'"
        )
    return wanted


def _default_folder(url: str) -> Path:
    parsed = parse_url(url)
    file = parsed.database
    if parsed.get_backend_name() == "sqlite" and file and not file.startswith("file:"):
        return Path(f"{file}-checkpoints").absolute()
    return Path.home() / ".tuner" / "checkpoints"


class Artifacts:
    """Named files at one location, which is created with the first of them."""

    def __init__(self, location: str) -> None:
        """Takes the location, as :func:`chosen_location` returned it."""
        self.location = location
        found = _S3.fullmatch(location)
        self._bucket = found["bucket"] if found else None
        prefix = (found["prefix"] or "").strip("/") if found else ""
        self._prefix = f"{prefix}/" if prefix else ""
        self._opened: FileSystemArtifactStore | Boto3ArtifactStore | None = None

    def write(self, name: str, content: bytes) -> None:
        """Writes a new file; where possible, none is left that was not written whole.

        Raises:
            ArtifactError: It cannot be written.
        """
        try:
            if self._bucket is None:
                Path(self.location).mkdir(parents=True, exist_ok=True)
            self._store().write(self._prefix + name, io.BytesIO(content))
        except Exception as error:
            self._remove_quietly(name)
            raise self._error("cannot write to", error) from error

    def read(self, name: str) -> bytes:
        """Reads a file.

        Raises:
            ArtifactError: It is not there, or cannot be read.
        """
        with self._failures_of(name), self._store().open_reader(self._prefix + name) as reader:
            return reader.read()

    @contextmanager
    def opened(self, name: str) -> Iterator[BinaryIO]:
        """Opens a file in which one can seek, to read a part of it.

        Raises:
            ArtifactError: It is not there, or cannot be read.
        """
        with self._failures_of(name):
            reader = self._store().open_reader(self._prefix + name)
        with reader:
            if reader.seekable():
                yield reader
                return
            with self._failures_of(name):
                content = io.BytesIO(reader.read())
            yield content

    @contextmanager
    def _failures_of(self, name: str) -> Iterator[None]:
        try:
            yield
        except Exception as error:
            if _is_absence(error):
                raise ArtifactError(f"{name} is not in {self.location}") from None
            raise self._error("cannot read from", error) from error

    def remove(self, name: str) -> None:
        """Removes a file if it is there.

        Raises:
            ArtifactError: It cannot be removed.
        """
        try:
            self._store().remove(self._prefix + name)
        except Exception as error:
            if _is_absence(error):
                return
            raise self._error("cannot remove from", error) from error

    def _remove_quietly(self, name: str) -> None:
        try:
            self.remove(name)
        except ArtifactError:
            return  # the error before says more

    def _store(self) -> FileSystemArtifactStore | Boto3ArtifactStore:
        if self._opened is None:
            self._opened = self._open()
        return self._opened

    def _open(self) -> FileSystemArtifactStore | Boto3ArtifactStore:
        from optuna.artifacts import Boto3ArtifactStore, FileSystemArtifactStore

        if self._bucket is None:
            return FileSystemArtifactStore(self.location)
        import boto3
        from botocore.config import Config

        options = Config(
            connect_timeout=_CONNECT_SECONDS,
            read_timeout=_READ_SECONDS,
            retries={"total_max_attempts": _ATTEMPTS, "mode": "standard"},
        )
        return Boto3ArtifactStore(self._bucket, boto3.client("s3", config=options))

    def _error(self, what: str, error: Exception) -> ArtifactError:
        why = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        why = " ".join(why.split()) or type(error).__name__
        return ArtifactError(f"{what} {self.location}: {why}")


def _is_absence(error: Exception) -> bool:
    from optuna.artifacts.exceptions import ArtifactNotFound

    return isinstance(error, ArtifactNotFound)
