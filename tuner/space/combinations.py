"""The configurations of a finite search space by position, none of which has to be listed.

Terms:
    branch: one value for each parameter that others depend on. It decides which parameters are
        active; their values are free, so a branch has as many configurations as the product of
        their numbers of values.
"""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Mapping
from itertools import accumulate
from typing import Any

from tuner.space.parameter import Value
from tuner.space.space import SearchSpace

MOST_BRANCHES = 100_000
"""More branches than this are not gone through."""


def n_branches(space: SearchSpace) -> int:
    """Returns an upper bound of the number of branches; parents are never endless."""
    parents = _parents(space)
    return math.prod(p.size() or 0 for p in space.parameters if p.name in parents)


def is_finite(space: SearchSpace) -> bool:
    """Whether its configurations can be counted: see :class:`Combinations`."""
    endless = any(parameter.size() is None for parameter in space.parameters)
    return not endless and n_branches(space) <= MOST_BRANCHES


class Combinations:
    """Every configuration of a space in which no active parameter has endless values.

    Attributes:
        size: How many there are.
    """

    def __init__(self, space: SearchSpace, given: Mapping[str, Any] | None = None) -> None:
        """Counts the configurations.

        Args:
            space: The space; each of its parameters has finitely many values.
            given: Values of some parameters: only configurations that have them count.
        """
        self._space = space
        self._given = given or {}
        self._branches = _branches(space, self._given)
        sizes = [math.prod(self._size(name) for name in free) for _, free in self._branches]
        self._ends = list(accumulate(sizes))
        self.size = self._ends[-1]

    def at(self, position: int) -> dict[str, Value]:
        """Returns the configuration at a position, from 0 to ``size - 1``."""
        index = bisect_right(self._ends, position)
        decided, free = self._branches[index]
        rest = position - (self._ends[index - 1] if index else 0)
        params = dict(decided)
        for name in free:
            rest, digit = divmod(rest, self._size(name))
            params[name] = (
                self._given[name] if name in self._given else self._space.parameter(name).at(digit)
            )
        return params

    def _size(self, name: str) -> int:
        size = 1 if name in self._given else self._space.parameter(name).size()
        assert size is not None
        return size


def _parents(space: SearchSpace) -> set[str]:
    return {parent for parameter in space.parameters for parent in parameter.parents}


def _branches(
    space: SearchSpace, given: Mapping[str, Any]
) -> list[tuple[dict[str, Value], tuple[str, ...]]]:
    """The branches: values of the parents, and names of the other active parameters."""
    parents, branches = _parents(space), [dict[str, Value]()]
    for parameter in space.in_order():
        if parameter.name not in parents:
            continue
        size = parameter.size() or 0
        values = [parameter.at(position) for position in range(size)]
        values = [given[parameter.name]] if parameter.name in given else values
        branches = [
            {**branch, parameter.name: value} if parameter.active(branch) else branch
            for branch in branches
            for value in (values if parameter.active(branch) else values[:1])
        ]
    others = [parameter for parameter in space.in_order() if parameter.name not in parents]
    return [
        (branch, tuple(name for parameter in others for name in parameter.active(branch)))
        for branch in branches
    ]
