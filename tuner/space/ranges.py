"""The numeric half of a parameter's table: low, high, step, log, and the rules between them."""

from __future__ import annotations

import math
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from tuner.wording import Position, kind, toml

_EXACT = 2**53  # Optuna stores every number as a double: whole numbers are exact up to here
_MOST_STEPS = 1_000_000  # of a float's grid; finer ones are lost in a double's rounding


def check_number(value: object, position: Position) -> None:
    """Checks that a number can be stored as it is written; other values pass.

    Raises:
        SpecError: It is infinite, no number, or a whole number that a double would round.
    """
    if isinstance(value, float) and not math.isfinite(value):
        raise position.error(f"must be a finite number, but got {toml(value)}")
    if isinstance(value, int) and abs(value) > _EXACT:
        raise position.error(
            f"must lie within ±2^53, where whole numbers are stored exactly, but got {toml(value)}"
        )


def _number(table: Mapping[str, Any], key: str, type_: str, position: Position) -> int | float:
    value, position = table[key], position.at(key)
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise position.error(
            f"must be a number, but got {toml(value)}, {kind(value)}; write {key} = 1"
        )
    check_number(value, position)
    if type_ == "float":
        return float(value)
    if not isinstance(value, int):
        raise position.error(
            f"must be a whole number because the type is int, but got {toml(value)}; "
            f'write {key} = {round(value)} or type = "float"'
        )
    return value


def read_range(
    table: Mapping[str, Any], type_: str, position: Position
) -> tuple[int | float, int | float, int | float | None, bool]:
    """Reads low, high, step and log of an int or a float.

    Returns:
        The four, numbers in the parameter's own type; step is None where there is no grid, and
        where an int's is 1.

    Raises:
        SpecError: One is no number, or they do not go together.
    """
    low, high = (_number(table, key, type_, position) for key in ("low", "high"))
    log = table.get("log", False)
    if not isinstance(log, bool):
        raise position.at("log").error(f"must be true or false, but got {toml(log)}")
    if low > high:
        raise position.at("low").error(
            f"low <= high must hold, but low = {toml(low)} and high = {toml(high)}; "
            f"write low = {toml(high)} and high = {toml(low)}?"
        )
    if math.isinf(high - low):
        raise position.at("high").error(
            f"high - low must be a finite number, but low = {toml(low)} and high = {toml(high)}; "
            "write a smaller range"
        )
    if log and low <= 0:
        least = "1" if type_ == "int" else "a small number such as 1e-5"
        raise position.at("low").error(
            f"low > 0 must hold with log = true, but low = {toml(low)}; write {least}, "
            "or remove log"
        )
    step = _number(table, "step", type_, position) if "step" in table else None
    if step is None:
        return low, high, None, log
    _check_step(low, high, step, position.at("step"))
    if type_ == "int" and step == 1:
        return low, high, None, log  # the same space, and Optuna's default: one way to say it
    if log:
        raise position.at("step").error(
            f"a step does not go with log = true, but step = {toml(step)}; remove one of them"
        )
    return low, high, step, log


def _check_step(low: int | float, high: int | float, step: int | float, position: Position) -> None:
    if step <= 0:
        raise position.error(f"must be above 0, but got {toml(step)}; remove it for no grid")
    if (high - low) / step > _MOST_STEPS and isinstance(step, float):
        raise position.error(
            f"at most {_MOST_STEPS:,} steps fit between low and high, but step = {toml(step)} "
            "makes more; remove it for no grid"
        )
    # Decimal arithmetic on the written digits, as Optuna does: 0.3 is a multiple of 0.1.
    start, end, width = (Decimal(str(number)) for number in (low, high, step))
    rest = (end - start) % width
    if rest:
        raise position.error(
            f"high must be low plus a multiple of step, but low = {toml(low)}, "
            f"high = {toml(high)} and step = {toml(step)}; write high = {end - rest} "
            f"or high = {end - rest + width}"
        )
