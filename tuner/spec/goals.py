"""Several objectives: each is optimised, constrained, or only stored.

The first one is what the search optimises, prunes and shows first. Further ones are `Goal`s.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal, get_args

from pydantic import Field

from tuner import scoring
from tuner.costs import COSTS, WHOLE
from tuner.spec.models import Direction, Finite, Objective
from tuner.spec.reading import read_part
from tuner.units import figure
from tuner.wording import Position, either, hint, kind, nearest, toml

GoalRole = Literal["optimize", "constrain", "store"]

MOST_OPTIMIZED = 3
"""Objectives that a study may optimise: of more, nearly every trial is on the Pareto front."""

BOUNDS = ("at_most", "at_least")


class Goal(Objective):
    """A further objective.

    Attributes:
        role: "optimize": a second or third direction of the search. "constrain": trials that
            violate the bound never win, and the sampler learns to avoid them. "store": it is
            measured and shown, and does not change the search.
        at_most: Upper bound of a constraint, in the metric's unit.
        at_least: Lower bound of a constraint.
    """

    role: GoalRole = Field(default="optimize", examples=['"store"'])
    at_most: Finite | None = Field(default=None, examples=["50_000"])
    at_least: Finite | None = Field(default=None, examples=["0.9"])

    def excess(self, value: float) -> float:
        """Returns by how much a value violates the bound; 0 or less if it does not."""
        if self.at_most is not None:
            return value - self.at_most
        return 0.0 if self.at_least is None else self.at_least - value

    def violation(self, value: float) -> str | None:
        """Returns how a value violates the bound, such as "n_params 812 is above 500"."""
        if not self.excess(value) > 0:
            return None
        side, bound = self._bound()
        word = "above" if side == "most" else "below"
        return f"{self.metric} {amount(self.metric, value)} is {word} {amount(self.metric, bound)}"

    def _bound(self) -> tuple[str, float]:
        if self.at_most is not None:
            return "most", self.at_most
        assert self.at_least is not None  # of a constraint
        return "least", self.at_least

    def words(self) -> str:
        """Returns what a constraint demands, such as "n_params at most 500"."""
        side, bound = self._bound()
        return f"{self.metric} at {side} {amount(self.metric, bound)}"


def amount(metric: str, value: float) -> str:
    """Returns a value of a metric as people read it: counts as whole numbers."""
    if metric in WHOLE:
        return f"{round(value):,}"
    return f"{value:.3g}" if metric in COSTS and abs(value) < 100 else figure(value)


def read_objectives(value: object, position: Position) -> tuple[Objective, tuple[Goal, ...]]:
    """Reads ``[objective]``, or ``[[objective]]`` once for each objective.

    Returns:
        The first objective, and the further ones.

    Raises:
        SpecError: A rule is broken.
    """
    if not isinstance(value, list):
        return read_part(Objective, value, position), ()
    if not value:
        raise position.error(
            'must not be empty; write [[objective]] and below it metric = "accuracy" and '
            'direction = "maximize"'
        )
    goals = [_read(table, number, position) for number, table in enumerate(value, start=1)]
    for number, goal in enumerate(goals):
        if goal.metric in [earlier.metric for earlier in goals[:number]]:
            raise position.at(goal.metric).error(
                f"metrics must be unique, but {toml(goal.metric)} occurs twice; remove one"
            )
    first = goals[0]
    if all(goal.role != "optimize" for goal in goals):
        raise position.error(
            "must have one to optimise, but there are only constraints and stored metrics; write "
            'first [[objective]] with metric = "accuracy" and direction = "maximize"'
        )
    if first.role != "optimize":
        raise position.at(first.metric).error(
            f"the first objective must be one to optimise, but its role is {toml(first.role)}; "
            "write the one that the search is to improve above it"
        )
    if first.metric in COSTS:
        raise position.at(first.metric).error(
            f"the first objective must be measured after each epoch, but {first.metric} is "
            "measured when a trial has ended; write a score such as accuracy above it"
        )
    n_optimized = sum(goal.role == "optimize" for goal in goals)
    if n_optimized > MOST_OPTIMIZED:
        raise position.error(
            f"at most {MOST_OPTIMIZED} can be optimised, but there are {n_optimized}; write "
            'role = "store" or a bound such as at_most below some of them'
        )
    return Objective(metric=first.metric, direction=first.direction), tuple(goals[1:])


def _read(table: object, number: int, position: Position) -> Goal:
    if not isinstance(table, Mapping):
        raise position.at(str(number)).error(
            f"must be a table, but got {toml(table)}, {kind(table)}; write [[objective]] and below "
            'it metric = "accuracy" and direction = "maximize"'
        )
    # A metric's name says more than a number, where there is one.
    named = table.get("metric")
    here = position.at(named if isinstance(named, str) and named else str(number))
    bounds = [key for key in BOUNDS if key in table]
    if len(bounds) > 1:
        raise here.error("must have one bound, but has at_most and at_least; remove one of them")
    role = table.get("role", "constrain" if bounds else "optimize")
    if role not in get_args(GoalRole):
        roles = get_args(GoalRole)
        near = f"; {hint(role, roles, 'roles')}" if isinstance(role, str) else ""
        raise here.at("role").error(f"must be {either(roles)}, but got {toml(role)}{near}")
    if bounds and role != "constrain":
        raise here.at(bounds[0]).error(
            f'is a bound, which only the role "constrain" has, but the role is {toml(role)}; '
            f"remove {bounds[0]} or the role"
        )
    if role == "constrain" and not bounds:
        raise here.at("role").error(
            '"constrain" needs a bound; write at_most = 50_000 or at_least = 0.9 beside it'
        )
    known: dict[str, Any] = {"role": role}
    if "direction" not in table and (better := _direction(table, named)) is not None:
        known["direction"] = better
    elif "direction" not in table and isinstance(named, str) and (cost := nearest(named, COSTS)):
        raise here.at("direction").error(
            f'is missing; write metric = {toml(cost)} if you mean that, or direction = "maximize"'
        )
    return read_part(Goal, {**table, **known}, here)


def _direction(table: Mapping[str, Any], metric: object) -> Direction | None:
    """Returns which values are better, where the file need not say it; None where it must."""
    usual = None
    if isinstance(metric, str):
        usual = "minimize" if metric in COSTS else scoring.direction(metric)
    if usual is None and "at_most" in table:
        return "minimize"
    return "maximize" if usual is None and "at_least" in table else usual
