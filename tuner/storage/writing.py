"""What is written to one trial, gathered, and stored with few statements in one transaction."""

from __future__ import annotations

import copy
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any, cast

import sqlalchemy as sa
from optuna.distributions import BaseDistribution, distribution_to_json
from optuna.exceptions import UpdateFinishedTrialError
from optuna.storages._rdb import models
from optuna.trial import FrozenTrial, TrialState

from tuner.storage.attributes import parsed
from tuner.storage.curves import CurvesModel, Logs, pack


class TrialLost(UpdateFinishedTrialError):
    """The trial was deleted, or is run by another process because this one was silent."""


@dataclass
class Writes:
    """What is to be written to one trial; later entries of a name replace earlier ones.

    Attributes:
        params: Name → value as Optuna stores it, and its distribution.
        user_attrs: Key → anything that JSON can hold.
        system_attrs: Key → anything that JSON can hold.
        intermediate_values: Step → value.
        logged: What each epoch logged, for the trial's curves; None if nothing is to be stored.
        end: The state that ends the trial, and its values if it has any.
        holder: The lease that the trial must bear, an empty one for none; None for any.
    """

    params: dict[str, tuple[float, BaseDistribution]] = field(default_factory=dict)
    user_attrs: dict[str, Any] = field(default_factory=dict)
    system_attrs: dict[str, Any] = field(default_factory=dict)
    intermediate_values: dict[int, float] = field(default_factory=dict)
    logged: Sequence[Logs] | None = None
    end: tuple[TrialState, Sequence[float]] | None = None
    holder: Mapping[str, Any] | None = None

    def add(self, later: Writes) -> None:
        """Takes over all that ``later`` has."""
        self.params |= later.params
        self.user_attrs |= later.user_attrs
        self.system_attrs |= later.system_attrs
        self.intermediate_values |= later.intermediate_values
        self.logged = later.logged or self.logged
        self.end = later.end or self.end
        self.holder = self.holder if later.holder is None else later.holder

    def over(self, trial: FrozenTrial) -> FrozenTrial:
        """The trial as it will be read once this is written."""
        seen = copy.copy(trial)
        distributions = {name: distribution for name, (_, distribution) in self.params.items()}
        seen._distributions = trial._distributions | distributions
        seen._params = trial._params | {
            name: distribution.to_external_repr(value)
            for name, (value, distribution) in self.params.items()
        }
        seen._user_attrs = trial._user_attrs | self.user_attrs
        seen._system_attrs = trial._system_attrs | self.system_attrs
        seen.intermediate_values = trial.intermediate_values | self.intermediate_values
        return seen

    def store(self, connection: sa.Connection, trial_id: int, *, again: bool = False) -> None:
        """Writes it all, in the connection's transaction.

        Args:
            connection: In a transaction.
            trial_id: A running trial.
            again: All of it may stand there already, from a transaction whose end was not heard.

        Raises:
            KeyError: There is no such trial.
            UpdateFinishedTrialError: The trial has ended.
            TrialLost: It does not bear the holder's lease any more, or is not there.
        """
        found = connection.execute(_STATE, {"trial_id": trial_id}).one_or_none()
        if found is None and self.holder is not None:
            raise TrialLost("The trial has been deleted.")
        if found is None:
            raise KeyError(models.NOT_FOUND_MSG)
        if again and self.end is not None and found.state is self.end[0]:
            return
        if found.state.is_finished():
            raise UpdateFinishedTrialError(
                f"Trial#{found.number} has already finished and can not be updated."
            )
        if self.holder is not None and parsed(found.lease) != self.holder:
            raise TrialLost(f"Trial#{found.number} is run by another process now.")
        if self.params:
            rows = [_param(trial_id, name, *param) for name, param in self.params.items()]
            if again:
                replace_rows(
                    connection, models.TrialParamModel, models.TrialParamModel.param_name, rows
                )
            else:
                connection.execute(sa.insert(models.TrialParamModel), rows)
        for attr, attrs in (
            (models.TrialUserAttributeModel, self.user_attrs),
            (models.TrialSystemAttributeModel, self.system_attrs),
        ):
            rows = [
                {"trial_id": trial_id, "key": key, "value_json": json.dumps(value)}
                for key, value in attrs.items()
            ]
            replace_rows(connection, attr, attr.key, rows)
        step = models.TrialIntermediateValueModel
        rows = [_step(trial_id, *reported) for reported in self.intermediate_values.items()]
        replace_rows(connection, step, step.step, rows)
        if self.logged:
            row = {"trial_id": trial_id} | pack(self.logged)
            replace_rows(connection, CurvesModel, CurvesModel.trial_id, [row])
        if self.end is not None:
            self._store_end(connection, trial_id, *self.end)

    def _store_end(
        self, connection: sa.Connection, trial_id: int, state: TrialState, values: Sequence[float]
    ) -> None:
        value = models.TrialValueModel
        rows = [_value(trial_id, *told) for told in enumerate(values)]
        replace_rows(connection, value, value.objective, rows)
        # The time as Optuna stores it: UTC, without a time zone.
        now = datetime.now(UTC).replace(tzinfo=None)
        end = {"ended": trial_id, "new_state": state, "now": now}
        ended = connection.execute(_END, end)
        # SQLite has locked nothing before the first change: another process may have ended it.
        if cast("sa.CursorResult[Any]", ended).rowcount != 1:
            raise UpdateFinishedTrialError("The trial has finished and can not be updated.")


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


_SIGNATURE = sa.select(models.TrialUserAttributeModel.value_json).where(
    models.TrialUserAttributeModel.trial_id == models.TrialModel.trial_id,
    models.TrialUserAttributeModel.key == "worker",
)
borne_lease = sa.func.coalesce(_SIGNATURE.correlate(models.TrialModel).scalar_subquery(), "{}")
"""A trial's lease as JSON, of an empty one if it bears none."""

_STATE = (
    sa.select(models.TrialModel.number, models.TrialModel.state, borne_lease.label("lease"))
    .where(models.TrialModel.trial_id == sa.bindparam("trial_id"))
    .with_for_update()
)
_END = (
    sa.update(models.TrialModel)
    .where(
        models.TrialModel.trial_id == sa.bindparam("ended"),
        models.TrialModel.state.in_((TrialState.RUNNING, TrialState.WAITING)),
    )
    .values(
        {
            models.TrialModel.state: sa.bindparam("new_state"),
            models.TrialModel._datetime_complete_utc: sa.bindparam("now"),
        }
    )
)
