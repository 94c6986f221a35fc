"""Every combination of a finite search space once: what a study asks for by ``bruteforce``.

Optuna's BruteForceSampler learns the space from the stored trials. A trial that failed before it
had parameters, or one that was added by hand, makes it raise for every trial after; workers that
ask at the same time may be given the same combination; and it ends by ``Study.stop``, which exists
only inside ``Study.optimize``. The space is known here, so none of this has to be.
"""

from __future__ import annotations

import random
from collections.abc import Iterable, Iterator
from functools import lru_cache
from typing import Any

import optuna
from optuna.distributions import BaseDistribution
from optuna.samplers import BaseSampler
from optuna.trial import FrozenTrial, TrialState

from tuner.errors import TrialFailed
from tuner.space import Coverage, Left, SearchSpace, Tried
from tuner.space.combinations import Combinations
from tuner.storage.taker import BEAT

_SHUFFLED = 100_000  # up to this size all positions are shuffled; beyond, they are drawn


class ExhaustiveSampler(BaseSampler):
    """Tries every combination once, in an order that the seed decides.

    Of trials that are asked for at the same moment each takes another combination: the one with the
    lowest number the first that is left, the next one the second, in whatever order they store it.
    Behind a proxy trials are queued before they are taken, so those that wait count as well.
    """

    def __init__(self, space: SearchSpace, seed: int) -> None:
        self._space = space
        self._seed = seed
        self._coverage = Coverage(space)
        self._number = -1  # the trial that was last chosen for
        self._chosen: dict[str, Any] = {}

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
        if trial.number != self._number or not trial.params.items() <= self._chosen.items():
            # Not `study.get_trials`: under Hyperband that is one bracket of the study only.
            trials = study._storage.get_all_trials(study._study_id, deepcopy=False)
            self._chosen, self._number = self._choose(trial, tried(trials)), trial.number
        return self._chosen[param_name]

    def _choose(self, trial: FrozenTrial, trials: list[Tried]) -> dict[str, Any]:
        """The combination of a trial: the next that is left.

        Raises:
            TrialFailed: None is left.
        """
        others = [other for other in trials if other.number != trial.number]
        keys = self._coverage.keys(others)
        known = set(keys.values())
        earlier = [one for one in others if one.number < trial.number]
        ahead = sum(keys[one.number] is None and self._coverage.will_choose(one) for one in earlier)
        combinations = Combinations(self._space, trial.params)
        for position in _order(combinations.size, self._seed):
            params = combinations.at(position)
            if self._coverage.key(params) in known:
                continue
            if not ahead:
                return params
            ahead -= 1
        if trial.params:  # they are not chosen here, and leave nothing that is new
            return combinations.at(next(_order(combinations.size, self._seed)))
        raise TrialFailed("every combination of the search space is tried or under way")


def tried(trials: Iterable[FrozenTrial]) -> list[Tried]:
    """The trials as :class:`Coverage` looks at them.

    Running trials that tuner does not run are left out, as wherever trials are waited for: they
    may never end.
    """
    return [
        Tried(
            trial.number,
            trial.state.name.lower(),
            trial.params or trial.system_attrs.get("fixed_params", {}),
        )
        for trial in trials
        if trial.state is not TrialState.RUNNING or _is_ours(trial)
    ]


def _is_ours(trial: FrozenTrial) -> bool:
    return "worker" in trial.user_attrs or BEAT in trial.system_attrs  # see RunningTrial


class CoverageCount:
    """Counts what is left of a finite search space; reads a finished trial once."""

    def __init__(self, coverage: Coverage) -> None:
        """Prepares.

        Args:
            coverage: Of the study.
        """
        self._coverage = coverage

    def left(self, study: optuna.Study) -> Left:
        """Returns what no trial has tried yet."""
        return self._coverage.left(tried(study.get_trials(deepcopy=False)))


def _order(size: int, seed: int) -> Iterator[int]:
    """All positions below ``size`` in an order that the seed decides."""
    if size <= _SHUFFLED:
        yield from _shuffled(size, seed)
        return
    drawn: set[int] = set()
    generator = random.Random(seed)
    while len(drawn) < size:
        position = generator.randrange(size)
        if position not in drawn:
            drawn.add(position)
            yield position


@lru_cache(maxsize=8)
def _shuffled(size: int, seed: int) -> list[int]:
    positions = list(range(size))
    random.Random(seed).shuffle(positions)
    return positions
