"""Settings from the command line, ``KEY=VALUE``, put into a study's table before it is read."""

from __future__ import annotations

import copy
import tomllib
from collections.abc import Mapping, Sequence
from typing import Any

from tuner.spec.models import DEFAULT_NAMES
from tuner.wording import Position, kind

_EXAMPLE = "write KEY=VALUE, such as budget.n_trials=10"


def apply_settings(table: Mapping[str, Any], settings: Sequence[str], where: str) -> dict[str, Any]:
    """Returns a copy of a study's table with settings put in; whether they fit is seen on reading.

    Args:
        table: The study file as TOML has it.
        settings: ``dotted.key=value``, the keys being those of the file. The value is TOML; what
            is no TOML, such as a bare word, is a string: ``sampler.name=random``. Another name
            of a sampler or pruner drops the file's options of the former one.
        where: The file, as errors name it.

    Raises:
        SpecError: A setting has no ``=`` or no key, or leads into something that is no table.
    """
    result = copy.deepcopy(dict(table))
    read = [_read(setting) for setting in settings]
    for part in DEFAULT_NAMES:
        names = [value for _, keys, value in read if keys == [part, "name"]]
        if names and isinstance(own := result.get(part), dict):
            _rename(own, part, names[-1])
    for position, keys, value in read:
        inner: dict[str, Any] = result
        for depth, key in enumerate(keys[:-1], start=1):
            within = inner.setdefault(key, {})
            if not isinstance(within, dict):
                raise position.error(
                    f"{'.'.join(keys[:depth])} in {where} is {kind(within)}, not a table, "
                    f"and has no keys inside; write {'.'.join(keys[:depth])}=… for all of it"
                )
            inner = within
        inner[keys[-1]] = value
    return result


def _rename(own: dict[str, Any], part: str, name: object) -> None:
    """Drops the options in the file when another sampler or pruner is named: they are its own."""
    if own.get("name", DEFAULT_NAMES[part]) != name:
        for option in own.keys() - {"name", "seed"}:
            del own[option]


def _read(setting: str) -> tuple[Position, list[str], Any]:
    path, equals, text = setting.partition("=")
    position = Position(f"--set {' '.join(setting.split())}")
    keys = [key.strip() for key in path.split(".")]
    if not equals or not all(keys):
        raise position.error(f"must be a key and a value; {_EXAMPLE}")
    return position, keys, _value(text.strip())


def _value(text: str) -> Any:
    try:
        table = tomllib.loads(f"value = {text}")
    except tomllib.TOMLDecodeError:
        return text
    # Text with a line break could smuggle in further keys: then it is a string as it is.
    return table["value"] if table.keys() == {"value"} else text
