"""From the table of one parameter to a :class:`Parameter`, or to one line of what is wrong."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from decimal import Decimal, InvalidOperation
from typing import Any, Literal, cast

from tuner.space.parameter import Parameter, Value
from tuner.wording import Place, either, hint, kind, toml

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_NUMERIC = ("type", "low", "high", "step", "log", "repeat", "when")
_KEYS = {
    "int": _NUMERIC,
    "float": _NUMERIC,
    "categorical": ("type", "choices", "repeat", "when"),
}
_EXACT = 2**53  # Optuna stores every number as a double: whole numbers are exact up to here


def parse_parameter(name: str, table: object, place: Place) -> Parameter:
    """Reads one parameter; what it says about other parameters is checked by ``rules.check``.

    Args:
        name: Its name, the key of the table.
        table: What stands under the key.
        place: Where that is.

    Raises:
        SpecError: A key is unknown, missing or impossible.
    """
    if not _NAME.fullmatch(name):
        raise place.error(
            "a parameter's name is made of letters, digits and _ and starts with no digit; "
            'write for example "learning_rate"'
        )
    if not isinstance(table, Mapping):
        raise place.error(
            f"a parameter is a table, but got {toml(table)}; "
            f'write [{name}] and below it type = "int", low = … and high = …'
        )
    type_ = _type(table, place)
    _check_keys(table, type_, place)
    repeat = table.get("repeat")
    if repeat is not None and not isinstance(repeat, str):
        raise place.at("repeat").error(
            f"must be the name of an int parameter, but got {toml(repeat)}; "
            'write for example repeat = "n_layers"'
        )
    when = _when(table.get("when", {}), place.at("when"))
    if type_ == "categorical":
        choices = _values(table["choices"], place.at("choices"))
        return Parameter(name, type_, choices=choices, repeat=repeat, when=when)
    low, high, step, log = _range(table, type_, place)
    return Parameter(name, type_, low, high, step, log, repeat=repeat, when=when)


def _type(table: Mapping[str, Any], place: Place) -> Literal["int", "float", "categorical"]:
    if "type" not in table:
        guess = "categorical" if "choices" in table else "int"
        raise place.at("type").error(f'is missing; write type = "{guess}" ({either(_KEYS)})')
    type_ = table["type"]
    if not isinstance(type_, str) or type_ not in _KEYS:
        text = f"must be {either(_KEYS)}, but got {toml(type_)}"
        raise place.at("type").error(f"{text}; {hint(str(type_), _KEYS, 'types')}")
    return cast(Literal["int", "float", "categorical"], type_)


def _check_keys(table: Mapping[str, Any], type_: str, place: Place) -> None:
    for key in table:
        if key in _KEYS[type_]:
            continue
        others = [other for other, keys in _KEYS.items() if key in keys]
        if others:
            raise place.at(key).error(
                f'does not go with type = "{type_}", only with {either(others)}; '
                f"remove it or change the type"
            )
        raise place.at(key).error(f"unknown key; {hint(key, _KEYS[type_], 'keys')}")
    for key in ("choices",) if type_ == "categorical" else ("low", "high"):
        if key not in table:
            example = "[…]" if key == "choices" else "…"
            raise place.at(key).error(
                f'is missing, and type = "{type_}" needs it; write {key} = {example}'
            )


def _values(values: object, place: Place) -> tuple[Value, ...]:
    if not isinstance(values, list | tuple):
        raise place.error(f"must be a list, but got {toml(values)}; write [{toml(values)}, …]")
    if not values:
        raise place.error("is empty; write at least one value")
    seen: list[Value] = []
    for value in values:
        if not isinstance(value, int | float | str):
            raise place.error(
                f"takes strings, numbers and booleans, but got {toml(value)}, {kind(value)}; "
                "write it as a string"
            )
        _check_number(value, place)
        if value in seen:  # 1, 1.0 and true are one value to Optuna, so they are here
            other = seen[seen.index(value)]
            twice = "" if toml(other) == toml(value) else f" (Optuna takes {toml(other)} for it)"
            raise place.error(f"has {toml(value)} twice{twice}; each value may occur once")
        seen.append(value)
    return tuple(seen)


def _when(when: object, place: Place) -> dict[str, tuple[Value, ...]]:
    if not isinstance(when, Mapping):
        raise place.error(
            f"must be a table of parameters and their values, but got {toml(when)}; "
            'write for example when = { optimizer = ["sgd"] }'
        )
    return {
        parent: _values(
            values if isinstance(values, list | tuple) else [values], place.at(str(parent))
        )
        for parent, values in when.items()
    }


def _check_number(value: object, place: Place) -> None:
    if isinstance(value, float) and not math.isfinite(value):
        raise place.error(f"must be a finite number, but got {toml(value)}")
    if isinstance(value, int) and abs(value) > _EXACT:
        raise place.error(
            f"must lie within ±2^53, where whole numbers are stored exactly, but got {toml(value)}"
        )


def _number(table: Mapping[str, Any], key: str, type_: str, place: Place) -> int | float:
    value, place = table[key], place.at(key)
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise place.error(
            f"must be a number, but got {toml(value)}, {kind(value)}; write {key} = 1"
        )
    _check_number(value, place)
    if type_ == "float":
        return float(value)
    if not isinstance(value, int):
        raise place.error(
            f"must be a whole number because the type is int, but got {toml(value)}; "
            f'write {key} = {round(value)} or type = "float"'
        )
    return value


def _range(
    table: Mapping[str, Any], type_: str, place: Place
) -> tuple[int | float, int | float, int | float | None, bool]:
    low, high = (_number(table, key, type_, place) for key in ("low", "high"))
    log = table.get("log", False)
    if not isinstance(log, bool):
        raise place.at("log").error(f"must be true or false, but got {toml(log)}")
    if low > high:
        raise place.at("low").error(
            f"low <= high must hold, but low = {toml(low)} and high = {toml(high)}; "
            f"write low = {toml(high)} and high = {toml(low)}?"
        )
    if log and low <= 0:
        least = "1" if type_ == "int" else "a small number such as 1e-5"
        raise place.at("low").error(
            f"low > 0 must hold with log = true, but low = {toml(low)}; write {least}, "
            "or remove log"
        )
    step = _number(table, "step", type_, place) if "step" in table else None
    if step is None:
        return low, high, None, log
    _check_step(low, high, step, place.at("step"))
    if type_ == "int" and step == 1:
        return low, high, None, log  # the same space, and Optuna's default: one way to say it
    if log:
        raise place.at("step").error(
            f"a step does not go with log = true, but step = {toml(step)}; remove one of them"
        )
    return low, high, step, log


def _check_step(low: int | float, high: int | float, step: int | float, place: Place) -> None:
    if step <= 0:
        raise place.error(f"must be above 0, but got {toml(step)}; remove it for no grid")
    # Decimal arithmetic on the written digits, as Optuna does: 0.3 is a multiple of 0.1.
    start, end, width = (Decimal(str(number)) for number in (low, high, step))
    try:
        rest = (end - start) % width
    except InvalidOperation:
        raise place.error(
            f"is too small for the range, but got {toml(step)}; remove it for no grid"
        ) from None
    if rest:
        raise place.error(
            f"high must be low plus a multiple of step, but low = {toml(low)}, "
            f"high = {toml(high)} and step = {toml(step)}; write high = {end - rest} "
            f"or high = {end - rest + width}"
        )
