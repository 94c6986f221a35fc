"""Reads the table of one parameter into a :class:`Parameter`, or says in one line what is wrong."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Literal, cast

from tuner.space.parameter import Parameter, Value
from tuner.space.ranges import check_number, read_range
from tuner.wording import Position, either, hint, kind, toml

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_NUMERIC = ("type", "low", "high", "step", "log", "repeat", "when")
_KEYS = {
    "int": _NUMERIC,
    "float": _NUMERIC,
    "categorical": ("type", "choices", "repeat", "when"),
}


def parse_parameter(name: str, table: object, position: Position) -> Parameter:
    """Reads one parameter; what it says about other parameters is checked by ``rules.check``.

    Args:
        name: Its name, the key of the table.
        table: What stands under the key.
        position: Where that is.

    Raises:
        SpecError: A key is unknown, missing or impossible.
    """
    if not _NAME.fullmatch(name):
        raise position.error(
            "a parameter's name is made of letters, digits and _ and starts with no digit; "
            'write for example "learning_rate"'
        )
    if not isinstance(table, Mapping):
        raise position.error(
            f"a parameter is a table, but got {toml(table)}; "
            f'write [{name}] and below it type = "int", low = … and high = …'
        )
    type_ = _type(table, position)
    _check_keys(table, type_, position)
    repeat = table.get("repeat")
    if repeat is not None and not isinstance(repeat, str):
        raise position.at("repeat").error(
            f"must be the name of an int parameter, but got {toml(repeat)}; "
            'write for example repeat = "n_layers"'
        )
    when = _when(table.get("when", {}), position.at("when"))
    if type_ == "categorical":
        choices = _values(table["choices"], position.at("choices"))
        return Parameter(name, type_, choices=choices, repeat=repeat, when=when)
    low, high, step, log = read_range(table, type_, position)
    return Parameter(name, type_, low, high, step, log, repeat=repeat, when=when)


def _type(table: Mapping[str, Any], position: Position) -> Literal["int", "float", "categorical"]:
    if "type" not in table:
        guess = "categorical" if "choices" in table else "int"
        raise position.at("type").error(f'is missing; write type = "{guess}" ({either(_KEYS)})')
    type_ = table["type"]
    if not isinstance(type_, str) or type_ not in _KEYS:
        text = f"must be {either(_KEYS)}, but got {toml(type_)}"
        raise position.at("type").error(f"{text}; {hint(str(type_), _KEYS, 'types')}")
    return cast(Literal["int", "float", "categorical"], type_)


def _check_keys(table: Mapping[str, Any], type_: str, position: Position) -> None:
    for key in table:
        if key in _KEYS[type_]:
            continue
        others = [other for other, keys in _KEYS.items() if key in keys]
        if others:
            raise position.at(key).error(
                f'does not go with type = "{type_}", only with {either(others)}; '
                f"remove it or change the type"
            )
        raise position.at(key).error(f"unknown key; {hint(key, _KEYS[type_], 'keys')}")
    for key in ("choices",) if type_ == "categorical" else ("low", "high"):
        if key not in table:
            example = "[…]" if key == "choices" else "…"
            raise position.at(key).error(
                f'is missing, and type = "{type_}" needs it; write {key} = {example}'
            )


def _values(values: object, position: Position) -> tuple[Value, ...]:
    if not isinstance(values, list | tuple):
        raise position.error(f"must be a list, but got {toml(values)}; write [{toml(values)}, …]")
    if not values:
        raise position.error("is empty; write at least one value")
    seen: list[Value] = []
    for value in values:
        if not isinstance(value, int | float | str):
            raise position.error(
                f"takes strings, numbers and booleans, but got {toml(value)}, {kind(value)}; "
                "write it as a string"
            )
        check_number(value, position)
        if value in seen:  # 1, 1.0 and true are one value to Optuna, so they are here
            other = seen[seen.index(value)]
            twice = "" if toml(other) == toml(value) else f" (Optuna takes {toml(other)} for it)"
            raise position.error(f"has {toml(value)} twice{twice}; each value may occur once")
        seen.append(value)
    return tuple(seen)


def _when(when: object, position: Position) -> dict[str, tuple[Value, ...]]:
    if not isinstance(when, Mapping):
        raise position.error(
            f"must be a table of parameters and their values, but got {toml(when)}; "
            'write for example when = { optimizer = ["sgd"] }'
        )
    return {
        parent: _values(
            values if isinstance(values, list | tuple) else [values], position.at(str(parent))
        )
        for parent, values in when.items()
    }
