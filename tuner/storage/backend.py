"""What tuner asks of a storage: Optuna's own questions, a few more, and writes in groups.

:mod:`tuner.storage.sql` answers them of a database that SQL reaches, :mod:`tuner.storage.proxy` of
one behind Optuna's gRPC proxy.
"""

from __future__ import annotations

import copy
from abc import abstractmethod
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from optuna.distributions import BaseDistribution
from optuna.storages import BaseStorage
from optuna.trial import FrozenTrial, TrialState

from tuner.storage.curves import Curves, Logs
from tuner.storage.openings import Opening
from tuner.storage.retrying import RetryPolicy
from tuner.storage.taker import RunningTrial, Taker


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
        holder: The lease that the trial must have, an empty one for none; None for any.
    """

    params: dict[str, tuple[float, BaseDistribution]] = field(default_factory=dict)
    user_attrs: dict[str, Any] = field(default_factory=dict)
    system_attrs: dict[str, Any] = field(default_factory=dict)
    intermediate_values: dict[int, float] = field(default_factory=dict)
    logged: Sequence[Logs] | None = None
    end: tuple[TrialState, Sequence[float]] | None = None
    holder: Mapping[str, Any] | None = None

    def add(self, later: Writes) -> None:
        """Adds all that ``later`` has."""
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
        seen.params = trial.params | {
            name: distribution.to_external_repr(value)
            for name, (value, distribution) in self.params.items()
        }
        seen.distributions = trial.distributions | {
            name: distribution for name, (_, distribution) in self.params.items()
        }
        seen.user_attrs = trial.user_attrs | self.user_attrs
        seen.system_attrs = trial.system_attrs | self.system_attrs
        seen.intermediate_values = trial.intermediate_values | self.intermediate_values
        return seen


class Storage(BaseStorage):
    """A storage of Optuna's interface whose writes to trials can be grouped.

    Inside :meth:`together` writes wait until its end, or until their trial ends. This process
    reads them already, others do not.

    Attributes:
        taker: The lease for claimed trials, and how many may be claimed.
        retry: How long a server that does not answer is retried.
    """

    def __init__(self, taker: Taker, retry: RetryPolicy) -> None:
        self.taker = taker
        self.retry = retry
        self._is_grouping = False
        self._waiting: dict[int, Writes] = {}

    @abstractmethod
    def store(self, trial_id: int, writes: Writes) -> None:
        """Writes to a running trial, now.

        Raises:
            KeyError: There is no such trial.
            UpdateFinishedTrialError: The trial has ended.
            TrialLost: This process, or the given holder, does not run it any more.
        """

    @contextmanager
    def together(self) -> Iterator[None]:
        """Writes what the block writes to a trial together; nothing if it raises.

        For one thread; a block inside another one belongs to that.
        """
        if self._is_grouping:
            yield
            return
        self._is_grouping = True
        try:
            yield
            for trial_id in list(self._waiting):
                self.store(trial_id, self._waiting.pop(trial_id))
        finally:
            self._is_grouping = False
            self._waiting.clear()

    def write(self, trial_id: int, writes: Writes) -> None:
        """Writes to a running trial: now, or at the end of the block of :meth:`together`.

        Raises:
            KeyError: There is no such trial.
            UpdateFinishedTrialError: The trial has ended.
        """
        if self._is_grouping:
            self._waiting.setdefault(trial_id, Writes()).add(writes)
        else:
            self.store(trial_id, writes)

    def end(self, trial_id: int, state: TrialState, values: Sequence[float] | None) -> None:
        """Ends a trial together with what waits to be written to it."""
        writes = self._waiting.pop(trial_id, Writes())
        writes.end = (state, values or ())
        self.store(trial_id, writes)

    def set_trial_user_attr(self, trial_id: int, key: str, value: Any) -> None:
        self.write(trial_id, Writes(user_attrs={key: value}))

    def set_trial_system_attr(self, trial_id: int, key: str, value: Any) -> None:
        self.write(trial_id, Writes(system_attrs={key: value}))

    def set_trial_intermediate_value(
        self, trial_id: int, step: int, intermediate_value: float
    ) -> None:
        self.write(trial_id, Writes(intermediate_values={step: intermediate_value}))

    def as_written(self, trial: FrozenTrial) -> FrozenTrial:
        """The trial with what waits to be written to it."""
        writes = self._waiting.get(trial._trial_id)
        return writes.over(trial) if writes else trial

    @abstractmethod
    def check(self, shown: str) -> None:
        """Refuses tables of our own that are of a newer tuner; ``shown`` is the database's name."""

    @abstractmethod
    def prepare(self, shown: str) -> None:
        """Brings the tables of our own to their newest form; ``shown`` is the database's name."""

    @abstractmethod
    def study_names(self) -> list[str]:
        """The names of all studies, oldest first."""

    @abstractmethod
    def study_attrs(self, study_id: int) -> dict[str, Any]:
        """The user attributes of a study, as they are stored now."""

    @abstractmethod
    def studies_with(self, key: str) -> list[tuple[str, Any, dict[TrialState, int]]]:
        """The studies that have a user attribute: name, its value, and :meth:`counts`."""

    @abstractmethod
    def counts(self, study_id: int) -> dict[TrialState, int]:
        """How many trials are in each state; states without one may be absent."""

    @abstractmethod
    def running(self, study_id: int) -> list[RunningTrial]:
        """The trials in the state RUNNING."""

    @abstractmethod
    def beat(self, trial_ids: Collection[int]) -> None:
        """Writes a heartbeat of these trials."""

    @abstractmethod
    def curves(self, trial_id: int) -> Curves:
        """The curves of a trial; empty if none are stored."""

    @abstractmethod
    def store_opening(self, opening: Opening) -> None:
        """Stores an opening of a test split in place of the one with its identifier."""

    @abstractmethod
    def openings(self, study: str) -> list[Opening]:
        """The openings of the test split of a study, by its name, oldest first."""

    @abstractmethod
    def give_back(self, trial_id: int, lease: Mapping[str, Any]) -> bool:
        """Requeues a running trial; False if no process of that lease runs it now."""

    @abstractmethod
    def enqueue_once(self, study_id: int, trials: Mapping[str, FrozenTrial]) -> None:
        """Adds the waiting trials, by origin, whose ``origin`` no trial of the study has yet."""

    @abstractmethod
    def close(self) -> None:
        """Closes the connections."""
