"""The sampler of a confirmation: decides which candidate is trained next, with which seed.

It decides from what the study holds, see :mod:`tuner.search.racing`, so that any number of workers
may ask, and one that was killed leaves nothing undone. What it decides is stored with the trial:
its role, its candidate (``origin``), its ``repeat``, the ``seed``, and the ``division`` of rows.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import optuna
from optuna.distributions import BaseDistribution
from optuna.samplers import BaseSampler
from optuna.trial import FrozenTrial, TrialState

from tuner.errors import SpecError, TrialFailed
from tuner.search.racing import Race, standing
from tuner.space import Left
from tuner.spec.models import Objective
from tuner.spec.role import Role
from tuner.storage.attributes import (
    CONFIRMS,
    StoredCandidate,
    StoredConfirmation,
    confirmed_by,
)
from tuner.storage.backend import Storage, Writes


def repeat_seed(seed: int, repeat: int, what: str = "seed") -> int:
    """Returns the seed of a repeat: 32 bits, from another sequence than those of the search.

    Args:
        seed: The study's.
        repeat: From 0.
        what: What is seeded: the training, or the division of the rows.
    """
    digest = hashlib.sha256(f"confirm {what}:{seed}:{repeat}".encode()).digest()
    return int.from_bytes(digest[:4], "big")


@dataclass(frozen=True)
class Repeat:
    """A trial of a confirmation.

    Attributes:
        candidate: Its name.
        number: Which repeat, from 0.
        trial: As Optuna has it.
    """

    candidate: str
    number: int
    trial: FrozenTrial


def repeats_of(trials: Iterable[FrozenTrial], stored: StoredConfirmation) -> list[Repeat]:
    """Returns the trials that train a candidate again, each pair of candidate and repeat once.

    A finished trial stands for its pair before one that is under way; of equals the first.
    """
    names = {candidate.name for candidate in stored.candidates}
    found: dict[tuple[str, int], Repeat] = {}
    order = sorted(trials, key=lambda one: (_rank(one), one.number))
    for trial in order:
        candidate, number = trial.user_attrs.get("origin"), trial.user_attrs.get("repeat")
        if candidate in names and isinstance(number, int):
            found.setdefault((candidate, number), Repeat(candidate, number, trial))
    return list(found.values())


def _rank(trial: FrozenTrial) -> int:
    order = (TrialState.COMPLETE, TrialState.FAIL, TrialState.RUNNING, TrialState.WAITING)
    return order.index(trial.state) if trial.state in order else len(order)


def race_of(repeats: Iterable[Repeat], stored: StoredConfirmation, objective: Objective) -> Race:
    """Returns how the race stands.

    Args:
        repeats: All trials, see :func:`repeats_of`.
        stored: The confirmation.
        objective: Of the study.
    """
    losses: dict[str, dict[int, float]] = {one.name: {} for one in stored.candidates}
    failed: dict[str, int] = {}
    for repeat in repeats:
        trial, name, number = repeat.trial, repeat.candidate, repeat.number
        if trial.state is TrialState.COMPLETE and trial.values and math.isfinite(trial.values[0]):
            losses[name][number] = objective.loss(trial.values[0])
        elif trial.state.is_finished():
            failed[name] = min(number, failed.get(name, number))
    return standing(losses, failed, stored.repeats, stored.overlap)


class RaceLeft(Left):
    """What is left of a confirmation."""

    def words(self) -> str:
        """See `Left`."""
        return "every candidate that can still win has had all its repeats"


class RaceCount:
    """Counts what is left to train of a confirmation."""

    def __init__(self, objective: Objective) -> None:
        """Prepares.

        Args:
            objective: Of the study.
        """
        self._objective = objective

    def left(self, study: optuna.Study) -> Left:
        """Returns what is left; nothing of a study that is no confirmation."""
        trials = study.get_trials(deepcopy=False)
        states = [trial.state for trial in trials]
        stored = confirmed_by(study.user_attrs, study.study_name)
        open_pairs = [] if stored is None else _open_pairs(trials, stored, self._objective)
        undecided = sum(map(_is_undecided, trials))
        return RaceLeft(
            untried=max(0, len(open_pairs) - undecided),
            waiting=states.count(TrialState.WAITING),
            running=states.count(TrialState.RUNNING),
            total=0 if stored is None else len(stored.candidates) * stored.repeats,
        )


def _open_pairs(
    trials: Iterable[FrozenTrial], stored: StoredConfirmation, objective: Objective
) -> list[tuple[str, int]]:
    """Returns the candidates and repeats that no trial has, in the order of their training."""
    repeats = repeats_of(trials, stored)
    taken = {(one.candidate, one.number) for one in repeats}
    race = race_of(repeats, stored, objective)
    return [pair for pair in race.pairs() if pair not in taken]


def _is_undecided(trial: FrozenTrial) -> bool:
    """Returns whether a trial will be given a candidate, and has none yet."""
    unfinished = trial.state in (TrialState.RUNNING, TrialState.WAITING)
    return unfinished and not _is_decided(trial)


def _is_decided(trial: FrozenTrial) -> bool:
    # A trial that a person has enqueued keeps the parameters that it was enqueued with.
    return "repeat" in trial.user_attrs or "fixed_params" in trial.system_attrs


class ConfirmingSampler(BaseSampler):
    """See the module.

    Of trials that are asked for at the same moment each takes another pair of candidate and
    repeat: the one with the lowest number the first that is open, the next one the second.
    """

    def __init__(self, objective: Objective, seed: int) -> None:
        """Prepares.

        Args:
            objective: Of the study.
            seed: Of the study.
        """
        self._objective = objective
        self._seed = seed
        self._params: Mapping[str, Any] | None = None

    def before_trial(self, study: optuna.Study, trial: FrozenTrial) -> None:
        """Decides what the trial trains, and stores that with it."""
        stored = confirmed_by(study.user_attrs, study.study_name)
        if stored is None:
            raise SpecError(f"study '{study.study_name}' confirms no other: its {CONFIRMS} is gone")
        by_name = {one.name: one for one in stored.candidates}
        self._params = None
        if "repeat" in trial.user_attrs:  # an earlier attempt at it has been given back
            if (earlier := by_name.get(trial.user_attrs.get("origin", ""))) is not None:
                self._params = earlier.params
            return
        if _is_decided(trial):
            return
        trials = study._storage.get_all_trials(study._study_id, deepcopy=False)
        ahead = sum(_is_undecided(one) and one.number < trial.number for one in trials)
        others = [one for one in trials if one.number != trial.number]
        open_pairs = _open_pairs(others, stored, self._objective)
        if ahead < len(open_pairs):
            name, repeat = open_pairs[ahead]
            self._params = by_name[name].params
            self._store(study, trial, self._attrs(by_name[name], repeat, stored))

    def _attrs(
        self, candidate: StoredCandidate, repeat: int, stored: StoredConfirmation
    ) -> dict[str, Any]:
        attrs: dict[str, Any] = {
            "role": Role.CONFIRM.value,
            "origin": candidate.name,
            "repeat": repeat,
            "seed": repeat_seed(self._seed, repeat),
        }
        if stored.fresh_splits:
            attrs["division"] = repeat_seed(self._seed, repeat, "division")
        if candidate.is_reference:
            attrs["runs_all_epochs"] = True
        return attrs

    @staticmethod
    def _store(study: optuna.Study, trial: FrozenTrial, attrs: dict[str, Any]) -> None:
        storage = study._storage
        if isinstance(storage, Storage):
            storage.write(trial._trial_id, Writes(user_attrs=attrs))
        else:  # Optuna's own, in memory
            for key, value in attrs.items():
                storage.set_trial_user_attr(trial._trial_id, key, value)
        # Optuna has read the trial before it asks the sampler, and does not read it again.
        for key, value in attrs.items():
            trial.set_user_attr(key, value)

    def infer_relative_search_space(
        self, study: optuna.Study, trial: FrozenTrial
    ) -> dict[str, BaseDistribution]:
        return {}

    def sample_relative(
        self, study: optuna.Study, trial: FrozenTrial, search_space: dict[str, BaseDistribution]
    ) -> dict[str, Any]:
        return {}

    def sample_independent(
        self,
        study: optuna.Study,
        trial: FrozenTrial,
        param_name: str,
        param_distribution: BaseDistribution,
    ) -> Any:
        if self._params is None or param_name not in self._params:
            raise TrialFailed("every candidate that can still win is trained or under way")
        return self._params[param_name]
