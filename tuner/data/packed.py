"""Opens a file that may be compressed: with gzip, or as the only member of a zip archive."""

from __future__ import annotations

import gzip
import zipfile
import zlib
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, cast

from tuner.errors import DataError
from tuner.wording import hint

GZIP = b"\x1f\x8b"
_LOOKED_AT = 2**22  # bytes by which it is seen how well a file is compressed
ZIP = (b"PK\x03\x04", b"PK\x05\x06")  # the second of an archive without files


def start_of(path: Path) -> bytes:
    """Returns the first four bytes of a file.

    Raises:
        DataError: It is missing or unreadable.
    """
    with _readable(path), path.open("rb") as file:
        return file.read(4)


@contextmanager
def opened(path: Path) -> Iterator[IO[bytes]]:
    """Opens a file for reading bytes, without its compression.

    Raises:
        DataError: The file is missing or unreadable, its compression is broken, or an archive does
            not hold exactly one file. Errors inside of the context are translated, too.
    """
    with _readable(path), path.open("rb") as raw:
        start = raw.read(4)
        raw.seek(0)
        if start in ZIP:
            with zipfile.ZipFile(raw) as archive, archive.open(_member(path, archive)) as file:
                yield file
        elif start.startswith(GZIP):
            with gzip.open(raw) as file:
                yield cast("IO[bytes]", file)
        else:
            yield raw


def unpacked_size(path: Path) -> int:
    """Returns about how many bytes a file has without its compression.

    Raises:
        DataError: See :func:`opened`.
    """
    with opened(path) as file:
        if isinstance(file, zipfile.ZipExtFile):
            with zipfile.ZipFile(path) as archive:
                return archive.getinfo(file.name).file_size
        size = path.stat().st_size
        if not isinstance(file, gzip.GzipFile):
            return size
        raw = file.fileobj
        read = len(file.read(_LOOKED_AT))
        return read if read < _LOOKED_AT else size * read // max(raw.tell(), 1)


@contextmanager
def _readable(path: Path) -> Iterator[None]:
    """Translates errors of files and of their compression."""
    try:
        yield
    except (EOFError, gzip.BadGzipFile, zlib.error) as exc:
        raise DataError(f"{path} is a broken gzip file ({exc}); get it again") from exc
    except (zipfile.BadZipFile, NotImplementedError) as exc:
        raise DataError(
            f"{path} is a broken zip archive or Excel workbook ({exc}); get it again"
        ) from exc
    except RuntimeError as exc:  # the class that zipfile raises for it
        if "password" not in str(exc):
            raise
        raise DataError(f"{path} is a zip archive with a password; unpack it") from exc
    except FileNotFoundError as exc:
        raise DataError(_missing(path)) from exc
    except OSError as exc:
        raise DataError(f"{path} cannot be read: {exc.strerror or exc}") from exc


def is_workbook(names: Collection[str]) -> bool:
    """Returns whether the files of an archive are those of an Excel or OpenDocument workbook."""
    return "[Content_Types].xml" in names or {"mimetype", "content.xml"} <= set(names)


def _member(path: Path, archive: zipfile.ZipFile) -> str:
    """Returns the only file of an archive; what macOS adds and hidden files count for nothing."""
    names = [info.filename for info in archive.infolist() if not info.is_dir()]
    if is_workbook(names):
        raise DataError(f"{path} is an Excel or OpenDocument workbook; save the sheet as CSV")
    names = [
        name
        for name in names
        if not name.startswith("__MACOSX/") and not name.rpartition("/")[2].startswith(".")
    ]
    if len(names) != 1:
        shown = f": {', '.join(names[:3])}{' …' if len(names) > 3 else ''}" if names else ""
        raise DataError(
            f"{path} is a zip archive of {len(names)} files{shown}; unpack it and name the one "
            "that holds the table"
        )
    return names[0]


def _missing(path: Path) -> str:
    """Returns the text for a file that is not there: the nearest in its folder."""
    folder = path.parent
    if not folder.is_dir():
        return f"there is no file {path}: the folder {folder} does not exist"
    files = sorted(file.name for file in folder.iterdir() if file.is_file())
    return f"there is no file {path}; {hint(path.name, files, 'files in that folder')}"
