"""Paths as people write them."""

from __future__ import annotations

import os
import stat
from pathlib import Path

_SPECIAL = {
    stat.S_IFIFO: "a named pipe",
    stat.S_IFSOCK: "a socket",
    stat.S_IFCHR: "a device",
    stat.S_IFBLK: "a device",
}


def expanded(path: str | Path) -> Path:
    """Returns a path whose leading ``~`` is the home folder; of an unknown user it stays."""
    return Path(os.path.expanduser(path))  # noqa: PTH111 - pathlib's raises for an unknown user


def is_link(path: Path) -> bool:
    """Whether a path is a link, wherever it leads; False for what can be no path at all."""
    try:
        return path.is_symlink()
    except (OSError, ValueError):  # too long, a null character
        return False


def exists(path: Path) -> bool:
    """Whether something lies at a path; False for what can be no path, and for a broken link."""
    try:
        return path.exists()
    except (OSError, RuntimeError, ValueError):  # too long, impossible, a link to itself
        return False


def shown(path: Path) -> str:
    """Returns a path as short as it can be named from the working directory."""
    try:
        return str(Path(os.path.normpath(path.absolute())).relative_to(Path.cwd()))
    except ValueError:
        return str(path)


def is_file(path: Path) -> bool:
    """Whether a regular file lies at a path, and can be seen."""
    try:
        return path.is_file()
    except (OSError, RuntimeError, ValueError):  # no right to enter its folder
        return False


def special_kind(path: Path) -> str | None:
    """Returns what lies at a path if it is neither a file nor a folder: ``a named pipe``.

    Reading one may block for ever, or never end.

    Returns:
        None for a file, a folder, and what cannot be seen.

    Raises:
        ValueError: No path can be so.
    """
    try:
        return _SPECIAL.get(stat.S_IFMT(path.stat().st_mode))
    except OSError:
        return None
