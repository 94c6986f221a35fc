"""What becomes of a study that this worker cannot run, or that has nothing left to try."""

from __future__ import annotations

import os
from collections.abc import Callable

from tuner import search
from tuner.errors import RequestError, StorageError, TunerError
from tuner.service.agenda import Agenda
from tuner.service.offer import Offer
from tuner.spec import StudySpec
from tuner.storage.database import Database
from tuner.storage.error_mapping import storage_errors
from tuner.studies import queue, stopping
from tuner.studies.definition import named_base
from tuner.units import duration

_ASIDE_SECONDS = 300.0
_LAST_TRIALS_SECONDS = 5.0


class Withdrawals:
    """Takes studies off the agenda of one worker: for a while, or off the queue for all."""

    def __init__(
        self, database: Database, agenda: Agenda, offer: Offer, note: Callable[[str], None]
    ) -> None:
        """Prepares.

        Args:
            database: The open storage.
            agenda: Of the worker.
            offer: Of the worker.
            note: Shows a line about what concerns no trial.
        """
        self._database = database
        self._agenda = agenda
        self._offer = offer
        self._note = note

    def check_used_up(self, name: str, stored: StudySpec | None) -> None:
        """Leaves a study with a finite search space alone until there is more to try."""
        study = self._database.find_study(name)  # it may have been deleted
        if study is None or stored is None:
            return
        with storage_errors(self._database.url):
            left = search.left_of(stored, study)
        if left is None or left.may_begin:
            return
        if not left.is_used_up:  # others run the last trials, which may come back to the queue
            self._agenda.set_aside(name, _LAST_TRIALS_SECONDS)
        elif queue.mark_used_up(study, self._database):
            self._note(f"{name} is done: {left.words()}")

    def check_stopped(self, name: str, stored: StudySpec | None, wanted: int) -> None:
        """Marks a study that has stopped by itself as done.

        Args:
            name: The study.
            stored: As it was stored when a slot turned to it.
            wanted: Finished trials wanted in total.
        """
        study = self._database.find_study(name)  # it may have been deleted
        if study is None or stored is None or stored.budget.stop is None:
            return
        found = stopping.has_stopped(study, self._database, stored, wanted)
        if found is not None and queue.mark_stopped(study, self._database):
            self._note(f"{name} is done: {found.words()}")

    def stop(self, name: str, reason: str) -> None:
        """Takes a study that cannot be continued off the queue."""
        try:
            queue.stop(self._database.study(name), self._database, reason)
        except StorageError:
            raise
        except RequestError as error:  # the study was deleted or damaged
            self._agenda.set_aside(name, _ASIDE_SECONDS)
            self._note(f"{name} cannot be stopped: {error}")

    def set_aside(self, name: str, error: TunerError) -> None:
        """Leaves a study that cannot be run here to other workers for a while.

        Raises:
            TunerError: ``error`` with the study's name, if the worker runs until all is done.
        """
        reason = str(error)
        study = self._database.find_study(name)  # it may have been deleted
        folder = named_base(study) if study else None
        if isinstance(error, RequestError) and folder and not os.access(folder, os.X_OK):
            reason += f"; it was submitted from {folder}, a folder that this machine does not have"
        if self._offer.until_done:
            raise type(error)(f"{name}: {reason}") from error
        self._agenda.set_aside(name, _ASIDE_SECONDS)
        self._note(f"{name} is set aside for {duration(_ASIDE_SECONDS)}: {reason}")
