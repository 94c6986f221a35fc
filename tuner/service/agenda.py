"""What a worker finds to do: the open studies, and which of them has the most right to it."""

from __future__ import annotations

import shlex
import time
from collections.abc import Callable, Iterable, Sequence

from tuner.errors import RequestError, SpecError, StudyError, UnknownNameError
from tuner.storage.database import Database, RunningTrial
from tuner.studies import queue, recovery
from tuner.studies.foreign import foreign_trials, how_to_end
from tuner.studies.queue import Demand, Queued

_REFRESH_SECONDS = 1.0
_RECOVER_SECONDS = 15.0
_LONG_AGO = -1e9


class Agenda:
    """The studies that are submitted, read now and then.

    Attributes:
        open: Those whose trials may begin, by name.
    """

    def __init__(
        self,
        database: Database,
        studies: Sequence[str],
        checkpoints: str,
        note: Callable[[str], None],
    ) -> None:
        """Begins with nothing read.

        Args:
            database: The open storage.
            studies: Those that count; all if empty.
            checkpoints: Where trials keep theirs, see :mod:`tuner.storage.artifacts`.
            note: Shows a line about what concerns no trial.
        """
        self._database = database
        self._studies = studies
        self._checkpoints = checkpoints
        self._note = note
        self.open: dict[str, Queued] = {}
        self._closed: dict[str, Queued] = {}
        self._refreshed_at = self._recovered_at = _LONG_AGO
        self._served_at: dict[str, float] = {}
        self._aside_until: dict[str, float] = {}
        self._absent: set[str] = set()
        self._skipped: dict[str, str] = {}
        self._foreign: dict[str, list[RunningTrial]] = {}

    def refresh(self) -> None:
        """Reads the queue, if it was last read a second ago; requeues trials of dead workers."""
        now = time.monotonic()
        if now - self._refreshed_at < _REFRESH_SECONDS:
            return
        self._refreshed_at = now
        found: dict[str, Queued] = {}
        for name, value, counts in self._database.studies_with(queue.KEY):
            try:
                found[name] = Queued(queue.entry_of({queue.KEY: value}, name), counts)
            except SpecError as error:
                self._skip(name, error)
        asked = {n: one for n, one in found.items() if not self._studies or n in self._studies}
        self.open = {n: one for n, one in asked.items() if one.entry.status == "open"}
        self._closed = {n: one for n, one in asked.items() if one.entry.status != "open"}
        if now - self._recovered_at > _RECOVER_SECONDS:
            self._recovered_at = now
            self._foreign = {}
            # Of a study that was paused while its worker died, too: nobody else looks at it.
            for name, one in found.items():
                if one.running:
                    self._recover(name)

    def note_absent(self) -> None:
        """Notes, once, each study that was asked for and is not open."""
        absent = {name for name in self._studies if name not in self.open}
        for name in sorted(absent - self._absent):
            self._note(self._why_absent(name))
        self._absent = absent

    def require_present(self) -> None:
        """Makes sure that each study that was asked for is open, or has all its trials.

        Raises:
            RequestError: One of them cannot be waited for.
        """
        for name in self._studies:
            closed = self._closed.get(name, Queued())
            is_done = closed.entry.n_trials is not None and closed.is_done
            if name not in self.open and not is_done:
                raise RequestError(self._why_absent(name))

    def is_done(self) -> bool:
        """Returns whether no study that counts is open and lacks trials."""
        return all(one.is_done for one in self.open.values())

    def require_reachable(self) -> None:
        """Makes sure that some open study can still get the trials that it lacks.

        Raises:
            StudyError: Each of them waits for trials that another program holds.
        """
        held_up = self._held_up()
        n_lacking = sum(not one.is_done for one in self.open.values())
        if held_up and len(held_up) == n_lacking:
            raise StudyError("; ".join(held_up))

    def why_idle(self) -> str:
        """Returns why :meth:`choose` finds nothing for a worker that runs nothing, in one line."""
        if self.is_done():
            return "no study is waiting for workers"
        if held_up := self._held_up():
            return "; ".join(held_up)
        return "other workers run what is submitted, or it cannot be run here"

    def choose(self, here: Iterable[tuple[str, bool]], now_at: str | None = None) -> str | None:
        """Returns the study that a slot turns to, see :func:`tuner.studies.queue.choose`.

        Args:
            here: The study of every busy slot of this worker, and whether its trial runs yet.
            now_at: The study of the slot that may turn to another one; None if it is empty.
        """
        now, busy, demands = time.monotonic(), list(here), []
        for name, one in self.open.items():
            if now < self._aside_until.get(name, now) or one.is_done:
                continue
            running = one.running
            running += sum(study == name and not runs for study, runs in busy)
            running -= name == now_at
            is_served = any(study == name for study, _ in busy)
            served_at = now if is_served else self._served_at.get(name, _LONG_AGO)
            demands.append(Demand(name, one.entry, one.finished, running, served_at))
        return queue.choose(demands)

    def mark_left(self, name: str) -> None:
        """Notes that a slot has left a study, whose trials have changed."""
        self._served_at[name] = time.monotonic()
        self._refreshed_at = _LONG_AGO

    def set_aside(self, name: str, seconds: float) -> None:
        """Leaves a study to other workers for a while."""
        self._aside_until[name] = time.monotonic() + seconds

    def _skip(self, name: str, error: SpecError) -> None:
        """Leaves out a study with a damaged attribute, and notes that once; the others are run."""
        if self._skipped.get(name) != str(error):
            self._skipped[name] = str(error)
            self._note(f"{name} is skipped: {error}")

    def _is_held_up(self, name: str) -> bool:
        """Returns whether trials of other programs take all that the study could begin."""
        one = self.open[name]
        if one.is_done:
            return False
        room = (one.entry.n_trials or 0) - one.finished - one.running
        if one.entry.workers is not None:
            room = min(room, one.entry.workers - one.running)
        return room <= 0 < one.running == len(self._foreign.get(name, ()))

    def _held_up(self) -> list[str]:
        return [
            how_to_end(self._database, self._database.study(name), self._foreign[name])
            for name in sorted(self.open)
            if self._is_held_up(name)
        ]

    def _why_absent(self, name: str) -> str:
        if name in self._skipped and name not in self._closed:
            return self._skipped[name]
        entry = self._closed.get(name, Queued()).entry
        if entry.status in ("paused", "stopped"):
            reason = f" ({entry.reason})" if entry.reason else ""
            return f"{name} is {entry.status}{reason}; go on with: tuner resume {shlex.quote(name)}"
        try:
            self._database.study(name)
        except UnknownNameError as error:
            return str(error)
        return f"{name} is not submitted; submit it with: tuner submit {shlex.quote(name)}"

    def _recover(self, name: str) -> None:
        """Requeues the trials of a study whose processes are gone."""
        try:
            study = self._database.study(name)
            self._foreign[name] = foreign_trials(self._database, study)
            returned = recovery.return_abandoned(
                self._database, study, recovery.GONE, checkpoints=self._checkpoints
            )
        except UnknownNameError:
            return  # it has been deleted meanwhile
        except SpecError as error:
            self._skip(name, error)
            return
        for trial in returned:
            became = f"failed: {trial.failed}" if trial.failed else "goes back to the queue"
            self._note(f"{name}: trial {trial.number} {became}; {recovery.GONE}")
