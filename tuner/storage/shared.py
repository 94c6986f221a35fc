"""Optuna's storage, with what several processes at one study need."""

from __future__ import annotations

import functools
import json
from collections.abc import Callable, Container, Mapping, Sequence
from typing import Any

import sqlalchemy as sa
from optuna.distributions import BaseDistribution, json_to_distribution
from optuna.storages import BaseStorage
from optuna.storages._rdb import models
from optuna.trial import FrozenTrial, TrialState

from tuner.storage.loading import load_trial, load_trials
from tuner.storage.questions import AskedStorage
from tuner.storage.retrying import Patience
from tuner.storage.taking import Taker, bears, change, changed, lock
from tuner.storage.writing import Writes


class SharedStorage(AskedStorage):
    """Optuna's storage, where a trial is taken by one process only and says by which.

    Attributes:
        taker: Who takes trials, and how many may be taken.
        patience: How long a server that does not answer is tried again.
    """

    taker = Taker()
    patience = Patience()

    def set_trial_state_values(
        self, trial_id: int, state: TrialState, values: Sequence[float] | None = None
    ) -> bool:
        """As Optuna's, but taking a waiting trial cannot succeed twice.

        Optuna reads the state and then writes it; SQLite has no ``SELECT … FOR UPDATE``, so
        two processes may both read WAITING there.

        Raises:
            NoneOpen: Taken, the trial would be one too many.
        """
        if state is TrialState.RUNNING:
            return self.patience.call(lambda again: self._take(trial_id, again))
        return super().set_trial_state_values(trial_id, state, values)

    def give_back(self, trial_id: int, lease: Mapping[str, Any]) -> bool:
        """Puts a running trial back in the queue; False if nobody of that lease runs it now."""
        back = change(trial_id, TrialState.RUNNING, TrialState.WAITING).where(bears(lease))
        with self.engine.begin() as connection:
            return changed(connection, back)

    def enqueue_once(self, study_id: int, trials: Mapping[str, FrozenTrial]) -> None:
        """Adds the waiting trials whose attribute ``origin`` no trial of the study has yet.

        Args:
            study_id: The study, of which several runs may begin at the same time.
            trials: By their origin.
        """
        trial, attr = models.TrialModel, models.TrialUserAttributeModel
        known = sa.select(attr.value_json).join(trial, trial.trial_id == attr.trial_id)
        known = known.where(trial.study_id == study_id, attr.key == "origin")
        with self.scoped_session() as session, session.begin():
            # Locks the study's row; in SQLite, where reading locks nothing, the file.
            study = models.StudyModel
            rename = sa.update(study).where(study.study_id == study_id)
            session.execute(rename.values(study_name=study.study_name))
            present = set(session.scalars(known))
            for origin, template in trials.items():
                if json.dumps(origin) not in present:
                    self._get_prepared_new_trial(study_id, template, session)

    def write(self, trial_id: int, writes: Writes) -> None:
        """Writes to a running trial in one transaction.

        Raises:
            KeyError: There is no such trial.
            UpdateFinishedTrialError: The trial has ended.
            TrialLost: It is not the trial of this process, or of the given holder, any more.
        """
        if writes.holder is None:
            writes.holder = self.taker.lease

        def attempt(again: bool) -> None:
            with self.engine.begin() as connection:
                writes.store(connection, trial_id, again=again)

        self.patience.call(attempt)

    def stored_distribution(self, study_id: int, name: str) -> BaseDistribution | None:
        """The distribution of a parameter in any trial of the study; None if none has it."""
        param, trial = models.TrialParamModel, models.TrialModel
        query = sa.select(param.distribution_json).join(trial, trial.trial_id == param.trial_id)
        query = query.where(trial.study_id == study_id, param.param_name == name).limit(1)
        with self.reading() as connection:
            found = connection.scalars(query).one_or_none()
        return None if found is None else json_to_distribution(found)

    def get_trial(self, trial_id: int) -> FrozenTrial:
        """As Optuna's, read with two queries."""
        with self.reading() as connection:
            return load_trial(connection, trial_id)

    def _get_trials(
        self,
        study_id: int,
        states: Container[TrialState] | None,
        included_trial_ids: set[int],
        trial_id_greater_than: int,
    ) -> list[FrozenTrial]:
        """As Optuna's, read with two queries and a further one for every 500 trials."""
        among = [one for one in included_trial_ids if one <= trial_id_greater_than]
        with self.reading() as connection:
            found = load_trials(connection, study_id, after=trial_id_greater_than, among=among)
        return [trial for trial in found if states is None or trial.state in states]

    def _take(self, trial_id: int, again: bool) -> bool:
        of = sa.select(models.TrialModel.study_id).where(models.TrialModel.trial_id == trial_id)
        with self.engine.begin() as connection:
            study_id = connection.scalar(of)
            if study_id is None:
                raise KeyError(models.NOT_FOUND_MSG)
            lock(connection, study_id)
            if again:
                self.taker.put_back_own(connection, study_id)
            return self.taker.take(connection, study_id, trial_id)

    def _create_new_trial(
        self, study_id: int, template_trial: FrozenTrial | None = None
    ) -> FrozenTrial:
        """As Optuna's, which makes ORM objects; a new trial without a template is taken at once.

        A trial that is copied keeps its curves: optuna-dashboard renames a study by copying it.
        """
        if template_trial is not None:
            created = super()._create_new_trial(study_id, template_trial)
            if template_trial.state.is_finished():
                self.copy_curves(template_trial, created._trial_id)
            return created
        return self.patience.call(lambda again: self._begin_trial(study_id, again))

    def _begin_trial(self, study_id: int, again: bool) -> FrozenTrial:
        with self.engine.begin() as connection:
            lock(connection, study_id)
            if again:
                self.taker.put_back_own(connection, study_id)
            return load_trial(connection, self.taker.begin(connection, study_id))


def _patient(method: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(method)
    def call(self: SharedStorage, *args: Any, **options: Any) -> Any:
        return self.patience.call(lambda _again: method(self, *args, **options))

    return call


# All that is asked of the database once it is open, but for what knows that it is tried again.
for _name in {
    *BaseStorage.__abstractmethods__,
    *("_get_trials", "rows", "stored_distribution", "give_back", "beat", "enqueue_once", "curves"),
    "check",
} - {"set_trial_state_values", "create_new_trial"}:
    setattr(SharedStorage, _name, _patient(getattr(SharedStorage, _name)))
