"""Maps a configuration of another search space into this one, parameter by parameter name.

Terms:
    source: where the configuration comes from, as people call it: the name of a study.
    change: a parameter whose value here is not the one that it has there.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from tuner.space.parameter import Parameter, Value, same
from tuner.space.space import SearchSpace
from tuner.wording import either, one_line, toml

_LARGEST = 2**63


@dataclass(frozen=True)
class Change:
    """A parameter that has another value here.

    Attributes:
        name: Its concrete name.
        there: Its value in the source; None if it has none there.
        here: Its value in the mapped configuration.
        why: Why ``here`` is the nearest permitted value only: "above 512".
        origin: Where ``here`` comes from, if not from ``there``: "the middle".
    """

    name: str
    there: Any
    here: Value
    why: str = ""
    origin: str = ""


def mapped(
    space: SearchSpace, params: Mapping[str, Any], known: Mapping[str, Value]
) -> tuple[dict[str, Value], list[Change]]:
    """Maps a configuration into a space.

    Numbers outside a range become its nearest end, others the nearest value of the grid; a value
    that cannot be converted is treated as absent. An absent parameter takes the value of the same
    repeated parameter with the next lower number (``units_1`` for ``units_2``), else the known
    value, else the middle of its range on its own scale, else its first choice. Parameters that
    this space has not, or that take no part here, are left out.

    Args:
        space: The space to map into.
        params: The configuration: name → value.
        known: Values for absent parameters, those of a reference; each is permitted.

    Returns:
        A configuration that ``space`` contains, and what differs in it.
    """
    found: dict[str, Value] = {}
    changes: list[Change] = []
    for parameter in space.in_order():
        earlier: str | None = None
        for name in parameter.active(found):
            value, change = _value(parameter, name, params, known, earlier, found)
            found[name], earlier = value, name
            if change is not None:
                changes.append(change)
    return found, changes


def _value(
    parameter: Parameter,
    name: str,
    params: Mapping[str, Any],
    known: Mapping[str, Value],
    earlier: str | None,
    found: Mapping[str, Value],
) -> tuple[Value, Change | None]:
    there = params.get(name)
    if there is not None:
        here = nearest_value(parameter, there)
        if here is not None:
            why = _why(parameter, there, here)
            return here, Change(name, there, here, why) if why else None
    if earlier is not None:
        here, origin = found[earlier], f"that of {earlier}"
    elif name in known:
        here, origin = known[name], "the reference's"
    else:
        here = middle(parameter)
        origin = "the first choice" if parameter.type == "categorical" else "the middle"
    return here, Change(name, there, here, origin=origin)


def nearest_value(parameter: Parameter, value: Any) -> Value | None:
    """Returns the permitted value that is nearest; None if the value cannot be compared with it.

    Of the choices of a categorical only numbers have a nearest one.
    """
    if parameter.type == "categorical":
        exact = next((choice for choice in parameter.choices if _equal(value, choice)), None)
        if exact is not None or not _is_number(value):
            return exact
        numbers = [choice for choice in parameter.choices if _is_number(choice)]
        return min(numbers, key=lambda choice: abs(float(choice) - value), default=None)
    if not _is_number(value):
        return None
    low, high = parameter.low, parameter.high
    assert low is not None
    assert high is not None
    clipped = min(max(value, low), high)
    if parameter.type == "float" and parameter.step is None:
        return float(clipped)
    return parameter.at(min(parameter.position(clipped), (parameter.size() or 1) - 1))


def middle(parameter: Parameter) -> Value:
    """Returns the middle of a range on its own scale, or the first choice."""
    if parameter.type == "categorical":
        return parameter.choices[0]
    low, high = parameter.low, parameter.high
    assert low is not None
    assert high is not None
    # Not the root of the product, which may overflow.
    between = math.sqrt(low) * math.sqrt(high) if parameter.log else low + (high - low) / 2
    value = nearest_value(parameter, between)
    assert value is not None
    return value


def distance(space: SearchSpace, one: Mapping[str, Value], other: Mapping[str, Value]) -> float:
    """Returns how far two configurations are from each other, from 0 to 1.

    It is the mean over the parameters that take part in either: of numbers the difference as a
    share of the range on its scale, of choices 0 or 1, and 1 where one has the parameter only.
    """
    names = sorted(one.keys() | other.keys())
    if not names:
        return 0.0
    return math.fsum(
        _apart(space.parameter(name), one[name], other[name])
        if name in one and name in other
        else 1.0
        for name in names
    ) / len(names)


def _apart(parameter: Parameter, one: Value, other: Value) -> float:
    if parameter.type == "categorical":
        return float(not same(one, other))
    scale = math.log if parameter.log else float
    low, high, a, b = (scale(float(n or 0)) for n in (parameter.low, parameter.high, one, other))
    return 0.0 if low == high else abs(a - b) / (high - low)


def notices(changes: Iterable[Change], source: str) -> list[str]:
    """Returns the changes of several configurations in words, one line a parameter and reason.

    Such as ``units_1: 600 in pima-wide is above 512 here; 512 is used``.
    """
    groups: dict[tuple[str, bool, str, str], list[Change]] = {}
    for change in changes:
        key = (change.name, change.there is None, change.why, change.origin)
        groups.setdefault(key, []).append(change)
    return [_notice(group, one_line(source)) for group in groups.values()]


def _notice(group: list[Change], source: str) -> str:
    first = group[0]
    used = f"{_listed(change.here for change in group)} used"
    if first.origin:
        used += f", {first.origin}"
    if first.there is None:
        return f"{first.name}: not in {source}; {used}"
    there = _listed((change.there for change in group), f" in {source}")
    return f"{first.name}: {there} {first.why or 'not possible'} here; {used}"


def _listed(values: Iterable[Any], more: str = "") -> str:
    """Returns ``4 and 8 are``, or ``4 is`` of a single value."""
    rounded = (float(f"{one:.6g}") if isinstance(one, float) else one for one in values)
    distinct = {toml(value): value for value in rounded}
    return f"{either(distinct.values(), 'and')}{more} {'is' if len(distinct) == 1 else 'are'}"


def _why(parameter: Parameter, there: Any, here: Value) -> str | None:
    """Returns why the nearest value is another one; None if it is the same."""
    if _equal(there, here):
        return None
    if parameter.type == "categorical":
        return "not among the choices"
    assert parameter.low is not None
    assert parameter.high is not None
    if there > parameter.high:
        return f"above {toml(parameter.high)}"
    if there < parameter.low:
        return f"below {toml(parameter.low)}"
    return "between two values"


def _is_number(value: Any) -> bool:
    """Returns whether a value is a finite number that a search space could have drawn."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    return abs(value) <= _LARGEST if isinstance(value, int) else math.isfinite(value)


def _equal(value: Any, other: Any) -> bool:
    """Returns whether two values are the same, an int and a whole float among them."""
    if isinstance(value, bool) or isinstance(other, bool):
        return value is other
    return bool(value == other)
