"""Collects what is wrong with a file, so that one error names all of it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from tuner.errors import DataError
from tuner.units import count

_MOST_SHOWN = 10


class Fault(NamedTuple):
    """One fault.

    Attributes:
        text: Column, line, what is wrong, and what to write instead.
        kind: What it has in common with faults of other columns; those are only counted then.
    """

    text: str
    kind: str = ""


@dataclass
class Faults:
    """The faults of one file.

    Attributes:
        path: The file.
        found: All faults, in order.
    """

    path: Path
    found: list[Fault] = field(default_factory=list)

    def add(self, fault: Fault | str | None) -> None:
        """Adds a fault; None is none."""
        if fault is not None:
            self.found.append(fault if isinstance(fault, Fault) else Fault(fault))

    def raise_if_any(self) -> None:
        """Raises if there are faults.

        Raises:
            DataError: Of all faults: one in one line, several in a line each.
        """
        if not self.found:
            return
        texts = list(_grouped(self.found))
        if len(texts) == 1:
            raise DataError(f"{self.path}: {texts[0]}")
        shown = "".join(f"\n  {text}" for text in texts[:_MOST_SHOWN])
        more = len(texts) - _MOST_SHOWN
        rest = f"\n  … and {count(more, 'more fault')}" if more > 0 else ""
        raise DataError(f"{self.path}: {count(len(texts), 'fault')}:{shown}{rest}")


def _grouped(faults: Iterable[Fault]) -> Iterable[str]:
    """Yields a text for each fault, or for the first of its kind."""
    kinds: dict[str, list[str]] = {}
    for number, fault in enumerate(faults):
        kinds.setdefault(fault.kind or str(number), []).append(fault.text)
    for first, *others in kinds.values():
        yield f"{first} (likewise {count(len(others), 'more column')})" if others else first
