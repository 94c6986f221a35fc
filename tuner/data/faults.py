"""Collects what is wrong with a file, so that one error names all of it."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from tuner.data.words import count
from tuner.errors import DataError

_MOST_SHOWN = 10


@dataclass
class Faults:
    """The faults of one file.

    Attributes:
        path: The file.
        texts: One a fault; each names the column and the line, and what to write instead.
    """

    path: Path
    texts: list[str] = field(default_factory=list)

    def add(self, text: str | None) -> None:
        """Adds a fault; None is none."""
        if text is not None:
            self.texts.append(text)

    def raise_if_any(self) -> None:
        """Raises if there are faults.

        Raises:
            DataError: Of all faults: one in one line, several in a line each.
        """
        if not self.texts:
            return
        if len(self.texts) == 1:
            raise DataError(f"{self.path}: {self.texts[0]}")
        shown = "".join(f"\n  {text}" for text in self.texts[:_MOST_SHOWN])
        more = len(self.texts) - _MOST_SHOWN
        rest = f"\n  … and {count(more, 'more fault')}" if more > 0 else ""
        raise DataError(f"{self.path}: {count(len(self.texts), 'fault')}:{shown}{rest}")
