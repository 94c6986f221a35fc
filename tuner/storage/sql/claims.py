"""Claims trials: each by one process only, with its lease, and no more than are wanted.

A claim is one transaction, which has locked the study.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, cast

import sqlalchemy as sa
from optuna.trial import TrialState

from tuner.storage.optuna_private import TRIALS, models
from tuner.storage.sql.writes import attr_rows, lease_json, replace_rows, utc_now
from tuner.storage.taker import BEAT, TAKEN, NoneOpen, Taker


def begin(connection: sa.Connection, study_id: int, taker: Taker) -> tuple[int, int]:
    """Adds a running trial to a study that is locked; returns its identifier and number.

    Raises:
        NoneOpen: It is one too many.
    """
    row = {"study_id": study_id, "state": TrialState.RUNNING, "datetime_start": utc_now()}
    trial_id, number = _insert(connection, row)
    _write_lease(connection, study_id, trial_id, taker)
    return trial_id, number


def enqueue(
    connection: sa.Connection,
    study_id: int,
    user_attrs: Mapping[str, Any],
    system_attrs: Mapping[str, Any],
) -> None:
    """Adds a waiting trial with these attributes to a study that is locked."""
    trial_id, _ = _insert(connection, {"study_id": study_id, "state": TrialState.WAITING})
    for attr, attrs in (
        (models.TrialUserAttributeModel, user_attrs),
        (models.TrialSystemAttributeModel, system_attrs),
    ):
        replace_rows(connection, attr, attr.key, attr_rows(trial_id, attrs))


def claim(connection: sa.Connection, study_id: int, trial_id: int, taker: Taker) -> bool:
    """Claims a waiting trial of a study that is locked; False if it does not wait any more.

    Raises:
        NoneOpen: It is one too many.
    """
    waiting = change(trial_id, TrialState.WAITING, TrialState.RUNNING)
    if not changed(connection, waiting.values(datetime_start=utc_now())):
        return False
    beats, sent = models.TrialHeartbeatModel, models.TrialSystemAttributeModel  # another's
    connection.execute(sa.delete(beats).where(beats.trial_id == trial_id))
    connection.execute(sa.delete(sent).where(sent.trial_id == trial_id, sent.key == BEAT))
    _write_lease(connection, study_id, trial_id, taker)
    return True


def requeue_own(connection: sa.Connection, study_id: int, taker: Taker) -> None:
    """Requeues the claims of this process whose commit was never acknowledged.

    A process that asks for a trial runs none. Without a lease, its claims cannot be distinguished
    from the running trials of other programs, so they stay.
    """
    if taker.lease is None:
        return
    own = sa.update(TRIALS).where(TRIALS.c.study_id == study_id, has_lease(taker.lease))
    own = own.where(TRIALS.c.state == TrialState.RUNNING)
    connection.execute(own.values(state=TrialState.WAITING))


def has_lease(lease: Mapping[str, Any]) -> sa.ColumnElement[bool]:
    """The condition that a trial has this lease; an empty one means none."""
    return lease_json == json.dumps(dict(lease))


def lock(connection: sa.Connection, study_id: int) -> None:
    """Locks a study until the end of the transaction; in SQLite the first change locks the file.

    Raises:
        KeyError: There is no such study.
    """
    if connection.execute(_STUDY, {"of": study_id}).one_or_none() is None:
        raise KeyError(f"Study {study_id} does not exist.")


def change(trial_id: int, old: TrialState, new: TrialState) -> sa.Update:
    """The statement that changes a trial's state if it is still the old one."""
    still = (TRIALS.c.trial_id == trial_id, TRIALS.c.state == old)
    return sa.update(TRIALS).where(*still).values(state=new)


def changed(connection: sa.Connection, statement: sa.Update) -> bool:
    """Executes the statement; returns whether it has changed one row."""
    return cast("sa.CursorResult[Any]", connection.execute(statement)).rowcount == 1


def _insert(connection: sa.Connection, row: Mapping[str, Any]) -> tuple[int, int]:
    """Inserts a trial with the study's next number; returns its identifier and the number."""
    added = connection.execute(sa.insert(TRIALS), row).inserted_primary_key
    assert added is not None
    trial_id = int(added[0])
    number = connection.scalar(_NUMBER, {"of": row["study_id"], "before": trial_id}) or 0
    connection.execute(_SET_NUMBER, {"of": trial_id, "counted": number})
    return trial_id, number


def _write_lease(connection: sa.Connection, study_id: int, trial_id: int, taker: Taker) -> None:
    """Writes the lease of a trial that was just claimed.

    Raises:
        NoneOpen: The trial is one too many.
    """
    for most, count in ((taker.wanted, _COUNT_TAKEN), (taker.at_once, _COUNT_RUNNING)):
        if most is not None and (connection.scalar(count, {"of": study_id}) or 0) > most:
            raise NoneOpen
    if taker.lease is not None:
        attr = models.TrialUserAttributeModel
        replace_rows(connection, attr, attr.key, attr_rows(trial_id, {"worker": taker.lease}))


_STUDY = (
    sa.select(models.StudyModel.study_id)
    .where(models.StudyModel.study_id == sa.bindparam("of"))
    .with_for_update()
)
_COUNT = sa.select(sa.func.count()).where(TRIALS.c.study_id == sa.bindparam("of"))
_COUNT_TAKEN = _COUNT.where(TRIALS.c.state.in_(TAKEN))
_COUNT_RUNNING = _COUNT.where(TRIALS.c.state == TrialState.RUNNING)
_NUMBER = _COUNT.where(TRIALS.c.trial_id < sa.bindparam("before"))
_SET_NUMBER = (
    sa.update(TRIALS)
    .where(TRIALS.c.trial_id == sa.bindparam("of"))
    .values(number=sa.bindparam("counted"))
)
