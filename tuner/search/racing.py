"""Which candidates of a confirmation are trained on: a race in rounds of paired repeats.

Terms:
    repeat: a training of every candidate with the same seed, and the same division of the rows.
    round: a repeat that all candidates still in the race have finished; rounds count from 1.
    loss: a value of which less is better, see `Objective.loss`.
    overlap: held-out rows for each row that is fitted on, where every repeat divides the same rows
        anew, else 0. Such repeats are not independent: Nadeau and Bengio (Inference for the
        Generalization Error, 2003) add it to 1/n in the variance of a mean of n.

After round 3, and after each later one, a candidate whose differences to the leader are worse than
zero by a paired t test leaves the race. The test's level is divided by the number of comparisons,
and over the rounds by 1/((n − 2)(n − 1)), which sums up to 1: however many repeats are wanted, the
candidate that is truly the best leaves the race in fewer than one of ten confirmations, in
simulations in fewer than one of twenty.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

LEAST_REPEATS = 3
"""Rounds before the first candidate may leave the race."""

_LEVEL = 0.1
_EQUAL_DIFFERENCES = 5
"""Repeats after which differences that are all the same count as certain."""

Losses = Mapping[str, Mapping[int, float]]
"""Candidate → repeat → loss; of finished repeats only."""


@dataclass(frozen=True)
class Paired:
    """How much worse one candidate is than another, from the repeats that both have.

    Attributes:
        mean: Mean difference of the losses, above zero if it is worse.
        error: Standard error of the mean; NaN with fewer than two repeats.
        n: Number of repeats.
    """

    mean: float
    error: float
    n: int

    @classmethod
    def of(
        cls, losses: Mapping[int, float], others: Mapping[int, float], overlap: float = 0.0
    ) -> Paired:
        """Compares the losses of a candidate with those of another one, repeat by repeat.

        Args:
            losses: Of the candidate.
            others: Of the other one.
            overlap: See the module.
        """
        common = sorted(losses.keys() & others.keys())
        return cls.of_numbers([losses[one] - others[one] for one in common], overlap)

    @classmethod
    def of_numbers(cls, numbers: Sequence[float], overlap: float = 0.0) -> Paired:
        """Returns mean and standard error of numbers, one of each repeat."""
        n = len(numbers)
        mean = math.fsum(numbers) / n if n else math.nan
        if n < 2:
            return cls(mean, math.nan, n)
        variance = math.fsum((one - mean) ** 2 for one in numbers) / (n - 1)
        return cls(mean, math.sqrt(variance * (1 / n + overlap)), n)

    def chance(self) -> float:
        """Returns the chance of a mean as far above zero if there is no difference."""
        from scipy.special import stdtr

        if self.n < 2:
            return 1.0
        if self.error <= 1e-12 * abs(self.mean):  # all differences are the same
            return 0.0 if self.mean > 0 and self.n >= _EQUAL_DIFFERENCES else 1.0
        return float(stdtr(self.n - 1, -self.mean / self.error))


@dataclass(frozen=True)
class Race:
    """How a race stands.

    Attributes:
        names: All candidates.
        repeats: How many each is to have that stays in the race.
        stopped: Candidate → the round after which it left the race.
        rounds: Number of finished rounds.
    """

    names: tuple[str, ...]
    repeats: int
    stopped: Mapping[str, int] = field(default_factory=dict)
    rounds: int = 0

    @property
    def racing(self) -> tuple[str, ...]:
        """Candidates that are still in the race."""
        return tuple(name for name in self.names if name not in self.stopped)

    def pairs(self) -> list[tuple[str, int]]:
        """Returns candidates and repeats in the order in which they are trained, all rounds."""
        return [(name, repeat) for repeat in range(self.repeats) for name in self.racing]


def standing(losses: Losses, failed: Mapping[str, int], repeats: int, overlap: float = 0.0) -> Race:
    """Returns how a race stands, from its values alone: every worker finds the same.

    Args:
        losses: Of all candidates, empty for one that has no finished repeat.
        failed: Candidate → the first repeat that failed, with which it leaves the race.
        repeats: How many are wanted.
        overlap: See the module.
    """
    stopped: dict[str, int] = {}
    done = 0
    for rounds in range(1, repeats + 1):
        for name, repeat in failed.items():
            if repeat == rounds - 1:
                stopped.setdefault(name, rounds)
        racing = [name for name in losses if name not in stopped]
        if not racing or any(rounds - 1 not in losses[name] for name in racing):
            break
        done = rounds
        if LEAST_REPEATS <= rounds < repeats:
            stopped |= dict.fromkeys(_beaten(losses, racing, rounds, overlap), rounds)
    for name in failed:  # of a repeat beyond the last finished round
        stopped.setdefault(name, failed[name] + 1)
    return Race(tuple(losses), repeats, stopped, done)


def _beaten(losses: Losses, racing: Sequence[str], rounds: int, overlap: float) -> list[str]:
    """Returns the candidates that are worse than the leader after a round."""
    first = {name: {r: losses[name][r] for r in range(rounds)} for name in racing}
    leader = min(racing, key=lambda name: math.fsum(first[name].values()))
    level = _LEVEL / max(1, len(racing) - 1) / ((rounds - 2) * (rounds - 1))
    return [
        name
        for name in racing
        if name != leader and Paired.of(first[name], first[leader], overlap).chance() < level
    ]
