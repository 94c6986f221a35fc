"""Which files a command replaces: those that tuner wrote; others only on request."""

from __future__ import annotations

import errno
import os
import tomllib
from collections.abc import Callable
from pathlib import Path

from tuner.errors import RequestError
from tuner.spec.paths import is_file
from tuner.wording import one_line

_MOST_BYTES = 4 * 2**20
"""Larger files are not read: nothing that is recognised by its text is as large."""


def check_replaceable(path: Path, is_ours: Callable[[str], bool], *, force: bool) -> None:
    """Makes sure that a file may be written at ``path``.

    Args:
        path: The file to be written.
        is_ours: Whether a text is what the same command wrote earlier.
        force: Replace whatever file is there.

    Raises:
        RequestError: Another file is there; the text says what it is.
        IsADirectoryError: A folder is there.
        FileNotFoundError: The folder of the file is not there.
        NotADirectoryError: A file is there instead of the folder.
    """
    if path.is_dir():
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
    if not path.parent.is_dir():
        problem = errno.ENOTDIR if path.parent.exists() else errno.ENOENT
        raise OSError(problem, os.strerror(problem))
    if force or not os.path.lexists(path) or is_ours(read_text(path)):
        return
    raise RequestError(
        f"{one_line(str(path))} is there already, {described(path)}, and was not written by this "
        "command: add --force to replace it, or choose another name with -o"
    )


def read_text(path: Path) -> str:
    """Returns the text of a regular file; empty where there is none that can be read."""
    try:
        if not is_file(path) or path.stat().st_size > _MOST_BYTES:
            return ""
        return path.read_text(encoding="utf-8-sig")
    except (OSError, RuntimeError, ValueError):  # no rights, a link to itself, no UTF-8
        return ""


def described(path: Path) -> str:
    """Returns what lies at a path, in a few words: ``a study file``."""
    if not is_file(path):
        return "a link to a file that is not there" if path.is_symlink() else "no regular file"
    with_size = f"a file of {path.stat().st_size:,} bytes"
    if path.suffix.lower() != ".toml":
        return with_size
    try:
        table = tomllib.loads(read_text(path))
    except (tomllib.TOMLDecodeError, RecursionError):
        return with_size
    if {"objective", "search_space"} & table.keys():
        return "a study file"
    spaces = table and all(isinstance(one, dict) and "type" in one for one in table.values())
    return "a search space" if spaces else with_size
