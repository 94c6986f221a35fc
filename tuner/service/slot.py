"""A slot of a worker: runs the trials of one study at a time, with a process of its own."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import optuna

from tuner import search
from tuner.service.offer import Offer
from tuner.spec import StudySpec
from tuner.storage.attributes import QueueEntry
from tuner.storage.database import Database
from tuner.storage.error_mapping import storage_errors
from tuner.studies.definition import stored_spec
from tuner.studies.provenance import accept_data
from tuner.workers.engines import begin
from tuner.workers.messages import Job
from tuner.workers.observer import Observer
from tuner.workers.setbacks import Setbacks
from tuner.workers.supervisor import Supervisor

ObserveStudy = Callable[[str, StudySpec], Observer]
"""Called with name and spec of a study that a slot turns to; returns the observer of its trials."""


class Slot:
    """A slot, empty without a supervisor.

    Attributes:
        supervisor: Of the study that it runs.
        study: Its name.
        entry: Its entry in the queue when the slot turned to it.
        stored: The study as it was stored then.
        since: When the slot turned to it, in seconds of :func:`time.monotonic`.
    """

    def __init__(self, database: Database, offer: Offer) -> None:
        """Prepares an empty slot.

        Args:
            database: The open storage.
            offer: Of the worker.
        """
        self._database = database
        self._offer = offer
        self._compared_at = 0.0
        self.supervisor: Supervisor | None = None
        self.study = ""
        self.entry = QueueEntry()
        self.stored: StudySpec | None = None
        self.since = 0.0

    def start(
        self, name: str, entry: QueueEntry, observe: ObserveStudy, setbacks: Setbacks
    ) -> None:
        """Turns to a study and starts a process for it.

        Args:
            name: The study.
            entry: Its entry in the queue.
            observe: See :data:`ObserveStudy`.
            setbacks: What has gone wrong with it here before, to be counted on.

        Raises:
            RequestError: The study cannot be run here.
            WorkerError: No process can be started.
        """
        study = self._database.study(name)
        stored = self._read(study)
        budget = stored.budget.model_copy(update={"timeout": None})  # that of one `tuner run`
        spec = stored.model_copy(update={"budget": budget})
        job = Job(
            *(spec, name, self._database.url),
            n_trials=entry.n_trials or 0,
            checkpoints=self._offer.checkpoints,
            at_once=entry.workers,
            access=self._offer.access,
            n_beside=self._offer.slots,
        )
        observer = observe(name, spec)

        def prepare(data: dict[str, Any]) -> optuna.Study:
            accept_data(self._database, study, data)
            begin(study, job, self._database, 1, observer)
            return study

        self.supervisor = Supervisor(
            job, self._database, 1, observer, prepare, setbacks=setbacks, waits=False
        )
        self.study, self.entry, self.stored = name, entry, stored
        self.since = self._compared_at = time.monotonic()
        self.supervisor.start()

    def is_changed(self, interval: float) -> bool:
        """Returns whether the study is stored with other settings since the slot turned to it.

        Args:
            interval: Seconds between two looks; False is returned in between.
        """
        now = time.monotonic()
        if now - self._compared_at < interval:
            return False
        self._compared_at = now
        study = self._database.study(self.study)
        return stored_spec(self._database, study) != self.stored

    def _read(self, study: optuna.Study) -> StudySpec:
        """Reads the stored study and checks what can be checked before its data are loaded."""
        stored = stored_spec(self._database, study)
        self._offer.access.check_code(stored.own_code)
        if not isinstance(stored.dataset, str):
            self._offer.access.file(stored.dataset.path(stored.base))
        with storage_errors(self._database.url):
            search.check_stored(stored, study)
        return stored
