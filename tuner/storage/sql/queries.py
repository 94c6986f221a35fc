"""What tuner asks of a database in SQL, beside what Optuna asks."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any, ParamSpec, TypeVar

import sqlalchemy as sa
from optuna.storages import RDBStorage
from optuna.study import StudyDirection
from optuna.trial import TrialState

from tuner.storage.attributes import parsed, readable_rows
from tuner.storage.curves import Curves
from tuner.storage.openings import Opening
from tuner.storage.optuna_private import TRIALS, models
from tuner.storage.retrying import RetryPolicy, retried
from tuner.storage.sql.curve_table import check_tables, read_curves, upgrade_tables
from tuner.storage.sql.opening_table import read_openings, store_opening
from tuner.storage.sql.writes import attr_rows, replace_rows
from tuner.storage.taker import BEAT, RunningTrial

P = ParamSpec("P")
T = TypeVar("T")


class SqlQueries:
    """Studies, which are left to Optuna's storage, and our own questions about them.

    Attributes:
        engine: Of the database.
        retry: How long a server that does not answer is retried.
    """

    retry: RetryPolicy

    def _open(self, studies: RDBStorage) -> None:
        self._studies = studies
        self.engine = studies.engine
        self._directions: dict[int, list[StudyDirection]] = {}

    def close(self) -> None:
        self.remove_session()
        self.engine.dispose()

    def remove_session(self) -> None:
        self._studies.remove_session()

    def create_new_study(
        self, directions: Sequence[StudyDirection], study_name: str | None = None
    ) -> int:
        return self._retried(self._studies.create_new_study, directions, study_name)

    def delete_study(self, study_id: int) -> None:
        self._directions.pop(study_id, None)
        self._retried(self._studies.delete_study, study_id)

    def set_study_user_attr(self, study_id: int, key: str, value: Any) -> None:
        self._retried(self._studies.set_study_user_attr, study_id, key, value)

    def set_study_system_attr(self, study_id: int, key: str, value: Any) -> None:
        self._retried(self._studies.set_study_system_attr, study_id, key, value)

    def get_study_id_from_name(self, study_name: str) -> int:
        return self._retried(self._studies.get_study_id_from_name, study_name)

    def get_study_name_from_id(self, study_id: int) -> str:
        return self._retried(self._studies.get_study_name_from_id, study_id)

    def get_study_directions(self, study_id: int) -> list[StudyDirection]:
        if study_id not in self._directions:  # they never change
            found = self._retried(self._studies.get_study_directions, study_id)
            self._directions[study_id] = found
        return list(self._directions[study_id])

    def get_study_user_attrs(self, study_id: int) -> dict[str, Any]:
        """As Optuna's, but an attribute that is not JSON is returned as its text."""
        found = self.study_attrs(study_id)
        return found or self._retried(self._studies.get_study_user_attrs, study_id)

    def get_study_system_attrs(self, study_id: int) -> dict[str, Any]:
        return self._retried(self._studies.get_study_system_attrs, study_id)

    def get_all_studies(self) -> list[Any]:
        return self._retried(self._studies.get_all_studies)

    def _retried(self, method: Callable[P, T], *args: P.args, **options: P.kwargs) -> T:
        return self.retry.call(lambda _again: method(*args, **options))

    @retried
    def check(self, shown: str) -> None:
        check_tables(self.engine, shown)

    def prepare(self, shown: str) -> None:
        upgrade_tables(self.engine, shown)

    def reading(self) -> sa.Connection:
        """A connection on which a query is not wrapped in BEGIN and ROLLBACK, two more messages."""
        return self.engine.connect().execution_options(isolation_level="AUTOCOMMIT")

    @retried
    def rows(self, query: sa.Select[*tuple[Any, ...]]) -> list[Any]:
        """The rows that a query finds.

        Raises:
            SpecError: A row holds what Optuna never stores there.
        """
        with readable_rows(), self.reading() as connection:
            return list(connection.execute(query))

    def study_names(self) -> list[str]:
        query = sa.select(models.StudyModel.study_name).order_by(models.StudyModel.study_id)
        return [name for (name,) in self.rows(query)]

    def study_attrs(self, study_id: int) -> dict[str, Any]:
        attr = models.StudyUserAttributeModel
        query = sa.select(attr.key, attr.value_json).where(attr.study_id == study_id)
        return {key: parsed(value_json) for key, value_json in self.rows(query)}

    def studies_with(self, key: str) -> list[tuple[str, Any, dict[TrialState, int]]]:
        study, attr, trial = models.StudyModel, models.StudyUserAttributeModel, models.TrialModel
        query = (
            sa.select(
                *(study.study_name, attr.value_json, _state_name()),
                sa.func.count(trial.trial_id),
            )
            .join(attr, attr.study_id == study.study_id)
            .outerjoin(trial, trial.study_id == study.study_id)
            .where(attr.key == key)
            .group_by(study.study_id, study.study_name, attr.value_json, trial.state)
            .order_by(study.study_id)
        )
        found: dict[str, tuple[Any, dict[TrialState, int]]] = {}
        for name, value_json, state, count in self.rows(query):
            _, counts = found.setdefault(name, (parsed(value_json), {}))
            if state in TrialState.__members__:  # it is None of a study without trials
                counts[TrialState[state]] = int(count)
        return [(name, value, counts) for name, (value, counts) in found.items()]

    def counts(self, study_id: int) -> dict[TrialState, int]:
        trial = models.TrialModel
        query = (
            sa.select(_state_name(), sa.func.count(trial.trial_id))
            .where(trial.study_id == study_id)
            .group_by(trial.state)
        )
        members = TrialState.__members__
        return {members[name]: int(count) for name, count in self.rows(query) if name in members}

    def running(self, study_id: int) -> list[RunningTrial]:
        """The trials in the state RUNNING, of tuner and of other programs.

        The later one counts of two heartbeats: that in Optuna's table, by the database's clock,
        and that which passes through a proxy, by the clock of the process that wrote it.
        """
        trial, attr = models.TrialModel, models.TrialUserAttributeModel
        beat, sent = models.TrialHeartbeatModel, models.TrialSystemAttributeModel
        query = (
            sa.select(
                *(trial.trial_id, trial.number, attr.key, attr.value_json, sent.value_json),
                *(beat.heartbeat, sa.func.current_timestamp(), TRIALS.c.datetime_start),
            )
            .outerjoin(
                attr,
                (attr.trial_id == trial.trial_id)
                & attr.key.in_(("worker", "attempts", "left_behind")),
            )
            .outerjoin(sent, (sent.trial_id == trial.trial_id) & (sent.key == BEAT))
            .outerjoin(beat, beat.trial_id == trial.trial_id)
            .where(trial.study_id == study_id, trial.state == TrialState.RUNNING)
            .order_by(trial.trial_id)
        )
        found: dict[int, tuple[int, dict[str, Any], float]] = {}
        attrs: dict[int, dict[str, Any]] = {}
        for trial_id, number, key, value, sent_json, beaten, now, began in self.rows(query):
            known = attrs.setdefault(trial_id, {})
            if key is not None:
                known[key] = parsed(value)
            if sent_json is not None:
                known[BEAT] = parsed(sent_json)
            silent = _seconds(beaten, now) if beaten else _seconds(began, datetime.now(UTC))
            found[trial_id] = (number, known, silent)
        return [RunningTrial.of(trial_id, *rest) for trial_id, rest in found.items()]

    @retried
    def beat(self, trial_ids: Collection[int]) -> None:
        """Writes a heartbeat of these trials, in Optuna's table and where a proxy can read it."""
        model, attr = models.TrialHeartbeatModel, models.TrialSystemAttributeModel
        for trial_id in trial_ids:
            sent = attr_rows(trial_id, {BEAT: time.time()})
            # The study may have been deleted, or another process has taken the trial over.
            with suppress(sa.exc.IntegrityError), self.engine.begin() as connection:
                connection.execute(sa.delete(model).where(model.trial_id == trial_id))
                connection.execute(sa.insert(model), {"trial_id": trial_id})
                replace_rows(connection, attr, attr.key, sent)

    @retried
    def curves(self, trial_id: int) -> Curves:
        with self.reading() as connection:
            return read_curves(connection, trial_id)

    @retried
    def store_opening(self, opening: Opening) -> None:
        with self.engine.begin() as connection:
            store_opening(connection, opening)

    @retried
    def openings(self, study: str) -> list[Opening]:
        with readable_rows(), self.reading() as connection:
            return read_openings(connection, study)


def _state_name() -> sa.ColumnElement[str]:
    """A trial's state as text: an invalid one must not keep others from being counted."""
    return sa.cast(models.TrialModel.state, sa.String(16))


def _seconds(since: datetime, now: datetime) -> float:
    """Between two times of one clock; the database returns some with its time zone."""
    return (now.replace(tzinfo=None) - since.replace(tzinfo=None)).total_seconds()
