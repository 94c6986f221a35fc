"""Whether the trials that are left are likely to improve a study by more than its values' error.

The values of recent trials are what the sampler has come to propose. Their better half is taken for
that of a normal distribution, from which as many values are drawn as complete trials can still be
expected; the gain is what the best of them is expected to be better than the best so far.

The idea to compare the possible gain with the error of estimation is Makarova et al., "Automatic
Termination for Hyperparameter Optimization" (AutoML 2022). Optuna's ``optuna.terminator`` has it,
with a Gaussian process that needs PyTorch and knows no conditional parameters; it is deprecated.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import NormalDist, fmean, median

from optuna.trial import FrozenTrial, TrialState

from tuner.spec.models import Objective, StopRule
from tuner.spec.role import Role

_FINISHED = (TrialState.COMPLETE, TrialState.PRUNED)
_FEWEST_VALUES = 5
_FEWEST_RECENT = 10
_STEPS = 400  # of the integral
_NORMAL = NormalDist()


@dataclass(frozen=True)
class Outlook:
    """What can still be expected of a study.

    Attributes:
        gain: By how much the best value is expected to improve, in the metric's unit.
        error: Standard error of the best value.
    """

    gain: float
    error: float

    @property
    def is_unlikely(self) -> bool:
        """Whether an improvement would be smaller than what can be measured."""
        return self.gain < self.error


def outlook(
    trials: Sequence[FrozenTrial], rule: StopRule, objective: Objective, wanted: int
) -> Outlook | None:
    """Returns what can still be expected; None while it is too early to say.

    Args:
        trials: Of the study, in the order of their numbers.
        rule: When the study stops.
        objective: What is better.
        wanted: Finished trials wanted in total.
    """
    finished = [one for one in trials if one.state in _FINISHED]
    complete = [one for one in finished if _is_complete(one) and _is_feasible(one)]
    if len(finished) < rule.min_trials or not complete:
        return None
    best = min(complete, key=lambda one: objective.loss(one.values[0]))
    if sum(one.number > best.number for one in finished) < rule.patience:
        return None
    error = best.user_attrs.get("standard_error") if rule.error is None else rule.error
    searched = [one for one in finished if _is_searched(one)]
    recent = _recent(searched)
    losses = [objective.loss(one.values[0]) for one in recent if _is_new(one)]
    if not isinstance(error, int | float) or len(losses) < _FEWEST_VALUES:
        return None
    n_left = (wanted - len(finished)) * len(losses) / len(recent)
    return Outlook(expected_gain(losses, objective.loss(best.values[0]), n_left), float(error))


def expected_gain(losses: Sequence[float], best: float, n_left: float) -> float:
    """Returns by how much the least of so many further losses is expected to be below the best.

    Args:
        losses: Recent ones.
        best: The least so far.
        n_left: How many will follow; it need not be whole.
    """
    middle = median(losses)
    spread = math.sqrt(fmean((loss - middle) ** 2 for loss in losses if loss <= middle))
    if n_left <= 0:
        return 0.0
    if not spread:
        return max(0.0, best - middle)
    # The mean of max(0, best - least) is the integral of P(least < best - x) over x.
    furthest = max(best - middle, 0.0) + 8 * spread
    width = furthest / _STEPS
    gain = 0.0
    for step in range(_STEPS):
        below = _NORMAL.cdf((best - (step + 0.5) * width - middle) / spread)
        gain += -math.expm1(n_left * math.log1p(-min(below, 1 - 1e-12))) * width
    return gain


def _recent(searched: Sequence[FrozenTrial]) -> Sequence[FrozenTrial]:
    """Returns the later half, or more where a pruner leaves fewer values there than are needed."""
    start = max(0, len(searched) - max(_FEWEST_RECENT, len(searched) // 2))
    new = [number for number, one in enumerate(searched) if _is_new(one)]
    if len(new) >= _FEWEST_VALUES:
        start = min(start, new[-_FEWEST_VALUES])
    return searched[start:]


def _is_complete(trial: FrozenTrial) -> bool:
    return trial.state is TrialState.COMPLETE and math.isfinite(trial.values[0])


def _is_feasible(trial: FrozenTrial) -> bool:
    return all(violation <= 0 for violation in trial.constraints.values())


def _is_searched(trial: FrozenTrial) -> bool:
    return trial.user_attrs.get("role") in (Role.SEARCH.value, Role.DEFAULT.value)


def _is_new(trial: FrozenTrial) -> bool:
    """Whether it has measured something, instead of taking over the value of an equal trial."""
    is_reused = "reused" in trial.user_attrs
    return _is_complete(trial) and _is_feasible(trial) and not is_reused
