"""What a worker finds to do: the open studies, and which of them has the most right to it."""

from __future__ import annotations

import shlex
import time
from collections.abc import Callable, Iterable, Sequence

from optuna.trial import TrialState

from tuner.errors import RequestError, SpecError, StudyError, UnknownNameError
from tuner.storage.database import Database, RunningTrial
from tuner.studies import queue, recovery
from tuner.studies.foreign import end_them, foreign_trials
from tuner.studies.queue import FINISHED, Demand, Place

_LOOK_SECONDS = 1.0
_CLEAN_SECONDS = 15.0
_LONG_AGO = -1e9


class Agenda:
    """The studies that are up for work, read now and then.

    Attributes:
        open: Their places and their trials by state, by name.
    """

    def __init__(
        self,
        database: Database,
        studies: Sequence[str],
        checkpoints: str,
        tell: Callable[[str], None],
    ) -> None:
        """Begins with nothing read.

        Args:
            database: The open storage.
            studies: Those that count; all if empty.
            checkpoints: Where trials keep theirs, see :mod:`tuner.storage.artifacts`.
            tell: Shows a line about what concerns no trial.
        """
        self._database = database
        self._studies = studies
        self._checkpoints = checkpoints
        self._tell = tell
        self.open: dict[str, tuple[Place, dict[TrialState, int]]] = {}
        self._closed: dict[str, tuple[Place, dict[TrialState, int]]] = {}
        self._looked_at = self._cleaned_at = _LONG_AGO
        self._served: dict[str, float] = {}
        self._aside: dict[str, float] = {}
        self._missed: set[str] = set()
        self._skipped: dict[str, str] = {}
        self._foreign: dict[str, list[RunningTrial]] = {}

    def look(self) -> None:
        """Reads what is open, if that is a second old; puts back what dead workers left behind."""
        now = time.monotonic()
        if now - self._looked_at < _LOOK_SECONDS:
            return
        self._looked_at = now
        found: dict[str, tuple[Place, dict[TrialState, int]]] = {}
        for name, value, counts in self._database.studies_with(queue.KEY):
            try:
                found[name] = queue.place_of({queue.KEY: value}, name), counts
            except SpecError as error:
                self._skip(name, error)
        asked = {n: one for n, one in found.items() if not self._studies or n in self._studies}
        self.open = {n: one for n, one in asked.items() if one[0].standing == "open"}
        self._closed = {n: one for n, one in asked.items() if one[0].standing != "open"}
        if now - self._cleaned_at > _CLEAN_SECONDS:
            self._cleaned_at = now
            self._foreign = {}
            # Of a study that was paused while its worker died, too: nobody else looks at it.
            for name, (_, counts) in found.items():
                if counts[TrialState.RUNNING]:
                    self._clean(name)

    def mention_absent(self) -> None:
        """Shows, once, each study that was asked for and is not up for work."""
        absent = {name for name in self._studies if name not in self.open}
        for name in sorted(absent - self._missed):
            self._tell(self._why_absent(name))
        self._missed = absent

    def require_present(self) -> None:
        """Makes sure that each study that was asked for is open, or has all its trials.

        Raises:
            RequestError: One of them cannot be waited for.
        """
        for name in self._studies:
            place, counts = self._closed.get(name, (Place(), {}))
            is_done = place.n_trials is not None and place.is_done(counts)
            if name not in self.open and not is_done:
                raise RequestError(self._why_absent(name))

    def is_done(self) -> bool:
        """Whether no study that counts is open and lacks trials."""
        return all(place.is_done(counts) for place, counts in self.open.values())

    def require_reachable(self) -> None:
        """Makes sure that some open study can still get the trials that it lacks.

        Raises:
            StudyError: Each of them waits for trials that another program holds.
        """
        held_up = self._held_up()
        n_lacking = sum(not place.is_done(counts) for place, counts in self.open.values())
        if held_up and len(held_up) == n_lacking:
            raise StudyError("; ".join(held_up))

    def nothing_to_do(self) -> str:
        """Why :meth:`choose` finds nothing for a worker that runs nothing, in one line."""
        if self.is_done():
            return "no study is up for work"
        if held_up := self._held_up():
            return "; ".join(held_up)
        return "other workers have what is up for work, or it cannot be run here"

    def choose(self, here: Iterable[tuple[str, bool]], now_at: str | None = None) -> str | None:
        """The study that a free slot turns to, see :func:`tuner.studies.queue.choose`.

        Args:
            here: The study of every busy slot of this worker, and whether its trial runs yet.
            now_at: The study of the slot that may turn to another one; None if it is empty.
        """
        now, busy, demands = time.monotonic(), list(here), []
        for name, (place, counts) in self.open.items():
            if now < self._aside.get(name, now) or place.is_done(counts):
                continue
            running = counts[TrialState.RUNNING]
            running += sum(study == name and not runs for study, runs in busy)
            running -= name == now_at
            at_it = any(study == name for study, _ in busy)
            served = now if at_it else self._served.get(name, _LONG_AGO)
            demands.append(Demand(name, place, _finished(counts), running, served))
        return queue.choose(demands)

    def left(self, name: str) -> None:
        """Notes that a slot has left a study, whose trials have changed."""
        self._served[name] = time.monotonic()
        self._looked_at = _LONG_AGO

    def set_aside(self, name: str, seconds: float) -> None:
        """Leaves a study to other workers for a while."""
        self._aside[name] = time.monotonic() + seconds

    def _skip(self, name: str, error: SpecError) -> None:
        """Leaves out a study with a damaged attribute, and shows that once; the others are run."""
        if self._skipped.get(name) != str(error):
            self._skipped[name] = str(error)
            self._tell(f"{name} is skipped: {error}")

    def _is_held_up(self, name: str) -> bool:
        """Whether trials of other programs take all that the study could begin."""
        place, counts = self.open[name]
        if place.is_done(counts):
            return False
        running = counts[TrialState.RUNNING]
        room = (place.n_trials or 0) - _finished(counts) - running
        if place.workers is not None:
            room = min(room, place.workers - running)
        return room <= 0 < running == len(self._foreign.get(name, ()))

    def _held_up(self) -> list[str]:
        return [
            end_them(self._database, self._database.study(name), self._foreign[name])
            for name in sorted(self.open)
            if self._is_held_up(name)
        ]

    def _why_absent(self, name: str) -> str:
        if name in self._skipped and name not in self._closed:
            return self._skipped[name]
        place, _ = self._closed.get(name, (Place(), {}))
        if place.standing in ("paused", "stopped"):
            reason = f" ({place.reason})" if place.reason else ""
            return (
                f"{name} is {place.standing}{reason}; go on with: tuner resume {shlex.quote(name)}"
            )
        try:
            self._database.study(name)
        except UnknownNameError as error:
            return str(error)
        return f"{name} is not up for work; put it up with: tuner submit {shlex.quote(name)}"

    def _clean(self, name: str) -> None:
        cause = "its process is gone"
        try:
            study = self._database.study(name)
            self._foreign[name] = foreign_trials(self._database, study)
            returned = recovery.return_abandoned(
                self._database, study, cause, checkpoints=self._checkpoints
            )
        except UnknownNameError:
            return  # it has been deleted meanwhile
        except SpecError as error:
            self._skip(name, error)
            return
        for trial in returned:
            became = f"failed: {trial.failed}" if trial.failed else "goes back to the queue"
            self._tell(f"{name}: trial {trial.number} {became}; {cause}")


def _finished(counts: dict[TrialState, int]) -> int:
    return sum(counts[state] for state in FINISHED)
