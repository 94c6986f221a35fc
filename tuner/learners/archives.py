"""Saved models are zip archives; what is checked of them before they are read."""

from __future__ import annotations

import zipfile
from pathlib import Path

from tuner.errors import BundleError
from tuner.units import format_bytes

_SMALL_BYTES, _MOST_EXPANSION = 64 * 2**20, 100


def check_unpacked_size(file: Path) -> None:
    """Refuses an archive that would fill the memory.

    Raises:
        BundleError: It unpacks to far more than it takes on the disk.
    """
    try:
        with zipfile.ZipFile(file) as archive:
            check_archive(archive, file.stat().st_size, str(file))
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError):
        return  # reading it raises the error that says what is wrong


def check_archive(archive: zipfile.ZipFile, packed: int, name: str) -> None:
    """Refuses an open archive that would fill the memory.

    Args:
        archive: The archive.
        packed: Its size in bytes.
        name: What errors call it.

    Raises:
        BundleError: It unpacks to far more than it takes on the disk.
    """
    unpacked = sum(part.file_size for part in archive.infolist())
    if unpacked > _SMALL_BYTES and unpacked > _MOST_EXPANSION * packed:
        raise BundleError(
            f"{name} cannot be loaded: it unpacks from {format_bytes(packed)} to "
            f"{format_bytes(unpacked)}, which no saved model does; train the bundle again"
        )
