"""What a confirmation says: pure functions of the values that its repeats gave.

Terms as in :mod:`tuner.search.racing`: candidate, repeat, loss, overlap.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np

from tuner.search.racing import Losses, Paired

_DRAWS = 10_000
_COVERAGE = 0.95
_SURELY_LESS = 0.9


def half_width(numbers: Sequence[float], overlap: float = 0.0) -> float | None:
    """Returns half the width of the 95 % interval of a mean, by Student's t.

    Args:
        numbers: One of each repeat.
        overlap: See the module.

    Returns:
        None with fewer than two numbers.
    """
    from scipy.special import stdtrit

    found = Paired.of_numbers(numbers, overlap)
    if found.n < 2:
        return None
    return float(stdtrit(found.n - 1, (1 + _COVERAGE) / 2)) * found.error


def chances_of_best(losses: Losses, overlap: float = 0.0, seed: int = 0) -> dict[str, float]:
    """Returns the probability that each candidate has the lowest mean loss.

    The means of those that have the same repeats are drawn from the multivariate t distribution
    that their paired values give (a normal likelihood and a flat prior); the mean of one with fewer
    repeats from its differences to the leader.

    Args:
        losses: Of the candidates that have two finished repeats or more.
        overlap: See the module.
        seed: Of the draws.
    """
    names = [name for name, own in losses.items() if len(own) > 1]
    if not names:
        return {}
    most = max(len(losses[name]) for name in names)
    whole = [name for name in names if len(losses[name]) == most]
    leader = min(whole, key=lambda name: mean(losses[name]))
    repeats = sorted(losses[leader])
    paired = [name for name in whole if sorted(losses[name]) == repeats]
    rng = np.random.default_rng(seed)
    values = np.array([[losses[name][r] for name in paired] for r in repeats])
    centred = values - values.mean(axis=0)
    # Rows of normal numbers times the centred values have their covariance, whatever its rank.
    normal = rng.normal(size=(_DRAWS, most)) @ centred / math.sqrt(most - 1)
    chi = np.sqrt((most - 1) / rng.chisquare(most - 1, size=(_DRAWS, 1)))
    means = values.mean(axis=0) + normal * chi * math.sqrt(1 / most + overlap)
    draws = {name: means[:, i] for i, name in enumerate(paired)}
    for name in names:
        if name not in draws:
            worse = Paired.of(losses[name], losses[leader], overlap)
            drawn = rng.standard_t(max(1, worse.n - 1), size=_DRAWS)
            draws[name] = draws[leader] + worse.mean + np.nan_to_num(worse.error) * drawn
    table = np.column_stack([draws[name] for name in names])
    best = table == table.min(axis=1, keepdims=True)
    shares = (best / best.sum(axis=1, keepdims=True)).mean(axis=0)
    return {name: float(share) for name, share in zip(names, shares, strict=True)}


def tied_with(best: str, losses: Losses, overlap: float = 0.0) -> list[str]:
    """Returns the candidates that cannot be distinguished from the best one.

    Their mean is at most one standard error of the paired difference worse.

    Args:
        best: The candidate that is most probably the best.
        losses: Of the candidates that may win, of which ``best`` is one.
        overlap: See the module.
    """
    found = []
    for name, own in losses.items():
        worse = Paired.of(own, losses[best], overlap)
        is_near = worse.n > 1 and worse.mean <= worse.error + 1e-12
        if name != best and is_near:
            found.append(name)
    return found


def cheapest(
    names: Sequence[str], sizes: Mapping[str, float | None], seconds: Mapping[str, float]
) -> str:
    """Returns the candidate with the fewest parameters, or that is trained in the shortest time.

    Args:
        names: Candidates, the best first, which wins among equals.
        sizes: Their numbers of parameters; the time decides unless all are known.
        seconds: What a training of them takes; less by a tenth or more counts as less.
    """
    if all(sizes.get(name) is not None for name in names):
        return min(names, key=lambda name: sizes[name] or 0.0)
    fastest = min(names, key=lambda name: seconds[name])
    return fastest if seconds[fastest] <= _SURELY_LESS * seconds[names[0]] else names[0]


def mean(losses: Mapping[int, float]) -> float:
    """Returns the mean loss of a candidate."""
    return math.fsum(losses.values()) / len(losses)
