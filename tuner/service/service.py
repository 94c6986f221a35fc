"""A worker of the service: slots that turn to one study after another, until a signal ends it.

Each slot runs a study for a slice of time, then looks again which study has the most right to it.
What crosses machines is the database alone.
"""

from __future__ import annotations

import signal
import time
from collections.abc import Callable
from multiprocessing.connection import wait

from tuner.errors import (
    DataChangedError,
    DataError,
    RequestError,
    StorageError,
    StudyError,
    WorkerError,
)
from tuner.service.agenda import Agenda
from tuner.service.offer import Offer
from tuner.service.slot import ObserveStudy, Slot
from tuner.service.withdrawals import Withdrawals
from tuner.storage.database import Database
from tuner.units import duration
from tuner.workers.ending import Ending
from tuner.workers.interrupts import interrupts
from tuner.workers.setbacks import Setbacks
from tuner.workers.supervisor import Supervisor

SLICE_SECONDS = 60.0
"""How long a slot stays with a study while others want it, too; no trial is cut short for it. It
is also how often a slot looks whether the study has been stored with other limits."""

_TICK_SECONDS = 0.2


class Service:
    """One worker with its slots."""

    def __init__(
        self,
        database: Database,
        offer: Offer,
        observe: ObserveStudy,
        note: Callable[[str], None],
    ) -> None:
        """Prepares; nothing is started yet.

        Args:
            database: The open storage.
            offer: What this worker takes on.
            observe: See :data:`tuner.service.slot.ObserveStudy`.
            note: Shows a line about what concerns no trial.
        """
        self._database = database
        self._offer = offer
        self._observe = observe
        self._note = note
        self._agenda = Agenda(database, offer.studies, offer.checkpoints, note)
        self._withdrawals = Withdrawals(database, self._agenda, offer, note)
        self._slots = [Slot(database, offer) for _ in range(offer.slots)]
        self._setbacks: dict[str, Setbacks] = {}
        self._signals: list[signal.Signals] = []
        self._draining = self._idle = False
        self._deadline = float("inf")

    def run(self) -> Ending:
        """Works until a signal: ``interrupted`` by Ctrl-C, ``stopped`` by SIGTERM or SIGHUP.

        Raises:
            TunerError: The database stays away, or no process can be started; with ``until_done``
                also if a study cannot be continued, or one that was named is not submitted.
        """
        with interrupts(self._on_signal):
            self._database.retry.over = self._is_over
            if self._offer.until_done:
                self._agenda.refresh()
                self._agenda.require_present()
            try:
                while not (ending := self._step()):
                    self._wait()
                return ending
            finally:
                for slot in self._slots:
                    self._leave(slot)

    def _on_signal(self, number: signal.Signals) -> None:
        if not self._signals:
            self._deadline = time.monotonic() + self._offer.grace
        self._signals.append(number)

    def _is_over(self) -> bool:
        """Whether running trials may not finish any more."""
        return len(self._signals) > 1 or time.monotonic() > self._deadline

    def _busy(self) -> list[Supervisor]:
        return [slot.supervisor for slot in self._slots if slot.supervisor]

    def _step(self) -> Ending | None:
        if self._signals:
            if not self._busy() or self._is_over():
                return "interrupted" if self._signals[0] is signal.SIGINT else "stopped"
            self._drain()
        self._agenda.refresh()
        if not self._offer.until_done:
            self._agenda.note_absent()
        elif not self._busy() and self._agenda.is_done():
            self._agenda.require_present()  # one may have been paused meanwhile
            if not self._agenda.open:
                self._note("no study is waiting for workers")
            return "done"
        if self._offer.until_done and not self._busy():
            self._agenda.require_reachable()
        was_busy = bool(self._busy())
        for slot in self._slots:
            if slot.supervisor:
                self._advance(slot, slot.supervisor)
            elif not self._signals and (name := self._choose()):
                self._start(slot, name)
        if not was_busy and not self._signals:  # all slots have just looked for something
            self._note_idle(not self._busy() and not self._choose())
        return None

    def _note_idle(self, idle: bool) -> None:
        """Notes, once each time, that there is nothing to do."""
        if idle and not self._idle:
            self._note(f"{self._agenda.why_idle()}; waiting")
            self._database.begun = True  # a database that is lost from now on is a failure
        self._idle = idle

    def _wait(self) -> None:
        ends = [end for supervisor in self._busy() for end in supervisor.pool.readable]
        if ends:
            wait(ends, _TICK_SECONDS)
        else:
            time.sleep(_TICK_SECONDS)

    def _drain(self) -> None:
        """Lets running trials end, if they do so within the grace period."""
        if self._draining:
            return
        self._draining = True
        if any(supervisor.pool.is_busy for supervisor in self._busy()):
            self._note(
                f"stopping: what runs has {duration(self._offer.grace)} to finish, then it goes "
                "back to the queue; after a second signal at once"
            )
        for supervisor in self._busy():
            supervisor.drain()

    def _choose(self, slot: Slot | None = None) -> str | None:
        """Returns the study that a free slot turns to, or a busy one if it leaves its own."""
        here = [
            (one.study, one.supervisor.pool.n_running > 0) for one in self._slots if one.supervisor
        ]
        return self._agenda.choose(here, slot.study if slot else None)

    def _start(self, slot: Slot, name: str) -> None:
        setbacks = self._setbacks.setdefault(name, Setbacks())
        try:
            slot.start(name, self._agenda.open[name].entry, self._observe, setbacks)
        except RequestError as error:
            self._withdrawals.set_aside(name, error)

    def _must_leave(self, slot: Slot, supervisor: Supervisor) -> bool:
        """Whether another study has more right to the slot, or its own has other settings now."""
        queued = self._agenda.open.get(slot.study)
        entry = queued.entry if queued else slot.entry
        if (entry.n_trials, entry.workers) != (slot.entry.n_trials, slot.entry.workers):
            return True
        # Not before a trial has ended: a study whose data load slowly would never run one.
        if not supervisor.n_ended or time.monotonic() - slot.since < SLICE_SECONDS:
            return False
        return self._choose(slot) not in (None, slot.study) or slot.is_changed(SLICE_SECONDS)

    def _advance(self, slot: Slot, supervisor: Supervisor) -> None:
        """Lets a busy slot do what there is to do now; empties it when its run has ended."""
        try:
            if self._must_leave(slot, supervisor):
                supervisor.drain()
            ending = supervisor.step()
        except StorageError:
            raise
        except StudyError as error:
            if self._offer.until_done:
                raise StudyError(f"{slot.study}: {error}") from error
            self._note(f"{slot.study} is stopped: {error}")
            self._withdrawals.stop(slot.study, str(error))
            self._setbacks.pop(slot.study, None)  # another slot may have removed them
            ending = "stopped"
        except (RequestError, WorkerError, DataChangedError) as error:
            self._withdrawals.set_aside(slot.study, error)
            ending = "stopped"
            if isinstance(error, DataError | DataChangedError):
                for other in self._slots:  # their data are the study's no more, or soon will be
                    if other.study == slot.study:
                        self._leave(other)
        if ending == "done":
            self._withdrawals.check_used_up(slot.study, slot.stored)
            self._withdrawals.check_stopped(slot.study, slot.stored, slot.entry.n_trials or 0)
        if ending:
            self._leave(slot)

    def _leave(self, slot: Slot) -> None:
        """Empties a slot; its running trial goes back to the queue."""
        if slot.supervisor:
            supervisor, slot.supervisor = slot.supervisor, None
            self._agenda.mark_left(slot.study)
            try:
                supervisor.close()
            except StorageError:
                raise
            except RequestError as error:  # what is stored of this study is damaged
                self._note(f"{slot.study} is left: {error}")
