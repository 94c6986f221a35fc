"""The sampler `portfolio`: known configurations first, then a search that shares its time out.

For a space in which one categorical parameter, such as ``learner``, decides which others there are.

1. The study's references of the role ``default`` are tried in their order.
2. Then each trial belongs to one of the categorical's values. The best value so far gets half of
   the time, the next best a quarter, and so on: the trial goes to the one that has spent least of
   its share. No value gets more than ten trials for each of its parameters, nor any further one
   after three trials of which none was complete. The other parameters are drawn by TPE, which sees
   that value's trials only.

What is expected to take longer than the time that is left is not begun, as long as anything else
can be: a default by the seconds that the study file expects, times how much longer than expected
the trials so far took; another trial by the mean of its value's trials.
"""

from __future__ import annotations

import statistics
import time
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import optuna
from optuna.distributions import BaseDistribution
from optuna.samplers import BaseSampler
from optuna.trial import FrozenTrial, TrialState, create_trial

from tuner.search.failures import ATTRIBUTE, with_failures
from tuner.search.seeded import derive_seed
from tuner.search.tpe import IncrementalTPESampler
from tuner.space import SearchSpace
from tuner.spec.models import Objective, Reference

_TRIALS_A_PARAMETER = 10
_MOST_FAILURES = 3
_STARTUP_TRIALS = 4
_USUAL_SECONDS = 5.0
_OPTIMISM = 0.7
"""Share of the expected time after which a default may well have ended: many stop early."""


class PortfolioSampler(BaseSampler):
    """See the module.

    Attributes:
        deadline: Unix time at which the run ends; None if it has no end.
    """

    def __init__(
        self,
        space: SearchSpace,
        defaults: Sequence[Reference],
        objective: Objective,
        seed: int,
        *,
        by: str,
        deadline: float | None = None,
    ) -> None:
        """Prepares.

        Args:
            space: The study's.
            defaults: Its references of the role ``default``.
            objective: What is better.
            seed: The study's.
            by: The categorical parameter that decides which others there are.
            deadline: See above.
        """
        self._space = space
        self._defaults = defaults
        self._objective = objective
        self._seed = seed
        self._by = by
        self.deadline = deadline
        self._given: dict[int, Mapping[str, Any]] = {}  # by the number of a trial under way

    def before_trial(self, study: optuna.Study, trial: FrozenTrial) -> None:
        """Decides the trial's parameters."""
        trials = [one for one in study.get_trials(deepcopy=False) if one.number != trial.number]
        left = float("inf") if self.deadline is None else self.deadline - time.time()
        default = self._next_default(trials, trial.number, left)
        if default is not None:
            self._given[trial.number] = default.params
        else:
            value = self._next_value(trials, left)
            self._given[trial.number] = self._drawn(trials, value, trial.number)

    def infer_relative_search_space(
        self, study: optuna.Study, trial: FrozenTrial
    ) -> dict[str, BaseDistribution]:
        return {}

    def sample_relative(
        self,
        study: optuna.Study,
        trial: FrozenTrial,
        search_space: dict[str, BaseDistribution],
    ) -> dict[str, Any]:
        return {}

    def sample_independent(
        self,
        study: optuna.Study,
        trial: FrozenTrial,
        param_name: str,
        param_distribution: BaseDistribution,
    ) -> Any:
        return self._given[trial.number][param_name]

    def after_trial(
        self,
        study: optuna.Study,
        trial: FrozenTrial,
        state: TrialState,
        values: Sequence[float] | None,
    ) -> None:
        self._given.pop(trial.number, None)

    def _next_default(
        self, trials: Sequence[FrozenTrial], number: int, left: float
    ) -> Reference | None:
        """Returns the first default that no trial tries and that is not expected to take too long.

        Trials of other workers that have begun just before, and whose parameters are not stored
        yet, will be the first of those.
        """
        tried = [params for one in trials if (params := _params(one))]
        untried = [one for one in self._defaults if one.params not in tried]
        scale = self._scale(trials)
        possible = [one for one in untried if _OPTIMISM * (one.expected or 0.0) * scale <= left]
        if not tried and not possible:  # one model must be fitted, however long it takes
            possible = untried[:1]
        beginning = sum(
            one.state is TrialState.RUNNING and one.number < number and not _params(one)
            for one in trials
        )
        return possible[beginning] if beginning < len(possible) else None

    def _scale(self, trials: Sequence[FrozenTrial]) -> float:
        """Returns how much longer than expected the defaults have taken, about 1 at first.

        A few seconds as expected are counted beside them: the first trial of a worker also loads
        what fits, and says little of trials that take long.
        """
        expected = taken = _USUAL_SECONDS
        for default in self._defaults:
            for one in trials:
                seconds = _seconds(one)
                is_whole = one.state is TrialState.COMPLETE and one.params == default.params
                if default.expected and is_whole and seconds is not None:
                    expected += default.expected
                    taken += seconds
        return taken / expected

    def _next_value(self, trials: Sequence[FrozenTrial], left: float) -> Any:
        """Returns the value of the categorical that the next trial has."""
        scale = self._scale(trials)
        shares = [self._share(value, trials, scale) for value in self._choices()]
        ranked = sorted((one for one in shares if one.is_open), key=lambda one: one.loss)
        if not ranked:  # every one has had its trials
            ranked = sorted(shares, key=lambda one: one.loss)
        rank = {id(one): position for position, one in enumerate(ranked)}
        possible = [one for one in ranked if one.typical <= left]
        if not possible:
            return min(ranked, key=lambda one: one.typical).value
        return min(possible, key=lambda one: one.spent * 2 ** rank[id(one)]).value

    def _choices(self) -> tuple[Any, ...]:
        return self._space.parameter(self._by).choices

    def _share(self, value: Any, trials: Sequence[FrozenTrial], scale: float) -> _Share:
        """Returns what is known of a value of the categorical."""
        own = [one for one in trials if _params(one).get(self._by) == value]
        times = [seconds for one in own if (seconds := _seconds(one)) is not None]
        expected = [
            one.expected * scale
            for one in self._defaults
            if one.expected and one.params[self._by] == value
        ]
        typical = statistics.mean(times or [min(expected, default=0.0)])
        complete = [one for one in own if one.state is TrialState.COMPLETE and one.values]
        failed = sum(one.state is TrialState.FAIL for one in own)
        parameters = sum(value in one.when.get(self._by, ()) for one in self._space.parameters)
        return _Share(
            value,
            loss=min((self._objective.loss(one.values[0]) for one in complete), default=_NEVER),
            typical=typical,
            spent=sum(times) + typical * (len(own) - len(times)),
            is_open=len(own) <= _TRIALS_A_PARAMETER * parameters
            and not (failed >= _MOST_FAILURES and not complete),
        )

    def _drawn(self, trials: Sequence[FrozenTrial], value: Any, number: int) -> dict[str, Any]:
        """Returns parameters that TPE draws from what it sees of a value's trials."""
        part = self._part_of(trials, value)
        part.sampler = _tpe(derive_seed(self._seed, number))
        asked = part.ask()
        params: dict[str, Any] = {self._by: value}
        for parameter in self._space.in_order():
            for name in parameter.active(params):
                if name != self._by:
                    params[name] = parameter.suggest(asked, name)
        return params

    def _part_of(self, trials: Sequence[FrozenTrial], value: Any) -> optuna.Study:
        """Returns a study in memory with the trials of a value, without the categorical itself."""
        part = optuna.create_study(direction=self._objective.direction)
        own = [one for one in trials if one.params.get(self._by) == value]
        for one in with_failures(own, part.directions):
            if one.state is TrialState.FAIL:
                continue
            part.add_trial(
                create_trial(
                    state=one.state,
                    values=one.values,
                    params={k: v for k, v in one.params.items() if k != self._by},
                    distributions={k: v for k, v in one.distributions.items() if k != self._by},
                    intermediate_values=one.intermediate_values,
                    system_attrs={k: v for k, v in one.system_attrs.items() if k == ATTRIBUTE},
                )
            )
        return part


def _tpe(seed: int) -> BaseSampler:
    with warnings.catch_warnings():
        # `group` is marked experimental; it is the documented way for conditional spaces.
        warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
        return IncrementalTPESampler(n_startup_trials=_STARTUP_TRIALS, group=True, seed=seed)


_NEVER = float("inf")


@dataclass(frozen=True)
class _Share:
    """What one value of the categorical has got so far.

    Attributes:
        value: The value.
        loss: Of its best trial; infinite before the first complete one.
        typical: Seconds that its next trial will take.
        spent: Seconds of its trials.
        is_open: Whether it may have further trials.
    """

    value: Any
    loss: float = field(default=_NEVER)
    typical: float = 0.0
    spent: float = 0.0
    is_open: bool = True


def _params(trial: FrozenTrial) -> Mapping[str, Any]:
    """Returns a trial's parameters; of one that has not begun, those that it was enqueued with."""
    enqueued: Mapping[str, Any] = trial.system_attrs.get("fixed_params") or {}
    return trial.params or enqueued


def _seconds(trial: FrozenTrial) -> float | None:
    """Returns how long a trial took; None before it has ended."""
    return None if trial.duration is None else trial.duration.total_seconds()
