"""Writes a folder in one step: either all of it is there, or nothing."""

from __future__ import annotations

import contextlib
import errno
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tuner.errors import BundleError, RequestError
from tuner.results.configuration_file import cannot_write

MARKER = "bundle.json"
"""The file by which a bundle is known; it is written last."""


@contextmanager
def new_folder(path: Path, *, force: bool) -> Iterator[Path]:
    """Yields an empty folder that takes the name ``path`` when the block ends well.

    It is beside ``path``, so that the last step is a rename. If the block raises, it is removed
    and ``path`` is as it was.

    Args:
        path: Folder to be made; its parents are made too.
        force: Replace a bundle that is there. Any other folder is never replaced.

    Raises:
        RequestError: ``path`` is taken, or cannot be a folder.
        BundleError: Nothing can be written there, or ``path`` was taken meanwhile.
    """
    path = path.absolute()
    check_free(path, force=force)
    made: list[Path] = []
    temporary: Path | None = None
    done = False
    try:
        with writing(path):
            made = _make_parents(path.parent)
            temporary = Path(tempfile.mkdtemp(dir=path.parent, prefix=f".{path.name}."))
        yield temporary
        try:
            with writing(path):
                temporary.chmod(0o755)  # mkdtemp gives the folder to its owner alone
                _put(temporary, path, force=force)
        except RequestError as error:  # the path was free before the training
            raise BundleError(str(error)) from error.__cause__
        done = True
    finally:
        if not done:
            if temporary is not None:
                shutil.rmtree(temporary, ignore_errors=True)
            for folder in reversed(made):
                with contextlib.suppress(OSError):
                    folder.rmdir()


@contextmanager
def writing(path: Path) -> Iterator[None]:
    """Turns what goes wrong while writing into one line about ``path``.

    Raises:
        RequestError: ``path`` is a folder, or its parent is no folder.
        BundleError: The disk is full, the folder is read-only, or anything else of that kind.
    """
    try:
        yield
    except OSError as exc:
        raise cannot_write(path, exc) from exc


def check_free(path: Path, *, force: bool) -> None:
    """Refuses a path that is taken, before anything is trained for it.

    Raises:
        RequestError: A file, a bundle without ``force``, or a folder that holds something else.
    """
    with writing(path):
        if not path.exists() and not path.is_symlink():
            return
        if not path.is_dir():
            raise RequestError(f"{path} is a file; choose a folder for the bundle with -o")
        if (path / MARKER).is_file():
            if not force:
                raise RequestError(
                    f"{path} already holds a model bundle; add --force to replace it, or choose "
                    "another folder with -o"
                )
            return
        if any(path.iterdir()):
            raise RequestError(
                f"{path} is not empty and holds no model bundle; nothing in it was touched: "
                "choose another folder with -o"
            )


def _make_parents(folder: Path) -> list[Path]:
    """Makes a folder and returns those that were not there, outermost first."""
    missing = [parent for parent in (folder, *folder.parents) if not parent.exists()]
    there = missing[-1].parent if missing else folder
    if not there.is_dir():  # mkdir would only say that it exists
        raise NotADirectoryError(errno.ENOTDIR, f"{there} is a file")
    folder.mkdir(parents=True, exist_ok=True)
    return missing[::-1]


def _put(new: Path, path: Path, *, force: bool) -> None:
    check_free(path, force=force)  # again: training took its time
    path = path.resolve()  # a link to a folder stays a link
    if not path.exists():
        new.rename(path)
        return
    if not (path / MARKER).is_file():
        path.rmdir()
        new.rename(path)
        return
    old = Path(tempfile.mkdtemp(dir=path.parent, prefix=f".{path.name}.old."))
    path.rename(old / path.name)
    try:
        new.rename(path)
    except OSError:
        (old / path.name).rename(path)
        old.rmdir()
        raise
    shutil.rmtree(old, ignore_errors=True)
