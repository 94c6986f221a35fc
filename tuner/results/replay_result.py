"""A stored trial beside its replay: what was compared, what differs, and what may be the cause."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from tuner.costs import COSTS, N_PARAMS
from tuner.storage.curves import Curves
from tuner.units import count_plain
from tuner.wording import one_line

_MOST_NAMED = 12
_VARYING = set(COSTS) - {N_PARAMS}
"""Metrics that no two trainings have in common, such as seconds."""


@dataclass(frozen=True)
class Measured:
    """What a trial gave, the stored one or its replay.

    Attributes:
        state: Complete, pruned, or fail.
        curves: Log name → float32 array, one value a step; as they are stored.
        values: Step → the objective's metric, float64; of the stored trial those steps that are
            stored.
        value: The objective's value; None of a pruned or failed trial.
        epoch: The best epoch; None if it is not stored.
        reason: Why the trial did not run all its steps.
        measured: The metrics of the further objectives of the study.
    """

    state: str
    curves: Curves
    values: Mapping[int, float]
    value: float | None
    epoch: int | None
    reason: str | None
    measured: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Difference:
    """Two numbers that should be equal.

    Attributes:
        what: A log, ``"intermediate value"``, or the objective's metric.
        step: Its step, from 1; None of what a trial has only one of.
        stored: The number in the database; None if there is none.
        now: That of the replay; None if there is none.
    """

    what: str
    step: int | None
    stored: float | None
    now: float | None

    @property
    def size(self) -> float:
        """How far they are apart; infinite if one of them is missing or not finite."""
        if self.stored is None or self.now is None:
            return math.inf
        size = abs(self.stored - self.now)
        return size if math.isfinite(size) else math.inf

    def words(self, step_word: str) -> str:
        """Returns the two numbers with all their digits."""
        where = "" if self.step is None else f"{step_word} {self.step}, "
        return f"{where}{self.what}: {_digits(self.stored)} stored, {_digits(self.now)} now"

    def to_dict(self) -> dict[str, Any]:
        """Returns the difference as JSON holds it; a number that is not finite is a text."""
        numbers = {"stored": _json(self.stored), "now": _json(self.now)}
        return {"what": self.what, "step": self.step, **numbers}


@dataclass(frozen=True)
class Fact:
    """Something that decides what a training gives.

    Attributes:
        what: Such as ``"tensorflow"`` or ``"processor"``.
        stored: As it was; None if that is not stored.
        now: As it is.
    """

    what: str
    stored: str | None
    now: str

    def to_dict(self) -> dict[str, Any]:
        """Returns the fact as JSON holds it."""
        same = None if self.stored is None else self.stored == self.now
        return {"what": self.what, "stored": self.stored, "now": self.now, "same": same}


@dataclass(frozen=True)
class ReplayResult:
    """A stored trial beside its replay.

    Attributes:
        study: Name of the study in the database.
        storage: The database, password masked.
        trial: Number of the trial.
        metric: The objective's.
        step_word: What a step of the trial is called: an epoch, a fold.
        stored: What the database holds.
        now: What the replay gave.
        differences: All that differs, first by step.
        facts: What decides what a training gives, then and now.
    """

    study: str
    storage: str
    trial: int
    metric: str
    step_word: str
    stored: Measured
    now: Measured
    differences: tuple[Difference, ...]
    facts: tuple[Fact, ...]

    @property
    def is_equal(self) -> bool:
        """Whether all that was compared is equal to the last digit, the end included."""
        return not self.differences and self.ends_equally

    @property
    def ends_equally(self) -> bool:
        """Whether the replay ended as the stored trial did."""
        if self.stored.state != self.now.state or self.stored.epoch not in (None, self.now.epoch):
            return False
        return self.stored.state != "fail" or self.stored.reason == self.now.reason

    @property
    def steps(self) -> int:
        """How many steps both have."""
        return min(_steps(self.stored), _steps(self.now))

    @property
    def largest(self) -> Difference | None:
        """The difference of the largest size, the first of several; None if nothing differs."""
        return max(self.differences, key=lambda one: one.size, default=None)

    def words(self) -> str:
        """Returns the result as people read it, without a line break at its end."""
        verdict = "equal to the last digit" if self.is_equal else "not equal"
        lines = [f"trial {self.trial} of {self.study} ({self.stored.state}): {verdict}"]
        if self.is_equal:
            lines += [self._compared(), *self._end()]
        else:
            lines += ["", *self._differing(), "", *self._causes()]
        return "\n".join(map(one_line, lines))

    def to_dict(self) -> dict[str, Any]:
        """Returns the document of ``tuner replay --json``."""
        first, largest = next(iter(self.differences), None), self.largest
        return {
            "study": self.study,
            "storage": self.storage,
            "trial": self.trial,
            "equal": self.is_equal,
            "steps": self.steps,
            "logs": sorted(self.stored.curves),
            "intermediate_values": len(self.stored.values),
            "state": {"stored": self.stored.state, "now": self.now.state},
            "epoch": {"stored": self.stored.epoch, "now": self.now.epoch},
            "value": {"stored": self.stored.value, "now": self.now.value},
            "reason": {"stored": self.stored.reason, "now": self.now.reason},
            "differences": len(self.differences),
            "first": None if first is None else first.to_dict(),
            "largest": None if largest is None else largest.to_dict(),
            "facts": [fact.to_dict() for fact in self.facts],
        }

    def _compared(self) -> str:
        parts = []
        if self.stored.curves:
            names = len(self.stored.curves)
            parts.append(
                f"{count_plain(self.steps, self.step_word)} of {count_plain(names, 'log')}"
            )
        if self.stored.values:
            parts.append(count_plain(len(self.stored.values), "intermediate value"))
        if self.stored.value is not None:
            parts.append(f"the value ({self.metric} {_digits(self.stored.value)})")
        return f"compared: {', '.join(parts) or 'how it ends; no epoch of it is stored'}"

    def _end(self) -> list[str]:
        if self.stored.state == "fail":
            return [f"it fails again for the same reason: {self.stored.reason}"]
        return []

    def _differing(self) -> list[str]:
        lines = []
        if self.differences:
            lines.append(f"  first     {self.differences[0].words(self.step_word)}")
            largest = self.largest
            if largest is not None and largest is not self.differences[0]:
                lines.append(f"  largest   {largest.words(self.step_word)}")
            numbers = count_plain(len(self.differences), "number")
            lines.append(f"  in all    {numbers} of {self._compared().removeprefix('compared: ')}")
        else:
            lines.append(f"  numbers   equal: {self._compared().removeprefix('compared: ')}")
        if not self.ends_equally:
            lines.append(f"  then      {_ended(self.stored, self.step_word)}")
            lines.append(f"  now       {_ended(self.now, self.step_word)}")
        return lines

    def _causes(self) -> list[str]:
        different = [one for one in self.facts if one.stored not in (None, one.now)]
        unknown = [one.what for one in self.facts if one.stored is None]
        same = [one.what for one in self.facts if one.stored == one.now]
        lines = ["what has changed since, and may be the cause:"] if different else []
        lines += [f"  {one.what:<14}  {one.stored} then, {one.now} now" for one in different]
        if not different:
            lines.append("nothing that is known has changed since:")
        if same:
            lines.append(f"  the same        {', '.join(same[:_MOST_NAMED])}")
        if unknown:
            lines.append(f"  not stored      {', '.join(unknown)}")
        if not different:
            lines.append(
                "  else            code of your own that draws random numbers without a seed, a "
                "stored number that was changed, or settings of the study that were"
            )
        return lines


def compare(stored: Measured, now: Measured, metric: str) -> tuple[Difference, ...]:
    """Returns the numbers that differ, by step, those without a step last.

    What is stored of the first trial is compared, and nothing else: of very many epochs only some
    have intermediate values.
    """
    found = [*_of_curves(stored, now), *_of_values(stored, now)]
    found.sort(key=lambda one: one.step or 0)  # stable: the logs keep their order
    if stored.value is not None and not _equal(stored.value, now.value):
        found.append(Difference(metric, None, stored.value, now.value))
    for name, value in stored.measured.items():
        if name in _VARYING or _equal(value, now.measured.get(name)):
            continue
        found.append(Difference(name, None, value, now.measured.get(name)))
    return tuple(found)


def _of_curves(stored: Measured, now: Measured) -> Iterator[Difference]:
    if not stored.curves:  # a trial of an early version has none
        return
    for name in dict.fromkeys((*stored.curves, *now.curves)):
        one = [float(value) for value in stored.curves.get(name, ())]
        other = [float(value) for value in now.curves.get(name, ())]
        for i in range(max(len(one), len(other))):
            before = one[i] if i < len(one) else None
            after = other[i] if i < len(other) else None
            if not _equal(before, after):
                yield Difference(name, i + 1, before, after)


def _of_values(stored: Measured, now: Measured) -> Iterator[Difference]:
    for step, value in sorted(stored.values.items()):
        after = now.values.get(step)
        if not _equal(value, after):
            yield Difference("intermediate value", step, value, after)


def _equal(one: float | None, other: float | None) -> bool:
    if one is None or other is None:
        return one is other
    return one == other or (math.isnan(one) and math.isnan(other))


def _steps(measured: Measured) -> int:
    lengths = [len(values) for values in measured.curves.values()]
    return max(lengths, default=max(measured.values, default=0))


def _ended(measured: Measured, step_word: str) -> str:
    words = {"complete": "complete", "pruned": "pruned", "fail": "failed"}[measured.state]
    if measured.epoch is not None:
        words += f", best {'epoch' if step_word == 'fold' else step_word} {measured.epoch}"
    return words + (f": {measured.reason}" if measured.reason else "")


def _digits(value: float | None) -> str:
    """Returns all digits of a number: nine of those that float32 holds."""
    if value is None:
        return "none"
    with np.errstate(over="ignore"):
        is_single = float(np.float32(value)) == value
    return f"{value:.9g}" if is_single else repr(value)


def _json(value: float | None) -> float | str | None:
    return value if value is None or math.isfinite(value) else str(value)
