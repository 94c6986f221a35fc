"""Options of ``tuner automl`` in place of the keys of a study file.

What reads tables names the keys of a study's ``dataset`` in its errors: ``drop = ["city"]``. Who
runs a command has options instead: ``--drop city``.
"""

from __future__ import annotations

import re
import shlex
import tomllib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from tuner.errors import RequestError

OPTIONS: Mapping[str, str] = {
    "target": "--target",
    "task": "--task",
    "drop": "--drop",
    "kind": "--kind",
    "group": "--group",
    "time": "--time-column",
    "time_feature": "--time-feature",
    "weight": "--weight",
    "test": "--test",
    "sep": "--sep",
    "decimal": "--decimal",
    "thousands": "--thousands",
    "encoding": "--encoding",
    "missing": "--missing",
    "not_missing": "--not-missing",
    "sheet": "--sheet",
}
"""Key of a dataset to the option that sets it."""

_KEYS = "|".join(OPTIONS)
_VALUE = r"\"(?:[^\"\\]|\\.)*\"|\[[^\]]*\]|\{[^}]*\}|\d+(?:\.\d+)?"  # in TOML
_DECLARATION = re.compile(rf"(?<![\w.\"])(?P<key>{_KEYS}) = (?P<value>{_VALUE})")


def option_words(key: str, value: Any) -> list[str]:
    """Returns the words of a command line that set a key.

    >>> option_words("drop", ["city", "zip code"]), option_words("kind", {"zip": "category"})
    (['--drop', 'city', '--drop', 'zip code'], ['--kind', 'zip=category'])
    """
    option = OPTIONS[key]
    if value is True:
        return [option]
    if isinstance(value, Mapping):
        return [word for name, kind in value.items() for word in (option, f"{name}={kind}")]
    values = value if isinstance(value, list | tuple) else [value]
    return [word for one in values for word in (option, str(one))]


def in_options(text: str) -> str:
    """Returns a text in which options stand in place of declared keys.

    >>> in_options('leave it out: drop = ["a"]')
    'leave it out: --drop a'
    """

    def replaced(found: re.Match[str]) -> str:
        try:
            value = tomllib.loads(found[0])[found["key"]]
        except tomllib.TOMLDecodeError:  # shortened for people
            return found[0]
        return shlex.join(option_words(found["key"], value))

    return _DECLARATION.sub(replaced, text)


@contextmanager
def errors_in_options() -> Iterator[None]:
    """Raises what the block raises with options in place of keys.

    Raises:
        RequestError: Of the same class, and so with the same exit status.
    """
    try:
        yield
    except RequestError as error:
        text = in_options(str(error))
        if text == str(error):
            raise
        raise type(error)(text) from error.__cause__
