"""Stores what is written to one trial with few statements in one transaction."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any, cast

import sqlalchemy as sa
from optuna.distributions import BaseDistribution, distribution_to_json
from optuna.exceptions import UpdateFinishedTrialError
from optuna.trial import TrialState

from tuner.storage.attributes import parsed
from tuner.storage.backend import Writes
from tuner.storage.curves import pack
from tuner.storage.optuna_private import TRIALS, models
from tuner.storage.sql.curve_table import CurvesModel
from tuner.storage.taker import TrialLost


def store(connection: sa.Connection, trial_id: int, writes: Writes, *, again: bool = False) -> None:
    """Writes it all, in the connection's transaction.

    Args:
        connection: In a transaction.
        trial_id: A running trial.
        writes: What to write.
        again: All of it may be stored already, by a transaction whose commit was not acknowledged.

    Raises:
        KeyError: There is no such trial.
        UpdateFinishedTrialError: The trial has ended.
        TrialLost: It does not have the holder's lease any more, or is not there.
    """
    found = connection.execute(_STATE, {"trial_id": trial_id}).one_or_none()
    if found is None and writes.holder is not None:
        raise TrialLost("The trial has been deleted.")
    if found is None:
        raise KeyError(f"Trial {trial_id} does not exist.")
    if again and writes.end is not None and found.state is writes.end[0]:
        return
    if found.state.is_finished():
        raise already_finished(found.number)
    if writes.holder is not None and parsed(found.lease) != writes.holder:
        raise TrialLost(f"Trial#{found.number} is run by another process now.")
    if writes.params:
        param = models.TrialParamModel
        rows = [_param(trial_id, name, *each) for name, each in writes.params.items()]
        if again:
            replace_rows(connection, param, param.param_name, rows)
        else:
            connection.execute(sa.insert(param), rows)
    for attr, attrs in (
        (models.TrialUserAttributeModel, writes.user_attrs),
        (models.TrialSystemAttributeModel, writes.system_attrs),
    ):
        replace_rows(connection, attr, attr.key, attr_rows(trial_id, attrs))
    step = models.TrialIntermediateValueModel
    rows = [_step(trial_id, *reported) for reported in writes.intermediate_values.items()]
    replace_rows(connection, step, step.step, rows)
    if writes.logged:
        row = {"trial_id": trial_id} | pack(writes.logged)
        replace_rows(connection, CurvesModel, CurvesModel.trial_id, [row])
    if writes.end is not None:
        _store_end(connection, trial_id, found.number, *writes.end)


def already_finished(number: int) -> UpdateFinishedTrialError:
    """The error of a write to a trial that has ended, in Optuna's words."""
    return UpdateFinishedTrialError(f"Trial#{number} has already finished and can not be updated.")


def replace_rows(
    connection: sa.Connection, model: Any, key: Any, rows: Sequence[Mapping[str, Any]]
) -> None:
    """Inserts rows of one trial in place of those that have the same key.

    The same on every database; ``INSERT … ON CONFLICT`` is written differently on each.
    """
    if rows:
        keys = [row[key.key] for row in rows]
        old = {"of": rows[0]["trial_id"], "keys": keys}
        connection.execute(_deletion(model, key.key), old)
        connection.execute(sa.insert(model), rows)


def attr_rows(trial_id: int, attrs: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The rows of a trial's attributes, of either table."""
    return [
        {"trial_id": trial_id, "key": key, "value_json": json.dumps(value)}
        for key, value in attrs.items()
    ]


def utc_now() -> datetime:
    """The time as Optuna stores it: UTC, without a time zone."""
    return datetime.now(UTC).replace(tzinfo=None)


def _store_end(
    connection: sa.Connection,
    trial_id: int,
    number: int,
    state: TrialState,
    values: Sequence[float],
) -> None:
    value = models.TrialValueModel
    rows = [_value(trial_id, *each) for each in enumerate(values)]
    replace_rows(connection, value, value.objective, rows)
    end = {"ended": trial_id, "new_state": state, "now": utc_now()}
    ended = cast("sa.CursorResult[Any]", connection.execute(_END, end))
    # SQLite has locked nothing before the first change: another process may have ended it.
    if ended.rowcount != 1:
        raise already_finished(number)


@lru_cache
def _deletion(model: Any, key: str) -> sa.Delete:
    column = getattr(model, key)
    among = column.in_(sa.bindparam("keys", expanding=True))
    return sa.delete(model).where(model.trial_id == sa.bindparam("of"), among)


def _param(
    trial_id: int, name: str, value: float, distribution: BaseDistribution
) -> dict[str, Any]:
    return {
        "trial_id": trial_id,
        "param_name": name,
        "param_value": value,
        "distribution_json": distribution_to_json(distribution),
    }


def _step(trial_id: int, step: int, value: float) -> dict[str, Any]:
    model = models.TrialIntermediateValueModel
    stored, kind = model.intermediate_value_to_stored_repr(value)
    return {
        "trial_id": trial_id,
        "step": step,
        "intermediate_value": stored,
        "intermediate_value_type": kind,
    }


def _value(trial_id: int, objective: int, value: float) -> dict[str, Any]:
    stored, kind = models.TrialValueModel.value_to_stored_repr(value)
    return {"trial_id": trial_id, "objective": objective, "value": stored, "value_type": kind}


_LEASE = sa.select(models.TrialUserAttributeModel.value_json).where(
    models.TrialUserAttributeModel.trial_id == TRIALS.c.trial_id,
    models.TrialUserAttributeModel.key == "worker",
)
lease_json = sa.func.coalesce(_LEASE.correlate(TRIALS).scalar_subquery(), "{}")
"""A trial's lease as JSON, of an empty one if it has none."""

_STATE = (
    sa.select(TRIALS.c.number, TRIALS.c.state, lease_json.label("lease"))
    .where(TRIALS.c.trial_id == sa.bindparam("trial_id"))
    .with_for_update()
)
_END = (
    sa.update(TRIALS)
    .where(
        TRIALS.c.trial_id == sa.bindparam("ended"),
        TRIALS.c.state.in_((TrialState.RUNNING, TrialState.WAITING)),
    )
    .values(state=sa.bindparam("new_state"), datetime_complete=sa.bindparam("now"))
)
