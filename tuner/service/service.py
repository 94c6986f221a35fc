"""A worker of the service: slots that turn to one study after another, until a signal ends it.

Each slot runs a study for a slice of time with a supervisor and a process of its own, then looks
again which study has the most right to it. What crosses machines is the database alone.
"""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable
from multiprocessing.connection import wait
from typing import Any

import optuna

from tuner import search
from tuner.errors import (
    DataChangedError,
    DataError,
    RequestError,
    StorageError,
    StudyError,
    TunerError,
    WorkerError,
)
from tuner.service.agenda import Agenda
from tuner.service.offer import Offer, Slot
from tuner.spec import StudySpec
from tuner.storage.database import Database
from tuner.storage.error_mapping import storage_errors
from tuner.studies import lifecycle, queue
from tuner.studies.provenance import accept_data
from tuner.units import duration
from tuner.workers.interrupts import interrupts
from tuner.workers.messages import Job
from tuner.workers.observer import Observer
from tuner.workers.running import begin
from tuner.workers.setbacks import Setbacks
from tuner.workers.supervisor import Ending, Supervisor

SLICE_SECONDS = 60.0
"""How long a slot stays with a study while others want it, too; no trial is cut short for it. So
often it looks, too, whether the study has been stored with other limits."""

_ASIDE_SECONDS = 300.0
_LAST_ONES_SECONDS = 5.0
_TICK_SECONDS = 0.2


class Service:
    """One worker with its slots."""

    def __init__(
        self,
        database: Database,
        offer: Offer,
        observe: Callable[[str, StudySpec], Observer],
        tell: Callable[[str], None],
    ) -> None:
        """Prepares; nothing is started yet.

        Args:
            database: The open storage.
            offer: What this worker takes on.
            observe: Called with the name and the spec of a study that a slot turns to.
            tell: Shows a line about what concerns no trial.
        """
        self._database = database
        self._offer = offer
        self._observe = observe
        self._tell = tell
        self._agenda = Agenda(database, offer.studies, offer.checkpoints, tell)
        self._slots = [Slot() for _ in range(offer.slots)]
        self._setbacks: dict[str, Setbacks] = {}
        self._signals: list[signal.Signals] = []
        self._draining = self._idle = False
        self._deadline = float("inf")

    def run(self) -> Ending:
        """Works until a signal: ``interrupted`` by Ctrl-C, ``stopped`` by SIGTERM or SIGHUP.

        Raises:
            TunerError: The database stays away, or no process can be started; with ``until_done``
                also if a study cannot go on, or one that was named is not up for work.
        """
        with interrupts(self._heard):
            self._database.retry.over = self._is_over
            if self._offer.until_done:
                self._agenda.look()
                self._agenda.require_present()
            try:
                while not (ending := self._step()):
                    self._wait()
                return ending
            finally:
                for slot in self._slots:
                    self._leave(slot)

    def _heard(self, number: signal.Signals) -> None:
        if not self._signals:
            self._deadline = time.monotonic() + self._offer.grace
        self._signals.append(number)

    def _is_over(self) -> bool:
        return len(self._signals) > 1 or time.monotonic() > self._deadline

    def _busy(self) -> list[Supervisor]:
        return [slot.supervisor for slot in self._slots if slot.supervisor]

    def _step(self) -> Ending | None:
        if self._signals:
            if not self._busy() or self._is_over():
                return "interrupted" if self._signals[0] is signal.SIGINT else "stopped"
            self._drain()
        self._agenda.look()
        if not self._offer.until_done:
            self._agenda.mention_absent()
        elif not self._busy() and self._agenda.is_done():
            self._agenda.require_present()  # one may have been paused meanwhile
            if not self._agenda.open:
                self._tell("no study is up for work")
            return "done"
        if self._offer.until_done and not self._busy():
            self._agenda.require_reachable()
        was_busy = bool(self._busy())
        for slot in self._slots:
            if slot.supervisor:
                self._go_on(slot, slot.supervisor)
            elif not self._signals and (name := self._choose()):
                self._turn_to(slot, name)
        if not was_busy and not self._signals:  # all slots have just looked for something
            self._mention_idle(not self._busy() and not self._choose())
        return None

    def _mention_idle(self, idle: bool) -> None:
        """Tells, once each time, that there is nothing to do."""
        if idle and not self._idle:
            self._tell(f"{self._agenda.nothing_to_do()}; waiting")
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
            self._tell(
                f"stopping: what runs has {duration(self._offer.grace)} to finish, then it goes "
                "back to the queue; after a second signal at once"
            )
        for supervisor in self._busy():
            supervisor.drain()

    def _choose(self, slot: Slot | None = None) -> str | None:
        here = [
            (one.study, one.supervisor.pool.n_running > 0) for one in self._slots if one.supervisor
        ]
        return self._agenda.choose(here, slot.study if slot else None)

    def _turn_to(self, slot: Slot, name: str) -> None:
        place, _ = self._agenda.open[name]
        try:
            study = self._database.study(name)
            stored = lifecycle.stored_spec(self._database, study)
            self._offer.access.check_code(stored.own_code)
            if not isinstance(stored.dataset, str):  # before a process loads TensorFlow for it
                self._offer.access.file(stored.dataset.path(stored.base))
            with storage_errors(self._database.url):
                search.check_stored(stored, study)
        except RequestError as error:
            self._set_aside(name, error)
            return
        budget = stored.budget.model_copy(update={"timeout": None})  # that of one `tuner run`
        spec = stored.model_copy(update={"budget": budget})
        n_trials = place.n_trials or 0
        kept = self._offer.checkpoints
        job = Job(
            *(spec, name, self._database.url),
            check=False,
            n_trials=n_trials,
            checkpoints=kept,
            at_once=place.workers,
            access=self._offer.access,
            n_beside=self._offer.slots,
        )
        observer = self._observe(name, spec)

        def prepare(data: dict[str, Any]) -> optuna.Study:
            accept_data(self._database, study, data)
            begin(self._database, study, observer, n_trials, 1, kept)
            return study

        setbacks = self._setbacks.setdefault(name, Setbacks())
        supervisor = Supervisor(
            job, self._database, 1, observer, prepare, setbacks=setbacks, waits=False
        )
        slot.turn_to(supervisor, name, place, stored)
        supervisor.start()

    def _must_turn(self, slot: Slot, supervisor: Supervisor) -> bool:
        """Whether another study has more right to the slot, or its own is to be run otherwise."""
        place, _ = self._agenda.open.get(slot.study, (slot.place, {}))
        if (place.n_trials, place.workers) != (slot.place.n_trials, slot.place.workers):
            return True
        now = time.monotonic()
        # Not before a trial has ended: else data that load slowly would be loaded in vain for ever.
        if not supervisor.n_ended or now - slot.since < SLICE_SECONDS:
            return False
        if self._choose(slot) not in (None, slot.study):
            return True
        if now - slot.looked_at < SLICE_SECONDS:
            return False
        slot.looked_at = now
        study = self._database.study(slot.study)
        return lifecycle.stored_spec(self._database, study) != slot.stored

    def _go_on(self, slot: Slot, supervisor: Supervisor) -> None:
        try:
            if self._must_turn(slot, supervisor):
                supervisor.drain()
            ending = supervisor.step()
        except StorageError:
            raise
        except StudyError as error:
            if self._offer.until_done:
                raise StudyError(f"{slot.study}: {error}") from error
            self._tell(f"{slot.study} is stopped: {error}")
            self._stop(slot.study, str(error))
            self._setbacks.pop(slot.study, None)  # another slot may have had enough of it, too
            ending = "stopped"
        except (RequestError, WorkerError, DataChangedError) as error:
            self._set_aside(slot.study, error)
            ending = "stopped"
            if isinstance(error, DataError | DataChangedError):
                for other in self._slots:  # their data are the study's no more, or soon will be
                    if other.study == slot.study:
                        self._leave(other)
        if ending == "done":
            self._look_what_is_left(slot.study, slot.stored)
        if ending:
            self._leave(slot)

    def _look_what_is_left(self, name: str, stored: StudySpec | None) -> None:
        """Turns to a study with a finite search space again only when there is more to try."""
        study = self._database.find_study(name)  # it may have been deleted
        if study is None or stored is None:
            return
        with storage_errors(self._database.url):
            left = search.left_of(stored, study)
        if left is None or left.may_begin:
            return
        if not left.is_used_up:  # others run the last ones, which may come back to the queue
            self._agenda.set_aside(name, _LAST_ONES_SECONDS)
        elif queue.mark_used_up(study, self._database):
            self._tell(f"{name} is done: {left.words()}")

    def _stop(self, name: str, reason: str) -> None:
        try:
            queue.stop(self._database.study(name), self._database, reason)
        except StorageError:
            raise
        except RequestError as error:  # the study was deleted or damaged
            self._agenda.set_aside(name, _ASIDE_SECONDS)
            self._tell(f"{name} cannot be stopped: {error}")

    def _leave(self, slot: Slot) -> None:
        if slot.supervisor:
            supervisor, slot.supervisor = slot.supervisor, None
            self._agenda.left(slot.study)
            try:
                supervisor.close()
            except StorageError:
                raise
            except RequestError as error:  # what is stored of this study is damaged
                self._tell(f"{slot.study} is left: {error}")

    def _set_aside(self, name: str, error: TunerError) -> None:
        """Leaves a study that cannot be run here to other workers."""
        told = str(error)
        study = self._database.find_study(name)  # it may have been deleted
        folder = lifecycle.named_base(study) if study else None
        if isinstance(error, RequestError) and folder and not os.access(folder, os.X_OK):
            told += f"; it was submitted from {folder}, a folder that this machine does not have"
        if self._offer.until_done:
            raise type(error)(f"{name}: {told}") from error
        self._agenda.set_aside(name, _ASIDE_SECONDS)
        self._tell(f"{name} is set aside for {duration(_ASIDE_SECONDS)}: {told}")
