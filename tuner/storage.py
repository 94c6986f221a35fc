"""The SQL database: URLs, engine options, and Optuna's storage over it.

Everything tuner keeps stands in Optuna's own tables, so the stock ``optuna`` and
``optuna-dashboard`` commands read it unchanged. Two things are ours: SQLite runs in
write-ahead mode, so that a dashboard never blocks a worker, and a change of a trial's state
is one conditional ``UPDATE``, so that two workers never take the same trial.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import optuna
import sqlalchemy as sa
from optuna.storages import BaseStorage, RDBStorage, get_storage
from optuna.storages._rdb import models
from optuna.trial import FrozenTrial, TrialState
from sqlalchemy import event, orm

from tuner.errors import StorageError, UnknownNameError
from tuner.storage_url import masked, parse_url

_BUSY_SECONDS = 30

# Optuna's own log repeats what tuner says in its own words.
optuna.logging.set_verbosity(optuna.logging.ERROR)


class _SharedStorage(RDBStorage):
    """Optuna's storage with what several processes need: a trial is taken by one of them, and
    in the same transaction it is written down by which."""

    lease: Mapping[str, Any] | None = None

    def set_trial_state_values(
        self, trial_id: int, state: TrialState, values: Sequence[float] | None = None
    ) -> bool:
        """As Optuna's, but taking a waiting trial cannot succeed twice.

        Optuna reads the state and then writes it; SQLite has no ``SELECT … FOR UPDATE``, so
        two processes may both read WAITING there.
        """
        if state is TrialState.RUNNING:
            return self.change_state(trial_id, TrialState.WAITING, TrialState.RUNNING)
        return super().set_trial_state_values(trial_id, state, values)

    def change_state(self, trial_id: int, old: TrialState, new: TrialState) -> bool:
        """Moves a trial from one unfinished state to another; False if it was not in ``old``."""
        values: dict[Any, Any] = {models.TrialModel.state: new}
        if new is TrialState.RUNNING:
            now = datetime.now(UTC).replace(tzinfo=None)
            values[models.TrialModel._datetime_start_utc] = now
        statement = (
            sa.update(models.TrialModel)
            .where(models.TrialModel.trial_id == trial_id, models.TrialModel.state == old)
            .values(values)
        )
        with self.scoped_session() as session, session.begin():
            changed = bool(session.execute(statement).rowcount)
            if changed and new is TrialState.RUNNING:
                self._sign(session, trial_id)
        return changed

    def set_trial_user_attrs(self, trial_id: int, attrs: Mapping[str, Any]) -> None:
        """Writes several attributes of a trial in one transaction."""
        with self.scoped_session() as session, session.begin():
            for key, value in attrs.items():
                self._set_trial_attr_without_commit(
                    session, models.TrialUserAttributeModel, trial_id, key, value
                )

    def _get_prepared_new_trial(
        self, study_id: int, template_trial: FrozenTrial | None, session: orm.Session
    ) -> models.TrialModel:
        trial = super()._get_prepared_new_trial(study_id, template_trial, session)
        if template_trial is None:
            self._sign(session, trial.trial_id)
        return trial

    def _sign(self, session: orm.Session, trial_id: int) -> None:
        if self.lease is not None:
            self._set_trial_attr_without_commit(
                session, models.TrialUserAttributeModel, trial_id, "worker", self.lease
            )


@dataclass(frozen=True)
class RunningTrial:
    """A trial in the state RUNNING.

    Attributes:
        lease: Who runs it, see :mod:`tuner.lease`; None if a stock Optuna script does.
        attempts: How many workers have died while they ran it.
    """

    trial_id: int
    number: int
    lease: Mapping[str, Any] | None
    attempts: int


class Database:
    """One open database.

    Attributes:
        url: The storage URL, with its password.
        storage: What Optuna's functions take as ``storage``.
    """

    def __init__(
        self, url: str, *, must_exist: bool = False, lease: Mapping[str, Any] | None = None
    ) -> None:
        """Opens the database and creates Optuna's tables where they are missing.

        Args:
            url: An Optuna storage URL, e.g. ``sqlite:///tuner.db``.
            must_exist: Refuse to create a new SQLite file.
            lease: Stands in every trial that is taken through this object.

        Raises:
            StorageError: The URL is wrong, or what it names cannot be used.
        """
        parsed = parse_url(url)
        if must_exist:
            self._require_file(parsed)
        self.url = url
        with storage_errors(url):
            self._backend = _open(url, _engine_options(parsed))
            self._backend.lease = lease
            _prepare_engine(self._backend.engine)
            self.storage: BaseStorage = get_storage(self._backend)

    def __str__(self) -> str:
        return masked(self.url)

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
        with storage_errors(self.url), self._backend.engine.connect() as connection:
            query = sa.select(models.StudyModel.study_name).order_by(models.StudyModel.study_id)
            return list(connection.scalars(query))

    def counts(self, study: optuna.Study) -> dict[TrialState, int]:
        """How many trials of the study are in each state; absent states count 0."""
        trial = models.TrialModel
        query = (
            sa.select(trial.state, sa.func.count(trial.trial_id))
            .where(trial.study_id == study._study_id)
            .group_by(trial.state)
        )
        with storage_errors(self.url), self._backend.engine.connect() as connection:
            found = {state: count for state, count in connection.execute(query)}
        return {state: found.get(state, 0) for state in TrialState}

    def running(self, study: optuna.Study) -> list[RunningTrial]:
        """The trials of the study that are in the state RUNNING, whoever runs them."""
        trial, attr = models.TrialModel, models.TrialUserAttributeModel
        query = (
            sa.select(trial.trial_id, trial.number, attr.key, attr.value_json)
            .outerjoin(
                attr,
                (attr.trial_id == trial.trial_id) & attr.key.in_(("worker", "attempts")),
            )
            .where(trial.study_id == study._study_id, trial.state == TrialState.RUNNING)
            .order_by(trial.trial_id)
        )
        found: dict[tuple[int, int], dict[str, Any]] = {}
        with storage_errors(self.url), self._backend.engine.connect() as connection:
            for trial_id, number, key, value_json in connection.execute(query):
                attrs = found.setdefault((trial_id, number), {})
                if key is not None:
                    attrs[key] = json.loads(value_json)
        return [
            RunningTrial(trial_id, number, attrs.get("worker"), attrs.get("attempts", 0))
            for (trial_id, number), attrs in found.items()
        ]

    def write_attrs(self, trial_id: int, attrs: Mapping[str, Any]) -> None:
        """Writes several user attributes of a trial in one transaction."""
        with storage_errors(self.url):
            self._backend.set_trial_user_attrs(trial_id, attrs)

    def give_back(self, trial_id: int) -> bool:
        """Puts a running trial back in the queue, with its number and parameters.

        Returns:
            False if the trial was not running any more.
        """
        with storage_errors(self.url):
            return self._backend.change_state(trial_id, TrialState.RUNNING, TrialState.WAITING)

    def close(self) -> None:
        """Closes the connections; a closed database must not be used again."""
        self._backend.scoped_session.remove()
        self._backend.engine.dispose()

    def _no_study(self, name: str) -> str:
        names = self.study_names()
        if not names:
            return f"no study is stored in {self}; start one with: tuner run {name}"
        return f"no study '{name}' is stored in {self}; there is: {', '.join(names)}"

    @staticmethod
    def _require_file(url: sa.URL) -> None:
        file = url.database
        if url.get_backend_name() != "sqlite" or not file or file == ":memory:":
            return
        if not Path(file).exists():
            raise StorageError(
                f"there is no database {file} yet; start a study with: tuner run STUDY, "
                "or name another database with --storage"
            )


@contextmanager
def storage_errors(url: str) -> Iterator[None]:
    """Maps what SQLAlchemy, its drivers and Optuna raise to :class:`StorageError`."""
    shown = masked(url)
    try:
        yield
    except optuna.exceptions.StorageInternalError as exc:
        raise StorageError(f"storage {shown}: {_first_line(exc.__cause__ or exc)}") from exc
    except (ImportError, sa.exc.NoSuchModuleError) as exc:
        driver = parse_url(url).get_backend_name()
        raise StorageError(
            f"storage {shown}: the Python driver for '{driver}' is not installed ({exc}); "
            f"install it, e.g.: pip install psycopg[binary] (and postgresql+psycopg://… in the URL)"
        ) from exc
    except sa.exc.SQLAlchemyError as exc:
        raise StorageError(f"storage {shown}: {_explain(exc)}") from exc


def _open(url: str, engine_options: dict[str, Any]) -> _SharedStorage:
    try:
        return _SharedStorage(url, engine_kwargs=engine_options)
    except RuntimeError as exc:
        # The only RuntimeError of Optuna's constructor: the tables are of another version.
        shown = masked(url)
        raise StorageError(
            f"storage {shown}: the tables are of another Optuna version; "
            f"upgrade them with: optuna storage upgrade --storage {shown}"
        ) from exc


def _explain(exc: sa.exc.SQLAlchemyError) -> str:
    text = _first_line(getattr(exc, "orig", None) or exc)
    if "unable to open database file" in text:
        return f"{text}: does the folder exist, and may you write in it?"
    if "readonly database" in text:
        return f"{text}: the file or its folder cannot be written; copy it or change its rights"
    if "not a database" in text:
        return f"{text}: name a SQLite database, or a new file, with --storage"
    return text


def _first_line(exc: BaseException) -> str:
    return (str(exc).strip().splitlines() or [type(exc).__name__])[0]


def _engine_options(url: sa.URL) -> dict[str, Any]:
    if url.get_backend_name() == "sqlite":
        return {"connect_args": {"timeout": _BUSY_SECONDS}}
    return {"pool_pre_ping": True}


def _prepare_engine(engine: sa.Engine) -> None:
    if engine.dialect.name != "sqlite":
        return
    event.listen(engine, "connect", _use_write_ahead_log)
    # The connection that created the tables was opened before the listener was there.
    engine.dispose()


def _use_write_ahead_log(connection: Any, _record: Any) -> None:
    cursor = connection.cursor()
    try:
        if cursor.execute("PRAGMA journal_mode").fetchone()[0] != "wal" and os.access(
            cursor.execute("PRAGMA database_list").fetchone()[2] or os.devnull, os.W_OK
        ):
            cursor.execute("PRAGMA journal_mode=WAL")
        cursor.execute("PRAGMA synchronous=NORMAL")
    finally:
        cursor.close()
