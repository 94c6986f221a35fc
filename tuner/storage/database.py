"""One open database: what tuner reads and writes there beside Optuna's own calls."""

from __future__ import annotations

import shlex
import zlib
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import optuna
from optuna.exceptions import UpdateFinishedTrialError
from optuna.trial import TrialState

from tuner.errors import SpecError, StorageError, UnknownNameError
from tuner.spec import Role
from tuner.storage.backend import Writes
from tuner.storage.curves import Curves, Logs
from tuner.storage.error_mapping import storage_errors
from tuner.storage.open_database import OpenDatabase
from tuner.storage.openings import Opening
from tuner.storage.taker import RunningTrial, TrialLost
from tuner.wording import hint

__all__ = ["Database", "RunningTrial"]


class Database(OpenDatabase):
    """An open database with its studies and trials."""

    def study(self, name: str) -> optuna.Study:
        """Loads a stored study.

        Raises:
            UnknownNameError: No study of that name is stored.
            SpecError: Its direction is none.
        """
        with storage_errors(self.url):
            try:
                return optuna.load_study(study_name=name, storage=self.storage)
            except KeyError:
                raise UnknownNameError(self._no_study(name)) from None
            except LookupError as exc:
                raise SpecError(f"stored study {name}: its direction is damaged: {exc}") from exc

    def find_study(self, name: str) -> optuna.Study | None:
        """The stored study of that name, or None."""
        return self.study(name) if name in self.study_names() else None

    def study_names(self) -> list[str]:
        """The names of all stored studies, oldest first."""
        with storage_errors(self.url):
            return self.storage.study_names()

    def study_attrs(self, study: optuna.Study) -> dict[str, Any]:
        """The user attributes of the study, as they are stored now."""
        with storage_errors(self.url):
            return self.storage.study_attrs(study._study_id)

    def counts(self, study: optuna.Study) -> dict[TrialState, int]:
        """How many trials of the study are in each state; absent states count 0.

        Raises:
            StorageError: The database cannot be read, or is not the file that was opened.
        """
        self.require_same_file()
        with storage_errors(self.url):
            found = self.storage.counts(study._study_id)
        return {state: found.get(state, 0) for state in TrialState}

    def studies_with(self, key: str) -> list[tuple[str, Any, dict[TrialState, int]]]:
        """The studies that have a user attribute: name, its value, and trials by state.

        Raises:
            StorageError: The database cannot be read, or is not the file that was opened.
        """
        self.require_same_file()
        with storage_errors(self.url):
            found = self.storage.studies_with(key)
        nothing = dict.fromkeys(TrialState, 0)
        return [(name, value, nothing | counts) for name, value, counts in found]

    def running(self, study: optuna.Study) -> list[RunningTrial]:
        """The trials of the study in the state RUNNING, of tuner and of other programs.

        Raises:
            SpecError: An attribute of one is not what tuner stores there.
        """
        with storage_errors(self.url):
            try:
                return self.storage.running(study._study_id)
            except SpecError as error:
                raise SpecError(f"stored study {study.study_name}: {error}") from None

    def beat(self, trial_ids: Collection[int]) -> None:
        """Writes a heartbeat of these trials."""
        if trial_ids:
            with storage_errors(self.url):
                self.storage.beat(trial_ids)

    @contextmanager
    def together(self) -> Iterator[None]:
        """Writes what the block writes to a trial in one transaction; nothing if it raises.

        A trial that ends in the block ends in the same transaction.
        """
        with storage_errors(self.url), self.storage.together():
            yield

    def write_attrs(self, trial_id: int, attrs: Mapping[str, Any]) -> None:
        """Writes several user attributes of a trial in one transaction."""
        with storage_errors(self.url):
            self.storage.write(trial_id, Writes(user_attrs=dict(attrs)))

    def write_values(self, trial_id: int, values: Mapping[int, float]) -> None:
        """Writes intermediate values, step to value, in one transaction."""
        if values:
            with storage_errors(self.url):
                self.storage.write(trial_id, Writes(intermediate_values=dict(values)))

    def write_curves(self, trial_id: int, logged: Sequence[Logs]) -> None:
        """Writes a trial's curves in place of those of an earlier attempt at it.

        Args:
            trial_id: A running trial.
            logged: What each epoch logged, the first epoch first.
        """
        if logged:
            with storage_errors(self.url):
                self.storage.write(trial_id, Writes(logged=logged))

    def curves(self, study: optuna.Study, number: int) -> Curves:
        """The curves of a trial; empty before it has ended, or if tuner did not run it.

        Raises:
            UnknownNameError: There is no trial of that number.
            StorageError: The curves are damaged.
        """
        with storage_errors(self.url):
            try:
                trial_id = self.storage.get_trial_id_from_study_id_trial_number(
                    study._study_id, number
                )
            except KeyError:
                raise UnknownNameError(
                    f"{study.study_name} has no trial {number}; "
                    f"see: tuner trials {shlex.quote(study.study_name)}"
                ) from None
            try:
                return self.storage.curves(trial_id)
            except (ValueError, TypeError, KeyError, zlib.error) as error:
                raise StorageError(
                    f"the curves of trial {number} of {study.study_name} in {self} are damaged "
                    f"({error}); the trial itself is not: "
                    f"tuner trials {shlex.quote(study.study_name)}"
                ) from error

    def store_opening(self, opening: Opening) -> None:
        """Stores an opening of a test split in place of the one with its identifier.

        Raises:
            UnknownNameError: The study is not stored, and this is a proxy, which can store openings
                with their study only.
            StorageError: The database cannot be written.
        """
        self.require_same_file()
        with storage_errors(self.url):
            try:
                self.storage.store_opening(opening)
            except KeyError:
                raise UnknownNameError(self._no_study(opening.study)) from None

    def openings(self, study: str, data_fingerprint: str) -> list[Opening]:
        """The openings of the test split of a study, oldest first; writes nothing.

        Args:
            study: Its name. It need not be stored any more: its openings outlive it.
            data_fingerprint: Of the data; a study of the same name with other data has others.

        Raises:
            SpecError: One of them is not what tuner stores there.
        """
        with storage_errors(self.url):
            found = self.storage.openings(study)
        return [one for one in found if one.data_fingerprint == data_fingerprint]

    def require_own(self, trial_id: int) -> None:
        """Makes sure that this process still runs a trial that it has claimed.

        A machine may sleep, or be disconnected, until its trials are requeued.

        Raises:
            TrialLost: It does not.
        """
        with storage_errors(self.url):
            trial = self.storage.get_trial(trial_id)
        if trial.state is not TrialState.RUNNING or trial.user_attrs.get("worker") != self._lease:
            raise TrialLost(f"The trial with id {trial_id} is no longer run by this process.")

    def write_to_held(
        self,
        trial_id: int,
        lease: Mapping[str, Any],
        attrs: Mapping[str, Any],
        end: TrialState | None = None,
        system_attrs: Mapping[str, Any] | None = None,
    ) -> bool:
        """Writes user attributes of a trial that is run elsewhere, and ends it if asked to.

        Args:
            trial_id: The trial.
            lease: That it is thought to have; an empty one of a trial that has none.
            attrs: The attributes.
            end: The state that it ends in.
            system_attrs: Optuna's attributes of it.

        Returns:
            False, with nothing written, if no process of that lease runs it any more.
        """
        ending = None if end is None else (end, ())
        writes = Writes(
            user_attrs=dict(attrs), system_attrs=dict(system_attrs or {}), end=ending, holder=lease
        )
        with storage_errors(self.url):
            try:
                self.storage.store(trial_id, writes)
            except UpdateFinishedTrialError:
                return False
        return True

    def give_back(self, trial_id: int, lease: Mapping[str, Any]) -> bool:
        """Requeues a running trial, with its number and parameters.

        Args:
            trial_id: The trial.
            lease: That it must have; an empty one of a trial that has none.

        Returns:
            False if no process of that lease runs it any more.
        """
        with storage_errors(self.url):
            return self.storage.give_back(trial_id, lease)

    def enqueue_references(
        self,
        study: optuna.Study,
        references: Mapping[str, Mapping[str, Any]],
        defaults: Collection[str] = (),
    ) -> None:
        """Queues the parameters of each reference that is not in the study yet, by its name.

        Args:
            study: The study.
            references: Name to parameters.
            defaults: The names of those with the role ``default``.
        """
        trials = {
            name: optuna.trial.create_trial(
                state=TrialState.WAITING,
                user_attrs={
                    "role": (Role.DEFAULT if name in defaults else Role.REFERENCE).value,
                    "origin": name,
                },
                system_attrs={"fixed_params": dict(params)},  # as Optuna's enqueue_trial
            )
            for name, params in references.items()
        }
        with storage_errors(self.url):
            self.storage.enqueue_once(study._study_id, trials)

    def _no_study(self, name: str) -> str:
        names = self.study_names()
        if not names:
            return f"no study is stored in {self}; start one with: tuner run {shlex.quote(name)}"
        return f"no study '{name}' is stored in {self}; {hint(name, names, 'stored studies')}"
