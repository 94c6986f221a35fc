"""A data set by name: the locations of its files, how they are read, and how to get them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from tuner.data.arrays import About
from tuner.data.sets.locations import OWN_FOLDER, data_home
from tuner.data.splits import Kind, Splits, Task
from tuner.errors import DataError


@dataclass(frozen=True)
class Form:
    """One form in which people have a data set.

    Attributes:
        find: Returns its location, None when nothing of it is there. A damaged or incomplete one
            counts as found, so that an error names it.
        read: Reads and checks what was found.
        note: What the reader of a score on these rows must know.
        whole: False for a smaller stand-in.
        rows: How many rows it has, if not as many as the data set.
    """

    find: Callable[[], Path | None]
    read: Callable[[Path, About], Splits]
    note: str = ""
    whole: bool = True
    rows: int | None = None


@dataclass(frozen=True)
class Download:
    """A file of the official source.

    Attributes:
        url: Where it is.
        checksum: The published checksum as pooch reads it: SHA-256, or MD5 after ``md5:``.
    """

    url: str
    checksum: str

    @property
    def name(self) -> str:
        """The file's name."""
        return self.url.rpartition("/")[2]


@dataclass(frozen=True)
class Dataset:
    """A data set by name.

    Attributes:
        name: What a study file calls it.
        title: What is predicted from what, in one line.
        task: What is to be learnt.
        rows: Number of rows when all of it is there.
        source: Where the data comes from, for people.
        licence: Its licence, for people.
        forms: Where to look, the first that is found wins.
        kind: What a row is, as `Splits` has it.
        ways: How to get it, as commands and sentences; ``{home}`` stands for the data folder.
        downloads: What ``tuner data fetch`` gets.
        fixed: Why its rows must not be divided otherwise, to follow "because"; empty if they may.
    """

    name: str
    title: str
    task: Task
    rows: int
    source: str
    licence: str
    forms: tuple[Form, ...]
    kind: Kind = "table"
    ways: tuple[str, ...] = ()
    downloads: tuple[Download, ...] = ()
    fixed: str = ""

    def load(self) -> Splits:
        """Reads, checks and divides the rows.

        Raises:
            DataError: Nothing of it is there, or what is there is broken; the file stays as it is.
        """
        for form, path in self._found():
            about = About(self.name, source=self.source, licence=self.licence, note=form.note)
            return form.read(path, about)
        raise DataError(f"the data of {self.name} are not here; {', or '.join(self.how())}")

    def how(self) -> list[str]:
        """Returns the ways to get it, with the folder of this machine filled in."""
        fetch = [f"run tuner data fetch {self.name} (from the internet)"] if self.downloads else []
        return [*fetch, *(way.format(home=data_home()) for way in self.ways)]

    def status(self) -> Status:
        """Returns what is there, without reading it."""
        form, path = next(self._found(), (None, None))
        state: State = "lack" if form is None else "have" if form.whole else "part"
        return Status(
            name=self.name,
            title=self.title,
            rows=(form and form.rows) or self.rows,
            state=state,
            where=None if path is None else _where(path),
            note=form.note if form else "",
            ways=() if state == "have" else tuple(self.how()),
            source=self.source,
            licence=self.licence,
        )

    def _found(self) -> Iterator[tuple[Form, Path]]:
        """Yields the forms that are there with their locations, the preferred one first."""
        for form in self.forms:
            if (path := form.find()) is not None:
                yield form, path


def _where(path: Path) -> str:
    return "comes with tuner" if path.is_relative_to(OWN_FOLDER) else str(path)


State = Literal["have", "part", "lack"]


@dataclass(frozen=True)
class Status:
    """A line of ``tuner data``.

    Attributes:
        name: What a study file calls it.
        title: What is predicted from what.
        rows: Number of rows of what is there, if that is known beforehand; else of all of it.
        state: ``"have"``, ``"part"`` (a smaller stand-in is used, see ``note``) or ``"lack"``.
        where: File or folder that would be read, or "comes with tuner"; None when lacking.
        note: What is known of those rows.
        ways: How to get all of it; empty when it is there.
        source: Where the data comes from.
        licence: Its licence.
    """

    name: str
    title: str
    rows: int
    state: State
    where: str | None
    note: str
    ways: tuple[str, ...]
    source: str
    licence: str
