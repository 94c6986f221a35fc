"""What a study from a database may read and run on this machine.

Anybody who can write to the database may have changed such a study. A study file that the user
names has no limits: then there is no :class:`Access`.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from tuner.errors import DataError, RequestError
from tuner.spec.paths import expanded, special_kind


@dataclass(frozen=True)
class Access:
    """What a study from a database may use on this machine.

    Attributes:
        roots: Folders below which its files are read; absolute, without links.
        allow_code: Whether the ``module:function`` that it names runs.
    """

    roots: tuple[Path, ...]
    allow_code: bool = False

    @classmethod
    def given(cls, roots: Iterable[str | Path] = (), *, allow_code: bool = False) -> Access:
        """Returns the access that options ask for.

        Args:
            roots: As ``--data-root`` names them; the working folder if empty.
            allow_code: See the attribute.

        Raises:
            RequestError: One of them is not a folder.
        """
        named = [expanded(root) for root in roots] or [Path.cwd()]
        for folder in named:
            if not folder.is_dir():
                raise RequestError(f"--data-root {folder}: there is no such folder")
        return cls(tuple(folder.resolve() for folder in named), allow_code)

    def file(self, path: Path) -> Path:
        """Returns the file that ``path`` leads to, links resolved.

        Raises:
            DataError: It lies outside of all roots. The text is the same whether it exists or not.
        """
        try:
            real = path.resolve()
        except (OSError, RuntimeError, ValueError) as exc:  # a loop of links, a null character
            raise DataError(f"{str(path)!r} is not a path: {exc}") from exc
        if any(real.is_relative_to(root) for root in self.roots):
            return real
        folders = ", ".join(map(str, self.roots))
        raise DataError(
            f"the database names the file {path}, which is outside of the folders that may be "
            f"read for it ({folders}); to allow another one add --data-root FOLDER"
        )

    def check_code(self, named: Sequence[str]) -> None:
        """Refuses code of a study unless it is allowed.

        Args:
            named: The ``module:function`` references of the study; none is fine.

        Raises:
            RequestError: There are some, and they are not allowed.
        """
        if named and not self.allow_code:
            raise RequestError(
                f"code that the database names, {' and '.join(named)}, is not run here: add "
                "--allow-code if you trust all who can write to the database"
            )


def require_regular(path: Path) -> None:
    """Refuses pipes, sockets and devices: reading one may block for ever, or never end.

    A missing file or a folder passes; opening it raises the right error.

    Raises:
        DataError: ``path`` is one of them, or cannot be a path.
    """
    try:
        kind = special_kind(path)
    except ValueError as exc:  # a null character
        raise DataError(f"{str(path)!r} is not a path: {exc}") from exc
    if kind:
        raise DataError(f"{path} is {kind}, not a regular file; save the data in a file")
