"""One open database: the questions and changes that tuner has beside Optuna's own."""

from __future__ import annotations

import json
import os
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import optuna
import sqlalchemy as sa
from optuna.storages._rdb import models
from optuna.trial import TrialState

from tuner.errors import StorageError, UnknownNameError
from tuner.storage.cached import CachedStorage
from tuner.storage.curves import Curves, Logs, read_curves
from tuner.storage.engine import open_shared
from tuner.storage.errors import storage_errors
from tuner.storage.patience import Patience
from tuner.storage.schema import upgrade
from tuner.storage.taking import Taker
from tuner.storage.url import masked, parse_url
from tuner.storage.writing import Writes
from tuner.wording import hint

# Optuna's own log repeats what tuner says in its own words.
optuna.logging.set_verbosity(optuna.logging.ERROR)


@dataclass(frozen=True)
class RunningTrial:
    """A trial in the state RUNNING.

    Attributes:
        lease: Who runs it, see :mod:`tuner.lease`; None if a stock Optuna script does.
        attempts: How many workers have died while they ran it.
        silent_s: Seconds since its last heartbeat, or since it began if there was none yet.
    """

    trial_id: int
    number: int
    lease: Mapping[str, Any] | None
    attempts: int
    silent_s: float


class Database:
    """One open database.

    Attributes:
        url: The storage URL, with its password.
        storage: What Optuna's functions take as ``storage``.
        patience: How long a server that was there and does not answer is tried again.
    """

    def __init__(
        self,
        url: str,
        *,
        must_exist: bool = False,
        lease: Mapping[str, Any] | None = None,
        wanted: int | None = None,
        at_once: int | None = None,
        patience: Patience | None = None,
    ) -> None:
        """Opens the database and creates Optuna's tables where they are missing.

        Args:
            url: An Optuna storage URL, e.g. ``sqlite:///tuner.db``.
            must_exist: Refuse to create a new SQLite file.
            lease: Stands in every trial that is taken through this object.
            wanted: How many trials of a study may be finished or under way; to take another
                raises :class:`tuner.storage.taking.NoneOpen`.
            at_once: How many trials of a study may be under way; likewise.
            patience: See above; by default a server is not tried again.

        Raises:
            StorageError: The URL is wrong, or what it names cannot be used.
        """
        parsed = parse_url(url)
        if must_exist:
            self._require_file(parsed)
        self.url = url
        self.patience = patience or Patience()
        with storage_errors(url):
            self._backend = open_shared(url)
            self._backend.taker = Taker(lease, wanted, at_once)
            self._backend.patience = self.patience
            self.storage = CachedStorage(self._backend)

    def __str__(self) -> str:
        return masked(self.url)

    def upgrade(self) -> None:
        """Creates the tables of our own or brings them to their newest form, before a study is run.

        Raises:
            StorageError: They are of a newer version of tuner, or cannot be written.
        """
        with storage_errors(self.url):
            upgrade(self._backend.engine, str(self))

    def study(self, name: str) -> optuna.Study:
        """Loads a stored study.

        Raises:
            UnknownNameError: No study of that name is stored.
        """
        with storage_errors(self.url):
            try:
                return optuna.load_study(study_name=name, storage=self.storage)
            except KeyError:
                raise UnknownNameError(self._no_study(name)) from None

    def find_study(self, name: str) -> optuna.Study | None:
        """The stored study of that name, or None."""
        return self.study(name) if name in self.study_names() else None

    def study_names(self) -> list[str]:
        """The names of all stored studies, oldest first."""
        query = sa.select(models.StudyModel.study_name).order_by(models.StudyModel.study_id)
        with storage_errors(self.url):
            return [name for (name,) in self._backend.rows(query)]

    def counts(self, study: optuna.Study) -> dict[TrialState, int]:
        """How many trials of the study are in each state; absent states count 0."""
        trial = models.TrialModel
        query = (
            sa.select(trial.state, sa.func.count(trial.trial_id))
            .where(trial.study_id == study._study_id)
            .group_by(trial.state)
        )
        with storage_errors(self.url):
            found = {state: int(count) for state, count in self._backend.rows(query)}
        return {state: found.get(state, 0) for state in TrialState}

    def studies_with(self, key: str) -> list[tuple[str, Any, dict[TrialState, int]]]:
        """The studies that have a user attribute: name, its value, and trials by state."""
        study, attr, trial = models.StudyModel, models.StudyUserAttributeModel, models.TrialModel
        query = (
            sa.select(study.study_name, attr.value_json, trial.state, sa.func.count(trial.trial_id))
            .join(attr, attr.study_id == study.study_id)
            .outerjoin(trial, trial.study_id == study.study_id)
            .where(attr.key == key)
            .group_by(study.study_id, study.study_name, attr.value_json, trial.state)
            .order_by(study.study_id)
        )
        found: dict[str, tuple[Any, dict[TrialState, int]]] = {}
        with storage_errors(self.url):
            for name, value_json, state, count in self._backend.rows(query):
                counts = dict.fromkeys(TrialState, 0)
                _, counts = found.setdefault(name, (json.loads(value_json), counts))
                if state is not None:  # of a study without trials
                    counts[state] = int(count)
        return [(name, value, counts) for name, (value, counts) in found.items()]

    def running(self, study: optuna.Study) -> list[RunningTrial]:
        """The trials of the study that are in the state RUNNING, whoever runs them."""
        trial, attr = models.TrialModel, models.TrialUserAttributeModel
        beat = models.TrialHeartbeatModel
        query = (
            sa.select(
                *(trial.trial_id, trial.number, attr.key, attr.value_json),
                *(beat.heartbeat, sa.func.current_timestamp(), trial._datetime_start_utc),
            )
            .outerjoin(
                attr,
                (attr.trial_id == trial.trial_id) & attr.key.in_(("worker", "attempts")),
            )
            .outerjoin(beat, beat.trial_id == trial.trial_id)
            .where(trial.study_id == study._study_id, trial.state == TrialState.RUNNING)
            .order_by(trial.trial_id)
        )
        found: dict[int, RunningTrial] = {}
        attrs: dict[int, dict[str, Any]] = {}
        with storage_errors(self.url):
            for trial_id, number, key, value_json, beaten, now, began in self._backend.rows(query):
                attrs.setdefault(trial_id, {})
                if key is not None:
                    attrs[trial_id][key] = json.loads(value_json)
                silent = _seconds(beaten, now) if beaten else _seconds(began, datetime.now(UTC))
                lease, attempts = attrs[trial_id].get("worker"), attrs[trial_id].get("attempts", 0)
                found[trial_id] = RunningTrial(trial_id, number, lease, attempts, silent)
        return list(found.values())

    def beat(self, trial_ids: Collection[int]) -> None:
        """Notes that these trials are being run."""
        if trial_ids:
            with storage_errors(self.url):
                self._backend.beat(trial_ids)

    @contextmanager
    def together(self) -> Iterator[None]:
        """Writes what the block writes to a trial in one transaction; nothing if it raises.

        A trial that is told in the block ends in the same transaction.
        """
        with storage_errors(self.url), self.storage.together():
            yield

    def write_attrs(self, trial_id: int, attrs: Mapping[str, Any]) -> None:
        """Writes several user attributes of a trial in one transaction."""
        with storage_errors(self.url):
            self.storage.write(trial_id, Writes(user_attrs=dict(attrs)))

    def write_values(self, trial_id: int, values: Mapping[int, float]) -> None:
        """Writes intermediate values, step to value, in one transaction."""
        if values:
            with storage_errors(self.url):
                self.storage.write(trial_id, Writes(intermediate_values=dict(values)))

    def write_curves(self, trial_id: int, logged: Sequence[Logs]) -> None:
        """Writes a trial's curves in place of those of an earlier attempt at it.

        Args:
            trial_id: A running trial.
            logged: What each epoch logged, the first epoch first.
        """
        if logged:
            with storage_errors(self.url):
                self.storage.write(trial_id, Writes(logged=logged))

    def curves(self, study: optuna.Study, number: int) -> Curves:
        """The curves of a trial; empty before it has ended, or if tuner did not run it.

        Raises:
            UnknownNameError: There is no trial of that number.
        """
        with storage_errors(self.url):
            try:
                trial_id = self.storage.get_trial_id_from_study_id_trial_number(
                    study._study_id, number
                )
            except KeyError:
                raise UnknownNameError(
                    f"{study.study_name} has no trial {number}; "
                    f"see: tuner trials {study.study_name}"
                ) from None
            with self._backend.reading() as connection:
                return read_curves(connection, trial_id)

    def give_back(self, trial_id: int) -> bool:
        """Puts a running trial back in the queue, with its number and parameters.

        Returns:
            False if the trial was not running any more.
        """
        with storage_errors(self.url):
            return self._backend.give_back(trial_id)

    def enqueue_references(
        self, study: optuna.Study, references: Mapping[str, Mapping[str, Any]]
    ) -> None:
        """Queues the parameters of each reference that is not in the study yet, by its name."""
        trials = {
            name: optuna.trial.create_trial(
                state=TrialState.WAITING,
                user_attrs={"origin": name},
                system_attrs={"fixed_params": dict(params)},  # as Optuna's enqueue_trial
            )
            for name, params in references.items()
        }
        with storage_errors(self.url):
            self._backend.enqueue_once(study._study_id, trials)

    def close(self) -> None:
        """Closes the connections; a closed database must not be used again."""
        self._backend.scoped_session.remove()
        self._backend.engine.dispose()

    def _no_study(self, name: str) -> str:
        names = self.study_names()
        if not names:
            return f"no study is stored in {self}; start one with: tuner run {name}"
        return f"no study '{name}' is stored in {self}; {hint(name, names, 'stored studies')}"

    @staticmethod
    def _require_file(url: sa.URL) -> None:
        file = url.database
        if url.get_backend_name() != "sqlite" or not file or file.startswith("file:"):
            return
        if not os.access(file, os.F_OK):
            raise StorageError(
                f"there is no database {file} yet; start a study with: tuner run STUDY, "
                "or name another database with --storage"
            )


def _seconds(since: datetime, now: datetime) -> float:
    """Of two times of one clock; the database gives some of them with its time zone."""
    return (now.replace(tzinfo=None) - since.replace(tzinfo=None)).total_seconds()
