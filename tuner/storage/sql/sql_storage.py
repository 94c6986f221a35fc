"""Optuna's storage over a database, with what several processes at one study need.

Studies are left to Optuna's :class:`~optuna.storages.RDBStorage`. Trials are claimed, read and
written here, in Optuna's tables: Optuna's own makes ORM objects of six tables, and takes a
transaction for each parameter, attribute and value.
"""

from __future__ import annotations

import copy
import json
import threading
from collections.abc import Callable, Container, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import sqlalchemy as sa
from optuna.distributions import BaseDistribution, check_distribution_compatibility
from optuna.storages import RDBStorage
from optuna.trial import FrozenTrial, TrialState

from tuner.storage.backend import Storage, Writes
from tuner.storage.optuna_private import TRIALS, models
from tuner.storage.retrying import RetryPolicy, retried
from tuner.storage.sql import claims
from tuner.storage.sql.curve_table import copy_curves
from tuner.storage.sql.known_trials import KnownTrials
from tuner.storage.sql.queries import SqlQueries
from tuner.storage.sql.reads import load_trial, load_trials, require_study, stored_distribution
from tuner.storage.sql.writes import already_finished, store
from tuner.storage.taker import Taker


class SqlStorage(SqlQueries, Storage):
    """Trials are claimed by one process only, written in groups, and read once when finished.

    Attributes:
        engine: Of the database.
    """

    def __init__(self, opened: Callable[[], RDBStorage], taker: Taker, retry: RetryPolicy) -> None:
        """Opens the database.

        Args:
            opened: Opens Optuna's storage; called again where this one is unpickled.
            taker: The lease for claimed trials, and how many may be claimed.
            retry: How long a server that does not answer is retried.
        """
        super().__init__(taker, retry)
        self._opened = opened
        self._open(opened())
        self._known: dict[int, KnownTrials] = {}
        self._where: dict[int, tuple[int, int]] = {}  # trial's identifier → study's, number
        self._lock = threading.Lock()

    def __reduce__(self) -> tuple[Any, ...]:
        return SqlStorage, (self._opened, self.taker, self.retry)

    def delete_study(self, study_id: int) -> None:
        with self._lock:
            known = self._known.pop(study_id, KnownTrials())
            for trial in known.by_number.values():
                self._where.pop(trial._trial_id, None)
        super().delete_study(study_id)

    # Claims

    def create_new_trial(self, study_id: int, template_trial: FrozenTrial | None = None) -> int:
        """As Optuna's; a new trial without a template is claimed at once.

        A trial that is copied keeps its curves: optuna-dashboard renames a study by copying it.

        Raises:
            NoneOpen: The trial is one too many.
        """
        if template_trial is None:
            trial_id, number = self.retry.call(lambda again: self._begin(study_id, again))
            self._where[trial_id] = (study_id, number)
            return trial_id
        trial_id = self._studies.create_new_trial(study_id, template_trial)
        if template_trial.state.is_finished():
            with self.engine.begin() as connection:
                copy_curves(connection, template_trial, trial_id)
        return trial_id

    def _begin(self, study_id: int, again: bool) -> tuple[int, int]:
        with self.engine.begin() as connection:
            claims.lock(connection, study_id)
            if again:
                claims.requeue_own(connection, study_id, self.taker)
            return claims.begin(connection, study_id, self.taker)

    def _claim(self, trial_id: int, again: bool) -> bool:
        query = sa.select(TRIALS.c.study_id, TRIALS.c.state, TRIALS.c.number)
        with self.engine.begin() as connection:
            found = connection.execute(query.where(TRIALS.c.trial_id == trial_id)).one_or_none()
            if found is None:
                raise KeyError(f"Trial {trial_id} does not exist.")
            if found.state.is_finished():
                raise already_finished(found.number)
            claims.lock(connection, found.study_id)
            if again:
                claims.requeue_own(connection, found.study_id, self.taker)
            return claims.claim(connection, found.study_id, trial_id, self.taker)

    def give_back(self, trial_id: int, lease: Mapping[str, Any] | None) -> bool:
        back = claims.change(trial_id, TrialState.RUNNING, TrialState.WAITING)
        if lease is not None:
            back = back.where(claims.has_lease(lease))
        state = sa.select(TRIALS.c.state).where(TRIALS.c.trial_id == trial_id)

        def attempt(again: bool) -> bool:
            with self.engine.begin() as connection:
                # Again: an earlier attempt may have been stored without an answer.
                return claims.changed(connection, back) or (
                    again and connection.scalar(state) is TrialState.WAITING
                )

        return self.retry.call(attempt)

    @retried
    def enqueue_once(self, study_id: int, trials: Mapping[str, FrozenTrial]) -> None:
        """Adds the waiting trials whose attribute ``origin`` no trial of the study has yet.

        Args:
            study_id: The study, of which several runs may begin at the same time.
            trials: By their origin.
        """
        attr, study = models.TrialUserAttributeModel, models.StudyModel
        known = sa.select(attr.value_json).join(TRIALS, TRIALS.c.trial_id == attr.trial_id)
        known = known.where(TRIALS.c.study_id == study_id, attr.key == "origin")
        # Locks the study's row; in SQLite, where reading locks nothing, the file.
        rename = sa.update(study).where(study.study_id == study_id)
        with self.engine.begin() as connection:
            connection.execute(rename.values(study_name=study.study_name))
            present = set(connection.scalars(known))
            for origin, trial in trials.items():
                if json.dumps(origin) not in present:
                    claims.enqueue(connection, study_id, trial.user_attrs, trial.system_attrs)

    # Writes

    @contextmanager
    def together(self) -> Iterator[None]:
        """As declared; what is decided inside it is decided on one reading of the study.

        Otherwise a sampler or pruner of Optuna's reads the same trials several times.
        """
        with super().together():
            self._forget_reading()
            yield

    def store(self, trial_id: int, writes: Writes) -> None:
        if writes.holder is None:
            writes.holder = self.taker.lease

        def attempt(again: bool) -> None:
            with self.engine.begin() as connection:
                store(connection, trial_id, writes, again=again)

        self.retry.call(attempt)
        self._forget_reading()

    def set_trial_param(
        self,
        trial_id: int,
        param_name: str,
        param_value_internal: float,
        distribution: BaseDistribution,
    ) -> None:
        """As Optuna's, with the same check that the study's distributions agree."""
        study_id, _ = self._position(trial_id)
        known = self._known_trials(study_id)
        first = known.distributions.get(param_name)
        if first is None:
            first = self._stored(study_id, param_name)
        try:
            check_distribution_compatibility(first or distribution, distribution)
        except ValueError:
            self.check_trial_is_updatable(trial_id, self.get_trial(trial_id).state)
            raise
        self.write(trial_id, Writes(params={param_name: (param_value_internal, distribution)}))
        known.distributions.setdefault(param_name, first or distribution)

    @retried
    def _stored(self, study_id: int, name: str) -> BaseDistribution | None:
        with self.reading() as connection:
            return stored_distribution(connection, study_id, name)

    def set_trial_state_values(
        self, trial_id: int, state: TrialState, values: Sequence[float] | None = None
    ) -> bool:
        """As Optuna's; a claim cannot succeed twice, and a trial ends together with what waits.

        Optuna reads the state and then writes it; SQLite has no ``SELECT … FOR UPDATE``, so
        two processes may both read WAITING there.

        Raises:
            NoneOpen: Claimed, the trial would be one too many.
        """
        if state.is_finished():
            self.end(trial_id, state, values)
            return True
        if state is TrialState.RUNNING:
            return self.retry.call(lambda again: self._claim(trial_id, again))
        self.check_trial_is_updatable(trial_id, self.get_trial(trial_id).state)
        self.give_back(trial_id, None)
        return True

    # Reads

    def get_trial(self, trial_id: int) -> FrozenTrial:
        if trial_id in self._where:
            study_id, number = self._where[trial_id]
            if self._is_grouping:
                self._read(study_id)
            trial = self._known_trials(study_id).by_number.get(number)
            if trial is not None and (self._is_grouping or trial.state.is_finished()):
                return self.as_written(trial)
        return self.as_written(self._load(trial_id))

    @retried
    def _load(self, trial_id: int) -> FrozenTrial:
        with self.reading() as connection:
            return load_trial(connection, trial_id)

    def get_all_trials(
        self,
        study_id: int,
        deepcopy: bool = True,
        states: Container[TrialState] | None = None,
    ) -> list[FrozenTrial]:
        """As Optuna's, in the order of the trials' numbers."""
        self._read(study_id)
        with self._lock:
            by_number = dict(self._known[study_id].by_number)
        for trial_id in self._waiting:
            its_study, number = self._position(trial_id)
            if its_study == study_id:
                by_number[number] = self.as_written(by_number[number])
        trials = [by_number[number] for number in sorted(by_number)]
        if states is not None:
            trials = [trial for trial in trials if trial.state in states]
        return copy.deepcopy(trials) if deepcopy else trials

    def get_trial_id_from_study_id_trial_number(self, study_id: int, trial_number: int) -> int:
        known = self._known_trials(study_id).by_number.get(trial_number)
        if known is not None:
            return known._trial_id
        find = self._studies.get_trial_id_from_study_id_trial_number
        return self._retried(find, study_id, trial_number)

    def _read(self, study_id: int) -> None:
        """Reads what is new in a study; once in a group of writes, so that one reading decides.

        Raises:
            KeyError: There is no such study.
        """
        known = self._known_trials(study_id)
        if self._is_grouping and known.is_fresh:
            return
        with self._lock:
            loaded = known.read(lambda *wanted: self._load_some(study_id, *wanted))
            for trial in loaded:
                self._where[trial._trial_id] = (study_id, trial.number)
            known.is_fresh = self._is_grouping

    @retried
    def _load_some(self, study_id: int, after: int, among: Iterable[int]) -> list[FrozenTrial]:
        with self.reading() as connection:
            found = load_trials(connection, study_id, after=after, among=among)
            if not found and after < 0:
                require_study(connection, study_id)
            return found

    def _position(self, trial_id: int) -> tuple[int, int]:
        """The study's identifier and the number of a trial.

        Raises:
            KeyError: There is no such trial.
        """
        if trial_id not in self._where:
            query = sa.select(TRIALS.c.study_id, TRIALS.c.number)
            found = self.rows(query.where(TRIALS.c.trial_id == trial_id))
            if not found:
                raise KeyError(f"Trial {trial_id} does not exist.")
            self._where[trial_id] = (int(found[0][0]), int(found[0][1]))
        return self._where[trial_id]

    def _known_trials(self, study_id: int) -> KnownTrials:
        with self._lock:
            return self._known.setdefault(study_id, KnownTrials())

    def _forget_reading(self) -> None:
        for known in self._known.values():
            known.is_fresh = False
