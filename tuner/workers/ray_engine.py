"""Workers that Ray places on a cluster.

Ray starts, places and restarts runs with one worker each (``tuner run --workers 1``), nothing
else: what they do, and all that crosses machines, goes through the SQL database.
"""

from __future__ import annotations

import logging
import os
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import optuna

from tuner.errors import RequestError, TunerError, WorkerError
from tuner.spec import StudySpec
from tuner.storage.database import Database
from tuner.storage.retrying import OUTAGE_SECONDS, RetryPolicy
from tuner.storage.url import absolute, parse_url
from tuner.studies import lifecycle, queue
from tuner.workers.ending import Ending
from tuner.workers.engines import begin, run_here
from tuner.workers.interrupts import interrupts
from tuner.workers.messages import Job
from tuner.workers.observer import Observer
from tuner.workers.stored_events import StoredEvents

_POLL_SECONDS = 0.5
_STOP_SECONDS = 60.0


class RayEngine:
    """Runs a study with workers that Ray places; one whose node is lost is started elsewhere."""

    def __init__(self, address: str | None, gpus_per_worker: float) -> None:
        """Prepares; nothing is started yet.

        Args:
            address: Of a Ray cluster; one is started on this machine if None.
            gpus_per_worker: Share of a GPU that each worker needs.
        """
        self._address = address
        self._gpus = gpus_per_worker
        self._n_signals = 0

    def __call__(self, job: Job, database: Database, n_workers: int, observer: Observer) -> Ending:
        """See :data:`tuner.workers.engines.Engine`."""
        url = self._shared(database.url)
        budget = job.spec.budget
        deadline = time.monotonic() + budget.timeout if budget.timeout else float("inf")
        # The time is limited here, for all workers together.
        untimed = budget.model_copy(update={"timeout": None})
        spec = job.spec.model_copy(update={"budget": untimed})
        try:
            # Ray sets handlers of its own when it starts; ours come after them.
            with _ray(self._address, observer) as ray, interrupts(self._on_signal):
                database.retry.over = lambda: self._n_signals > 0
                self._note_missing_room(ray, n_workers, observer)
                study = lifecycle.store(database, job.study_name, job.spec, job.warm_start)
                begin(study, job, database, n_workers, observer)
                worker = ray.remote(num_cpus=1, num_gpus=self._gpus, max_retries=-1)(_work)
                remote_job = replace(job, spec=spec, url=url, n_beside=1)
                tasks = [worker.remote(remote_job, spec.to_dict()) for _ in range(n_workers)]
                try:
                    return self._watch(ray, tasks, study, database, observer, deadline)
                finally:
                    self._end(ray, tasks)
        finally:
            observer.close()

    def _on_signal(self, _number: signal.Signals) -> None:
        self._n_signals += 1

    def _note_missing_room(self, ray: Any, n_workers: int, observer: Observer) -> None:
        """Notes that workers have to wait: a cluster may grow, so it is no error."""
        there = ray.cluster_resources()
        room = int(there.get("CPU", 0))
        needs = "a core"
        if self._gpus:
            gpus = int(there.get("GPU", 0))
            room = min(
                room, int(gpus // self._gpus if self._gpus > 1 else gpus * (1 // self._gpus))
            )
            needs += f" and {self._gpus:g} of a GPU"
        if room < n_workers:
            observer.note(
                f"the cluster has room for {room} of {n_workers} workers, each needs {needs}; "
                "the others wait until it has more"
            )

    def _end(self, ray: Any, tasks: list[Any]) -> None:
        """Ends the workers, whose trials go back to the queue; at once after a second signal."""
        n_signals, until = self._n_signals, time.monotonic() + _STOP_SECONDS
        for task in tasks:
            ray.cancel(task)  # as Ctrl-C there
        while tasks and self._n_signals in (0, n_signals) and time.monotonic() < until:
            _, tasks = ray.wait(tasks, num_returns=len(tasks), timeout=_POLL_SECONDS)

    def _shared(self, url: str) -> str:
        """Returns the URL as workers open it, wherever they are started."""
        if self._address is not None and parse_url(url).get_backend_name() == "sqlite":
            raise RequestError(
                f"storage {url} is a file of this machine, which the workers of a cluster cannot "
                "open; name a server with --storage postgresql+psycopg://USER:PASSWORD@HOST/DATABASE"
            )
        return absolute(url)

    def _watch(
        self,
        ray: Any,
        tasks: list[Any],
        study: optuna.Study,
        database: Database,
        observer: Observer,
        deadline: float,
    ) -> Ending:
        events, pending = StoredEvents(study, observer), tasks
        while True:
            ended, pending = ray.wait(pending, num_returns=len(pending), timeout=_POLL_SECONDS)
            events.report()
            for task in ended:
                _raise_error_of(ray, task)
            if self._n_signals:
                return "interrupted"
            if time.monotonic() > deadline:
                return "timeout"
            database.require_same_file()
            status = queue.status_of(study, database)
            if status in ("paused", "stopped"):
                return status
            if not pending:
                return "done"


def _work(job: Job, table: dict[str, Any]) -> None:
    """What Ray runs: a run with one worker, until the study has all its trials.

    The study comes from the person who started the run, not out of the database: so code that it
    names may be run.

    Args:
        job: What to work on.
        table: Its study as a file's table; paths in it are seen from the folder of the study
            file, or from the working folder if this machine has no such folder.
    """
    base = job.spec.base
    spec = StudySpec.from_dict(table, base if os.access(base, os.X_OK) else Path.cwd())
    database = Database(job.url, retry=RetryPolicy(OUTAGE_SECONDS))
    try:
        run_here(replace(job, spec=spec), database, 1, Observer())
    finally:
        database.close()


@contextmanager
def _ray(address: str | None, observer: Observer) -> Iterator[Any]:
    try:
        import ray
    except ImportError:
        raise RequestError(
            "--engine ray needs Ray; install it with: pip install 'tuner[ray]'"
        ) from None
    observer.note("starting workers with Ray; that takes some seconds")
    try:
        # Of its own accord Ray would join a cluster that another user has started here.
        where = address or "local"
        ray.init(address=where, log_to_driver=False, logging_level=logging.ERROR)
    except (ConnectionError, ValueError, RuntimeError) as error:
        said = " ".join(str(error).split())
        if address is None:
            raise WorkerError(f"Ray cannot be started: {said}") from None
        raise RequestError(f"--address {address}: no Ray cluster answers there: {said}") from None
    try:
        yield ray
    finally:
        ray.shutdown()


def _raise_error_of(ray: Any, task: Any) -> None:
    try:
        ray.get(task)
    except ray.exceptions.RayTaskError as error:
        if isinstance(error.cause, TunerError):
            raise error.cause from None
        raise WorkerError(f"a worker failed: {error.cause!r}") from error
    except ray.exceptions.RayError as error:
        raise WorkerError(f"Ray cannot run a worker: {error}") from error
