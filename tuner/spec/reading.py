"""From tables to the models of a study, and from pydantic's errors to one clear line."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import Any, Literal, TypeVar, get_args, get_origin

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from tuner.errors import SpecError
from tuner.spec.models import Part
from tuner.wording import Position, hint, kind, toml

_Part = TypeVar("_Part", bound=Part)

_TYPES = {
    "string_type": "must be a string",
    "int_type": "must be a whole number",
    "int_from_float": "must be a whole number",
    "float_type": "must be a number",
    "bool_type": "must be true or false",
    "dict_type": "must be a table",
    "list_type": "must be a list",
    "string_unicode": "must be text",
    "int_parsing_size": "must be a whole number of a usual size",
    "model_type": "must be a table",
    "finite_number": "must be a finite number",
    "string_too_short": "must not be empty",
}


def read_part(
    model: type[_Part], table: object, position: Position, advice: str | None = None
) -> _Part:
    """Validates one table of a study file, or of another file that tuner reads.

    Args:
        model: The table's rules.
        table: What was read.
        position: Where it was read.
        advice: What the error advises, instead of an example for the key.

    Raises:
        SpecError: The first thing that is wrong with it, in one line.
    """
    if not isinstance(table, Mapping):
        name = position.keys[-1]
        raise position.error(
            f"must be a table, but got {toml(table)}; write [{name}] and below it "
            f"{' and '.join(_example(model, key) for key in _needed(model))}"
        )
    try:
        return model.model_validate(dict(table))
    except ValidationError as invalid:
        # Unknown keys first: a misspelt key is also a missing one, and its name says more.
        errors = sorted(invalid.errors(), key=lambda e: e["type"] != "extra_forbidden")
        raise _line(model, errors[0], position, advice) from None


def check_keys(table: Mapping[str, Any], known: Iterable[str], position: Position) -> None:
    """Checks that a table has no other keys than the known ones.

    Raises:
        SpecError: It has; the text offers the nearest key.
    """
    for key in table:
        if key not in known:
            raise position.at(key).error(f"unknown key; {hint(key, known, 'keys')}")


def check_plain(value: object, position: Position) -> None:
    """Refuses what JSON cannot hold, because a study is stored as JSON: dates, nan, inf.

    Raises:
        SpecError: The value, or one inside it, is such.
    """
    if isinstance(value, Mapping):
        for key, inner in value.items():
            check_plain(inner, position.at(str(key)))
    elif isinstance(value, list):
        for inner in value:
            check_plain(inner, position)
    elif not isinstance(value, int | float | str):
        raise position.error(
            f"takes strings, numbers, booleans, lists and tables, but got {toml(value)}, "
            f"{kind(value)}; write it as a string"
        )
    elif isinstance(value, float) and not math.isfinite(value):
        raise position.error(f"must be a finite number, but got {toml(value)}; write a number")


def _needed(model: type[Part]) -> list[str]:
    needed = [name for name, field in model.model_fields.items() if field.is_required()]
    return needed or list(model.model_fields)[:1]


def _line(
    model: type[Part], error: ErrorDetails, position: Position, advice: str | None
) -> SpecError:
    keys = [str(key) for key in error["loc"] if not isinstance(key, int)]  # of a list: its key
    here = position.at(*keys)
    holder, key = _holder(model, keys)
    if error["type"] == "extra_forbidden":
        near = hint(key, holder.model_fields, "keys")
        return here.error(f"unknown key ({near}); {advice}" if advice else f"unknown key; {near}")
    todo = advice or f"write {_example(holder, key)}"
    if error["type"] == "missing":
        return here.error(f"is missing; {todo}")
    value = error["input"]
    got = f"but got {toml(value)}"
    match error["type"]:
        case "value_error":  # from our own validators, whose text is whole
            text = str(error["ctx"]["error"])
            return here.error(f"{text}; {advice}" if advice else text)
        case "literal_error":
            allowed = _allowed(holder, key)
            text = f"must be {' or '.join(map(toml, allowed))}, {got}"
            return here.error(f"{text}; {hint(str(value), allowed, 'values')}")
        case "greater_than_equal":
            return here.error(f"must be at least {error['ctx']['ge']}, {got}; {todo}")
        case "greater_than":
            return here.error(f"must be above {error['ctx']['gt']}, {got}; {todo}")
        case "less_than":
            return here.error(f"must be below {error['ctx']['lt']}, {got}; {todo}")
        case "less_than_equal":
            return here.error(f"must be at most {error['ctx']['le']}, {got}; {todo}")
    what = "" if error["type"] == "string_too_short" else f", {kind(value)}"
    return here.error(f"{rule(error)}, {got}{what}; {todo}")


def rule(error: ErrorDetails) -> str:
    """The rule that a value breaks, in our words where there are any."""
    if error["type"] == "value_error":  # from our own validators
        return str(error["ctx"]["error"])
    return _TYPES.get(error["type"], error["msg"][:1].lower() + error["msg"][1:])


def _holder(model: type[Part], keys: list[str]) -> tuple[type[Part], str]:
    """Returns the innermost model on the way along ``keys``, and the key of it that they go to."""
    for i, key in enumerate(keys[:-1]):
        annotation = model.model_fields[key].annotation
        options = [one for one in (annotation, *get_args(annotation)) if isinstance(one, type)]
        inner = next((one for one in options if issubclass(one, Part)), None)
        if inner is None:
            return model, keys[i]  # further keys are those of a list or a plain table
        model = inner
    return model, keys[-1]


def _example(model: type[Part], key: str) -> str:
    return f"{key} = {(model.model_fields[key].examples or ['…'])[0]}"


def _allowed(model: type[Part], key: str) -> list[str]:
    """Returns the words of Literal[…], wherever it stands in the field's type."""
    open_ends: list[Any] = [model.model_fields[key].annotation]
    while open_ends:
        found = open_ends.pop()
        if get_origin(found) is Literal:
            return list(get_args(found))
        open_ends += get_args(found)
    return []
