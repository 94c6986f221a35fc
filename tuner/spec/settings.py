"""Settings from the command line, ``KEY=VALUE``, put into a study's table before it is read."""

from __future__ import annotations

import copy
import tomllib
from collections.abc import Mapping, Sequence
from typing import Any

from tuner.wording import Place, kind

_EXAMPLE = "write KEY=VALUE, such as budget.n_trials=10"


def apply_settings(table: Mapping[str, Any], settings: Sequence[str], where: str) -> dict[str, Any]:
    """Returns a copy of a study's table with settings put in; whether they fit is seen on reading.

    Args:
        table: The study file as TOML has it.
        settings: ``dotted.key=value``, the keys being those of the file. The value is TOML; what
            is no TOML, such as a bare word, is a string: ``sampler.name=random``.
        where: The file, as errors name it.

    Raises:
        SpecError: A setting has no ``=`` or no key, or leads into something that is no table.
    """
    result = copy.deepcopy(dict(table))
    for setting in settings:
        path, equals, text = setting.partition("=")
        place = Place(f"--set {' '.join(setting.split())}")
        keys = [key.strip() for key in path.split(".")]
        if not equals or not all(keys):
            raise place.error(f"must be a key and a value; {_EXAMPLE}")
        inner: dict[str, Any] = result
        for depth, key in enumerate(keys[:-1], start=1):
            value = inner.setdefault(key, {})
            if not isinstance(value, dict):
                raise place.error(
                    f"{'.'.join(keys[:depth])} in {where} is {kind(value)}, not a table, "
                    f"and has no keys inside; write {'.'.join(keys[:depth])}=… for all of it"
                )
            inner = value
        inner[keys[-1]] = _value(text.strip())
    return result


def _value(text: str) -> Any:
    try:
        table = tomllib.loads(f"value = {text}")
    except tomllib.TOMLDecodeError:
        return text
    # Text with a line break could smuggle in further keys: then it is a string as it is.
    return table["value"] if table.keys() == {"value"} else text
