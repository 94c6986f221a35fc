"""The rules of an exported configuration's table, and the words when one is broken."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from pydantic import ValidationError

from tuner.errors import SpecError
from tuner.spec import CsvDataset
from tuner.wording import hint

SCHEMA = 1
"""Version of the exported file's form; raised when an older reader could not understand it."""


def check(table: Mapping[str, Any], where: str) -> None:
    """Raises a SpecError that names ``where``, the key and the rule if ``table`` breaks one."""
    schema = table.get("tuner_export")
    if not _is_int(schema):
        raise SpecError(
            f"{where} is not an exported configuration: the key tuner_export is missing; "
            f"write one with `tuner export STUDY -o {where}`"
        )
    if schema != SCHEMA:
        raise SpecError(
            f"{where}: tuner_export is {schema}, this version of tuner reads {SCHEMA}; "
            "export it again, or update tuner"
        )
    rules = _REQUIRED | _OPTIONAL
    for key, (_, words) in _REQUIRED.items():
        if key not in table:
            raise SpecError(f"{where}: the key {key} is missing; write {words}, or export it again")
    for key, value in table.items():
        if key not in rules:
            raise SpecError(f"{where}: unknown key {key}; {hint(key, rules, 'keys')}")
        holds, words = rules[key]
        if not holds(value):
            raise SpecError(f"{where}: {key} must be {words}, not {value!r}")


def _is_int(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _is_text(value: object) -> bool:
    return isinstance(value, str) and value != ""


def _is_dataset(value: object) -> bool:
    if isinstance(value, Mapping):
        try:
            CsvDataset.model_validate(dict(value))
        except ValidationError:
            return False
        return True
    return _is_text(value)


def _is_params(value: object) -> bool:
    return isinstance(value, Mapping) and all(
        _is_text(name) and isinstance(item, int | float | str) for name, item in value.items()
    )


def _is_texts(value: object) -> bool:
    return isinstance(value, Mapping) and all(isinstance(text, str) for text in value.values())


_POSITIVE = (lambda value: _is_int(value) and value >= 1, "an integer of at least 1")
_TEXT = (_is_text, "a text that is not empty")

_Rule = tuple[Callable[[Any], bool], str]

_REQUIRED: dict[str, _Rule] = {
    "study": _TEXT,
    "metric": _TEXT,
    "direction": (lambda value: value in ("minimize", "maximize"), '"minimize" or "maximize"'),
    "dataset": (_is_dataset, 'a name, "module:function" or { csv = "file.csv", target = "name" }'),
    "model": _TEXT,
    "params": (_is_params, "a table of numbers, texts, true and false"),
    "epochs": _POSITIVE,
    "batch_size": _POSITIVE,
    "seed": (lambda value: _is_int(value) and value >= 0, "an integer of at least 0"),
}
_OPTIONAL: dict[str, _Rule] = {
    "tuner_export": (_is_int, "an integer"),
    "about": _TEXT,
    "trial": (lambda value: _is_int(value) and value >= 0, "an integer of at least 0"),
    "value": (_is_number, "a number"),
    "base": _TEXT,
    "data_fingerprint": _TEXT,
    "versions": (_is_texts, "a table of texts"),
}
