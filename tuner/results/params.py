"""A configuration on one readable line, with repeated parameters in groups."""

from __future__ import annotations

import re
from collections.abc import Mapping

from tuner.learners.combined import LEARNER, MEMBERS, own_params, own_space
from tuner.space import SearchSpace, Value
from tuner.units import setting

_NUMBERED = re.compile(r"(.+)_([1-9][0-9]*)")


def phrases(params: Mapping[str, Value], space: SearchSpace | None = None) -> list[str]:
    """Returns one phrase a parameter, and one for each group of repeated parameters.

    Args:
        params: Concrete names and values.
        space: The search space, which knows the parameter that counts a group; without it
            ``units_1``, ``units_2`` … form a group without their count.

    Returns:
        For example ``["optimizer adam", "3 layers of 96, 48, 24 units", "dropout 0.08"]``, in the
        order of ``params``; a group takes the position of its count. If the learner is a
        parameter, its name stands first, and the others without it: ``["mlp", "dropout 0.08"]``.
    """
    if params.get(LEARNER) in MEMBERS:
        learner, own = own_params(params)
        if len(own) == len(params) - 1:
            return [learner, *phrases(own, own_space(space, learner) if space else None)]
    counted_by = {
        parameter.name: parameter.repeat
        for parameter in (space.parameters if space else ())
        if parameter.repeat is not None and parameter.repeat in params
    }
    groups: dict[str, list[Value]] = {}
    for name, value in params.items():
        stem = _stem(name, params)
        if stem is not None:
            groups.setdefault(stem, []).append(value)
    found: list[str] = []
    done: set[str] = set()
    for name, value in params.items():
        stem = _stem(name, params)
        if stem is None:
            counted = {s: groups.get(s, []) for s, parent in counted_by.items() if parent == name}
            found.append(_group(name, value, counted) if counted else f"{name} {setting(value)}")
        elif stem not in counted_by and stem not in done:
            done.add(stem)
            found.append(f"{stem} {_values(groups[stem])}")
    return found


def _stem(name: str, params: Mapping[str, Value]) -> str | None:
    """Returns ``units`` for ``units_2``, if there is a ``units_1`` too; None for a single one."""
    found = _NUMBERED.fullmatch(name)
    return found[1] if found and f"{found[1]}_1" in params else None


def _group(count_name: str, count: Value, members: Mapping[str, list[Value]]) -> str:
    """Returns ``3 layers of 96, 48, 24 units with dropout 0.1, 0.1, 0.2``."""
    noun = count_name.removeprefix("n_")
    if noun == count_name:  # "depth": no plural to count in
        head = f"{count_name} {setting(count)}"
    elif count == 0:
        head = f"no {noun}"
    else:
        head = f"{setting(count)} {noun.removesuffix('s') if count == 1 else noun}"
    several = {name: _values(values) for name, values in members.items() if values}
    plural = [f"{text} {name}" for name, text in several.items() if name.endswith("s")]
    other = [f"{name} {text}" for name, text in several.items() if not name.endswith("s")]
    if plural:
        head += f" of {' and '.join(plural)}"
    return head + (f" with {' and '.join(other)}" if other else "")


def _values(values: list[Value]) -> str:
    return ", ".join(setting(value) for value in values)
