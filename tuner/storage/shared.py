"""Optuna's storage, with what several processes at one study need."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, cast

import sqlalchemy as sa
from optuna.storages import RDBStorage
from optuna.storages._rdb import models
from optuna.trial import FrozenTrial, TrialState
from sqlalchemy import orm


class SharedStorage(RDBStorage):
    """Optuna's storage, where a trial is taken by one process only and says by which.

    Attributes:
        lease: Written into every trial in the transaction that takes it, if not None.
    """

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
            changed = cast("sa.CursorResult[Any]", session.execute(statement)).rowcount == 1
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

    def set_trial_intermediate_values(self, trial_id: int, values: Mapping[int, float]) -> None:
        """Writes the values of several steps, none of which is there yet, in one transaction."""
        rows = []
        for step, value in values.items():
            stored, kind = models.TrialIntermediateValueModel.intermediate_value_to_stored_repr(
                value
            )
            rows.append(
                {
                    "trial_id": trial_id,
                    "step": step,
                    "intermediate_value": stored,
                    "intermediate_value_type": kind,
                }
            )
        with self.scoped_session() as session, session.begin():
            session.execute(sa.insert(models.TrialIntermediateValueModel), rows)

    def _get_prepared_new_trial(
        self, study_id: int, template_trial: FrozenTrial | None, session: orm.Session
    ) -> models.TrialModel:
        trial = super()._get_prepared_new_trial(study_id, template_trial, session)
        if template_trial is None:
            self._sign(session, cast(int, trial.trial_id))
        return trial

    def _sign(self, session: orm.Session, trial_id: int) -> None:
        if self.lease is not None:
            self._set_trial_attr_without_commit(
                session, models.TrialUserAttributeModel, trial_id, "worker", self.lease
            )
