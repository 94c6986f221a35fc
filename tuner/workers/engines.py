"""What places the workers of a run: processes on this machine, or Ray on a cluster.

Ray starts, places and restarts runs with one worker each (``tuner run --workers 1``), nothing
else: what they do, and all that crosses machines, goes through the SQL database as ever.
"""

from __future__ import annotations

import logging
import os
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal

import optuna
from optuna.trial import FrozenTrial, TrialState

from tuner.errors import RequestError, TunerError, WorkerError
from tuner.spec import StudySpec
from tuner.storage.attributes import TrialAttrs, shown_attrs
from tuner.storage.database import Database
from tuner.storage.retrying import OUTAGE_SECONDS, RetryPolicy
from tuner.storage.url import parse_url
from tuner.studies import lifecycle, queue
from tuner.workers.interrupts import interrupts
from tuner.workers.observer import Observer
from tuner.workers.running import Engine, begin, supervise
from tuner.workers.supervisor import Ending

EngineName = Literal["local", "ray"]

_POLL_SECONDS = 0.5
_FAREWELL_SECONDS = 60.0


def chosen_engine(name: EngineName, address: str | None, gpus_per_worker: float) -> Engine:
    """The engine that a run asks for.

    Args:
        name: ``"local"`` or ``"ray"``.
        address: Of a Ray cluster; one is started on this machine if None.
        gpus_per_worker: Share of a GPU that each worker needs.

    Raises:
        RequestError: They do not go together, or Ray is not installed.
    """
    if name == "ray":
        if gpus_per_worker < 0 or (gpus_per_worker > 1 and gpus_per_worker % 1):
            raise RequestError(
                "--gpus-per-worker must be a share of one GPU or a whole number of them, but got "
                f"{gpus_per_worker:g}"
            )
        return RayEngine(address, gpus_per_worker)
    if address is not None or gpus_per_worker:
        raise RequestError("--address and --gpus-per-worker are Ray's; add --engine ray")
    return supervise


class RayEngine:
    """Runs a study with workers that Ray places; one whose node is lost is started elsewhere."""

    def __init__(self, address: str | None, gpus_per_worker: float) -> None:
        self._address = address
        self._gpus = gpus_per_worker
        self._signals = 0

    def __call__(
        self,
        spec: StudySpec,
        name: str,
        database: Database,
        observer: Observer,
        n_workers: int,
        total: int,
        checkpoints: str,
    ) -> Ending:
        url = self._shared(database.url)
        budget = spec.budget
        deadline = time.monotonic() + budget.timeout if budget.timeout else float("inf")
        # The time is ours to watch, for all workers together.
        untimed = spec.model_copy(update={"budget": budget.model_copy(update={"timeout": None})})
        try:
            # Ray sets handlers of its own when it starts; ours come after them.
            with (
                _ray(self._address, observer) as ray,
                interrupts(self._heard),
            ):
                database.retry.over = lambda: self._signals > 0
                self._look_for_room(ray, n_workers, observer)
                study = lifecycle.store(database, name, spec)
                begin(database, study, observer, total, n_workers, checkpoints)
                worker = ray.remote(num_cpus=1, num_gpus=self._gpus, max_retries=-1)(_work)
                tasks = [
                    worker.remote(url, name, untimed.to_dict(), spec.base, total, checkpoints)
                    for _ in range(n_workers)
                ]
                try:
                    return self._watch(ray, tasks, study, database, observer, deadline)
                finally:
                    self._end(ray, tasks)
        finally:
            observer.close()

    def _heard(self, _number: signal.Signals) -> None:
        self._signals += 1

    def _look_for_room(self, ray: Any, n_workers: int, observer: Observer) -> None:
        """Tells if workers have to wait: a cluster may grow, so it is no error."""
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
        told, until = self._signals, time.monotonic() + _FAREWELL_SECONDS
        for task in tasks:
            ray.cancel(task)  # as Ctrl-C there
        while tasks and self._signals in (0, told) and time.monotonic() < until:
            _, tasks = ray.wait(tasks, num_returns=len(tasks), timeout=_POLL_SECONDS)

    def _shared(self, url: str) -> str:
        """The URL as workers open it, wherever they are started."""
        parsed = parse_url(url)
        if parsed.get_backend_name() != "sqlite":
            return url
        if self._address is not None:
            raise RequestError(
                f"storage {url} is a file of this machine, which the workers of a cluster cannot "
                "open; name a server with --storage postgresql+psycopg://USER:PASSWORD@HOST/DATABASE"
            )
        return f"sqlite:///{Path(parsed.database or '').absolute()}"

    def _watch(
        self,
        ray: Any,
        tasks: list[Any],
        study: optuna.Study,
        database: Database,
        observer: Observer,
        deadline: float,
    ) -> Ending:
        news, pending = _News(study, observer), tasks
        while True:
            ended, pending = ray.wait(pending, num_returns=len(pending), timeout=_POLL_SECONDS)
            news.tell()
            for task in ended:
                _raise_its_error(ray, task)
            if self._signals:
                return "interrupted"
            if time.monotonic() > deadline:
                return "timeout"
            database.require_same_file()
            standing = queue.standing_of(study, database)
            if standing in ("paused", "stopped"):
                return standing
            if not pending:
                return "done"


class _News:
    """Tells an observer what the database says of trials that run elsewhere."""

    def __init__(self, study: optuna.Study, observer: Observer) -> None:
        self._study = study
        self._observer = observer
        self._seen = {trial.number: trial.state for trial in self._trials()}

    def tell(self) -> None:
        trials = self._trials()
        finished = sum(trial.state in queue.FINISHED for trial in trials)
        self._observer.counted(finished)
        for trial in trials:
            before = self._seen.get(trial.number)
            if trial.state is before:
                continue
            self._seen[trial.number] = trial.state
            if trial.state is TrialState.RUNNING:
                attrs = self._attrs_of(trial)
                self._observer.trial_started(trial.number, attrs.epochs_wanted or 0)
            elif trial.state is TrialState.WAITING and before is TrialState.RUNNING:
                self._observer.trial_returned(trial.number, "its worker is gone")
            elif trial.state.is_finished():
                reason = self._attrs_of(trial).reason
                value = trial.value
                self._observer.trial_finished(trial.number, trial.state.name.lower(), value, reason)
        self._observer.tick()

    def _attrs_of(self, trial: FrozenTrial) -> TrialAttrs:
        where = f"stored study {self._study.study_name}: trial {trial.number}"
        return shown_attrs(trial.user_attrs, where)

    def _trials(self) -> list[FrozenTrial]:
        return self._study.get_trials(deepcopy=False)


def _work(
    url: str, name: str, study: dict[str, Any], base: Path, total: int, checkpoints: str
) -> None:
    """What Ray runs: a run with one worker, until the study has all its trials.

    The study comes from the person who started the run, not out of the database: so code that it
    names may be run.
    """
    spec = StudySpec.from_dict(study, base if os.access(base, os.X_OK) else Path.cwd())
    database = Database(url, retry=RetryPolicy(OUTAGE_SECONDS))
    try:
        supervise(spec, name, database, Observer(), 1, total, checkpoints)
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


def _raise_its_error(ray: Any, task: Any) -> None:
    try:
        ray.get(task)
    except ray.exceptions.RayTaskError as error:
        if isinstance(error.cause, TunerError):
            raise error.cause from None
        raise WorkerError(f"a worker failed: {error.cause!r}") from error
    except ray.exceptions.RayError as error:
        raise WorkerError(f"Ray cannot run a worker: {error}") from error
