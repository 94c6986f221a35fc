"""What a submission has changed, in words."""

from __future__ import annotations

from dataclasses import dataclass

from tuner.spec import StudySpec
from tuner.studies.queue import Place
from tuner.units import count
from tuner.wording import one_line


@dataclass(frozen=True)
class Submitted:
    """A study that was put up for work, perhaps once more.

    Attributes:
        name: The study.
        spec: What it was put up with.
        before: Its place in the queue until then.
        place: Its place now.
    """

    name: str
    spec: StudySpec
    before: Place
    place: Place

    def words(self) -> str:
        """Lines for people: ``wine is up for work: 40 trials wanted (was 30), priority 0``."""
        was = self.before.standing
        again = f" again, it was {was}" if was in ("paused", "stopped") else ""
        lines = f"{one_line(self.name)} is up for work{again}: {', '.join(self._wanted())}\n"
        in_file = self.spec.budget.n_trials
        if self.place.n_trials != in_file:
            lines += f"its file wants {in_file}; that is --n-trials {in_file}\n"
        if code := self.spec.own_code:
            lines += f"it runs code of its own, {' and '.join(code)}: workers need --allow-code\n"
        return lines

    def _wanted(self) -> list[str]:
        now = self.place
        before = now if self.before.n_trials is None else self.before
        parts = [f"{count(now.n_trials or 0, 'trial')} wanted{_was(before.n_trials, now.n_trials)}"]
        if now.workers or before.workers:
            most = [place.workers or "any number" for place in (before, now)]
            parts.append(f"{most[1]} at a time{_was(*most)}")
        return [*parts, f"priority {now.priority}{_was(before.priority, now.priority)}"]


def _was(before: object, now: object) -> str:
    return "" if now == before else f" (was {before})"
