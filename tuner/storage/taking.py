"""Taking a trial: by one process only, which signs for it, and no more trials than are wanted.

All of it happens in the transaction that takes the trial and that has locked its study.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, cast

import sqlalchemy as sa
from optuna.storages._rdb import models
from optuna.trial import TrialState

from tuner.storage.backend import BEAT
from tuner.storage.writing import borne_lease, replace_rows

TAKEN = (TrialState.COMPLETE, TrialState.PRUNED, TrialState.RUNNING)
"""States that count towards the trials that are wanted."""


class NoneOpen(Exception):
    """No trial can be taken: as many as are wanted are finished or under way."""


@dataclass(frozen=True)
class Taker:
    """Who takes trials.

    Attributes:
        lease: Stands in every trial that is taken, if not None; see :mod:`tuner.storage.lease`.
        wanted: How many trials of a study may be finished or under way; None for any number.
        at_once: How many trials of a study may be under way; None for any number.
    """

    lease: Mapping[str, Any] | None = None
    wanted: int | None = None
    at_once: int | None = None

    def begin(self, connection: sa.Connection, study_id: int) -> int:
        """Adds a running trial to a study that is locked; returns its id.

        Raises:
            NoneOpen: It is one too many.
        """
        trial = models.TrialModel.__table__
        begun = {"study_id": study_id, "state": TrialState.RUNNING, "datetime_start": _now()}
        added = connection.execute(sa.insert(trial), begun).inserted_primary_key
        assert added is not None
        trial_id = int(added[0])
        number = connection.scalar(_NUMBER, {"of": study_id, "before": trial_id})
        connection.execute(_SET_NUMBER, {"of": trial_id, "counted": number})
        self._sign(connection, study_id, trial_id)
        return trial_id

    def take(self, connection: sa.Connection, study_id: int, trial_id: int) -> bool:
        """Takes a waiting trial of a study that is locked; False if it does not wait any more.

        Raises:
            NoneOpen: It is one too many.
        """
        waiting = change(trial_id, TrialState.WAITING, TrialState.RUNNING)
        if not changed(connection, waiting.values({models.TrialModel._datetime_start_utc: _now()})):
            return False
        beats, sent = models.TrialHeartbeatModel, models.TrialSystemAttributeModel  # another's
        connection.execute(sa.delete(beats).where(beats.trial_id == trial_id))
        connection.execute(sa.delete(sent).where(sent.trial_id == trial_id, sent.key == BEAT))
        self._sign(connection, study_id, trial_id)
        return True

    def put_back_own(self, connection: sa.Connection, study_id: int) -> None:
        """Puts back what this process took without hearing that it had: who asks runs no trial."""
        trial = models.TrialModel
        own = bears(self.lease or {})
        held = sa.update(trial).where(trial.study_id == study_id, own)
        held = held.where(trial.state == TrialState.RUNNING)
        connection.execute(held.values(state=TrialState.WAITING))

    def _sign(self, connection: sa.Connection, study_id: int, trial_id: int) -> None:
        if self.wanted is not None:
            taken = connection.scalar(_COUNT_TAKEN, {"of": study_id})
            if (taken or 0) > self.wanted:
                raise NoneOpen
        if self.at_once is not None:
            running = connection.scalar(_COUNT_RUNNING, {"of": study_id})
            if (running or 0) > self.at_once:
                raise NoneOpen
        if self.lease is not None:
            attr = models.TrialUserAttributeModel
            lease = {"trial_id": trial_id, "key": "worker", "value_json": json.dumps(self.lease)}
            replace_rows(connection, attr, attr.key, [lease])


def bears(lease: Mapping[str, Any]) -> sa.ColumnElement[bool]:
    """Of trials those that bear this lease; an empty one stands for none."""
    return borne_lease == json.dumps(dict(lease))


def lock(connection: sa.Connection, study_id: int) -> None:
    """Locks a study until the end of the transaction; in SQLite the first change locks the file.

    Raises:
        KeyError: There is no such study.
    """
    if connection.execute(_STUDY, {"of": study_id}).one_or_none() is None:
        raise KeyError(models.NOT_FOUND_MSG)


def change(trial_id: int, old: TrialState, new: TrialState) -> sa.Update:
    """The statement that changes a trial's state if it is still the old one."""
    trial = models.TrialModel
    return sa.update(trial).where(trial.trial_id == trial_id, trial.state == old).values(state=new)


def changed(connection: sa.Connection, statement: sa.Update) -> bool:
    """Executes the statement; whether it has changed one row."""
    return cast("sa.CursorResult[Any]", connection.execute(statement)).rowcount == 1


_STUDY = (
    sa.select(models.StudyModel.study_id)
    .where(models.StudyModel.study_id == sa.bindparam("of"))
    .with_for_update()
)
_COUNT = sa.select(sa.func.count()).where(models.TrialModel.study_id == sa.bindparam("of"))
_COUNT_TAKEN = _COUNT.where(models.TrialModel.state.in_(TAKEN))
_COUNT_RUNNING = _COUNT.where(models.TrialModel.state == TrialState.RUNNING)
_NUMBER = _COUNT.where(models.TrialModel.trial_id < sa.bindparam("before"))
_SET_NUMBER = (
    sa.update(models.TrialModel)
    .where(models.TrialModel.trial_id == sa.bindparam("of"))
    .values(number=sa.bindparam("counted"))
)


def _now() -> datetime:
    """The time as Optuna stores it: UTC, without a time zone."""
    return datetime.now(UTC).replace(tzinfo=None)
