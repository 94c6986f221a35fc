"""Where trials fail: the region of one or two parameters in which most failures lie.

A region is described by conditions: a number above or below a threshold, or a parameter with one
of its values. It is chosen by the likelihood ratio of two rates of failure, inside and outside,
against one rate everywhere (the G-test). The more regions are compared, the greater it must be:
there are more of two conditions than of one. All of it is arithmetic on the stored trials, so that
the same trials give the same words.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from tuner.results.reasons import kinds_of_failure
from tuner.results.rows import TrialRow
from tuner.space import Value
from tuner.units import setting

_LEAST_FAILURES = 3  # in a region
_LEAST_SHARE_FAILED = 0.6  # of the trials in a region
_LEAST_SHARE_EXPLAINED = 0.6  # of the failures of one kind
_CHANCE = 0.05  # that a region is found where failures are random
_MOST_THRESHOLDS = 32  # of one parameter
_MOST_TRIALS = 5000
_WORDS = (
    (re.compile(r"^timeout\b"), "took too long"),
    (re.compile(r"^memory\b|^MemoryError\b|\bOOM\b"), "out of memory"),
    (re.compile(r"\bworkers died\b"), "the worker died"),
    (re.compile(r"\bNaN\b"), "loss became NaN"),
    (re.compile(r"\binfinite\b"), "loss became infinite"),
)


@dataclass(frozen=True)
class Condition:
    """A condition on one parameter.

    Attributes:
        name: The parameter.
        relation: "above" or "below" a threshold, or "is".
        value: The threshold, or the value.
    """

    name: str
    relation: str
    value: Value

    def holds(self, params: Mapping[str, Value]) -> bool:
        """Returns whether a configuration meets it; one without the parameter does not."""
        value = params.get(self.name)
        if value is None:
            return False
        if self.relation == "is":
            return value == self.value
        if isinstance(value, str) or isinstance(self.value, str):
            return False
        return value > self.value if self.relation == "above" else value < self.value


@dataclass(frozen=True)
class FailingRegion:
    """A region in which trials fail.

    Attributes:
        conditions: One or two, all of which hold in it.
        failed: Trials in it that failed for the reason.
        trials: Trials in it that have ended, without those that failed for another reason.
        reason: Why they failed, in a few words.
    """

    conditions: tuple[Condition, ...]
    failed: int
    trials: int
    reason: str

    def words(self) -> str:
        """Returns ``learning_rate above 0.2 with sgd: 7 of 8 failed (loss became NaN)``."""
        numbers = [one for one in self.conditions if one.relation != "is"]
        values = [one for one in self.conditions if one.relation == "is"]
        ranges = " and ".join(f"{one.name} {one.relation} {one.value}" for one in numbers)
        # A word such as "sgd" says itself which parameter it belongs to; a number or yes does not.
        named = [f"{one.name} {setting(one.value)}" for one in values]
        if numbers and values and isinstance(values[0].value, str):
            named = [values[0].value]
        where = " with ".join(part for part in (ranges, " and ".join(named)) if part)
        return f"{where}: {self.failed} of {self.trials} failed ({self.reason})"

    def to_dict(self) -> dict[str, Any]:
        """Returns one element of ``failing`` in ``--json``."""
        return {
            "conditions": [
                {"name": one.name, "relation": one.relation, "value": one.value}
                for one in self.conditions
            ],
            "failed": self.failed,
            "trials": self.trials,
            "reason": self.reason,
        }


def failing_regions(rows: Sequence[TrialRow]) -> list[FailingRegion]:
    """Returns a region for each kind of failure that has one, the most frequent kind first.

    Trials that were never fitted, and those whose value was taken over, say nothing.
    """
    tried = [row for row in rows if row.params and row.reused is None and row.seed is not None]
    tried = tried[-_MOST_TRIALS:]
    ended = [row for row in tried if row.state in ("complete", "pruned")]
    found = []
    for kind in kinds_of_failure(tried):
        if len(kind) >= _LEAST_FAILURES:
            region = _region(kind, ended)
            found += [] if region is None else [region]
    return found


def _region(failed: Sequence[TrialRow], ended: Sequence[TrialRow]) -> FailingRegion | None:
    import numpy as np  # here, because commands that show no failures do without it

    rows = [*failed, *ended]
    fails = np.arange(len(rows)) < len(failed)
    conditions = list(_conditions([row.params for row in rows], fails.tolist()))
    if not conditions:
        return None
    holds = np.array([[one.holds(row.params) for row in rows] for one in conditions], np.float64)
    in_both = holds @ holds.T  # of every pair of conditions: how many trials meet both
    failed_in_both = (holds * fails) @ holds.T
    gains = _gain(failed_in_both, in_both, len(failed), len(rows))
    # The statistic exceeds 2 log(1 / p) with a probability below p: divided among the regions.
    single = np.eye(len(conditions), dtype=bool)
    n_regions = np.where(single, len(conditions), max(1, len(conditions) ** 2 / 2))
    excess = gains - 2 * np.log(n_regions / _CHANCE)
    names = np.array([one.name for one in conditions])
    excess[
        ((names[:, None] == names) & ~single)
        | (failed_in_both < max(_LEAST_FAILURES, _LEAST_SHARE_EXPLAINED * len(failed)))
        | (failed_in_both < _LEAST_SHARE_FAILED * in_both)
    ] = -np.inf
    first, second = divmod(int(np.argmax(excess)), len(conditions))
    if excess[first, second] < 0:
        return None
    chosen = dict.fromkeys((conditions[first], conditions[second]))
    reason = _in_words(failed[0].reason or "")
    counts = (int(failed_in_both[first, second]), int(in_both[first, second]))
    return FailingRegion(tuple(chosen), *counts, reason)


def _conditions(
    params: Sequence[Mapping[str, Value]], fails: Sequence[bool]
) -> Iterable[Condition]:
    """Yields the conditions that divide the trials; thresholds lie between two values."""
    for name in dict.fromkeys(name for each in params for name in each):
        known = [each[name] for each in params if name in each]
        if any(isinstance(value, str | bool) for value in known):
            for value in dict.fromkeys(known):
                yield Condition(name, "is", value)
            continue
        values = sorted(dict.fromkeys(known))
        pairs = list(zip(params, fails, strict=True))
        failed = {each[name] for each, one in pairs if one and name in each}
        fine = {each[name] for each, one in pairs if not one and name in each}
        # Elsewhere a threshold could only take in fewer failures, or more of the others.
        gaps = list(pairwise(values))
        rising = [(low, high) for low, high in gaps if low in fine and high in failed]
        falling = [(low, high) for low, high in gaps if low in failed and high in fine]
        for low, high in _some(rising):
            yield Condition(name, "above", _between(low, high, low))
        for low, high in _some(falling):
            yield Condition(name, "below", _between(low, high, high))


def _some(gaps: Sequence[tuple[Any, Any]]) -> Sequence[tuple[Any, Any]]:
    return gaps[:: max(1, math.ceil(len(gaps) / _MOST_THRESHOLDS))]


def _between(low: float, high: float, end: float) -> float:
    """Returns the number with the fewest digits between two values.

    Between whole numbers it is whole, too, and if there is none it is ``end``, one of the two.
    """
    are_whole = isinstance(low, int) and isinstance(high, int)
    for digits in range(1, 18):
        for near in (high, (low + high) / 2, low):
            rounded = float(f"{near:.{digits}g}")
            if low < rounded < high and (rounded.is_integer() or not are_whole):
                return int(rounded) if rounded.is_integer() else rounded
    return end


def _gain(failed: Any, trials: Any, all_failed: int, all_trials: int) -> Any:
    """Returns the G statistic of regions with so many failed trials, of all that failed."""
    import numpy as np

    def log_likelihood(k: Any, n: Any) -> Any:
        with np.errstate(divide="ignore", invalid="ignore"):
            rate = np.where(n > 0, k / np.maximum(n, 1), 0.0)
            one = np.where(k > 0, k * np.log(np.maximum(rate, 1e-300)), 0.0)
            other = np.where(n > k, (n - k) * np.log(np.maximum(1 - rate, 1e-300)), 0.0)
        return one + other

    inside = log_likelihood(failed, trials)
    outside = log_likelihood(all_failed - failed, all_trials - trials)
    alike = log_likelihood(np.array(float(all_failed)), np.array(float(all_trials)))
    return 2 * (inside + outside - alike)


def _in_words(reason: str) -> str:
    for sign, words in _WORDS:
        if sign.search(reason):
            return words
    first = reason.strip().partition("\n")[0]
    return first if len(first) <= 60 else f"{first[:59]}…"
