"""What differs between two studies, by dotted keys."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from tuner.wording import key_text, toml

_ABSENT = object()
_NAMED = {"objective": "metric", "reference": "name"}
"""Keys of lists of tables, and the key in each table that names it."""


def differences(now: Mapping[str, Any], stored: Mapping[str, Any]) -> list[str]:
    """Compares two tables of :meth:`StudySpec.identity`, in the order of their keys.

    Returns:
        Such as ``search_space.units.high: 512 in the database, now 256``; empty exactly when the
        tables are equal, types included.
    """
    ours, theirs = dict(_leaves(_by_name(now))), dict(_leaves(_by_name(stored)))
    lines = [
        f"{'.'.join(map(key_text, path))}: {_text(theirs, path)} in the database, "
        f"now {_text(ours, path)}"
        for path in {**theirs, **ours}
        if _json(theirs.get(path, _ABSENT)) != _json(ours.get(path, _ABSENT))
    ]
    if lines or _json(now) == _json(stored):
        return lines
    for key, name in _NAMED.items():
        before, after = ([one[name] for one in _listed(side[key])] for side in (stored, now))
        if before != after:
            lines.append(f"{key}: in the order {before} in the database, now {after}")
    return lines


def _listed(value: Any) -> Sequence[Mapping[str, Any]]:
    return value if isinstance(value, list) else []


def _by_name(table: Mapping[str, Any]) -> dict[str, Any]:
    """Returns the table with what is listed under its names, which say more than its numbers."""
    listed = {key: name for key, name in _NAMED.items() if isinstance(table[key], list)}
    return {**table, **{key: {x[name]: x for x in table[key]} for key, name in listed.items()}}


def _leaves(
    table: Mapping[str, Any], path: tuple[str, ...] = ()
) -> Iterator[tuple[tuple[str, ...], Any]]:
    for key, value in table.items():
        if isinstance(value, Mapping) and value:
            yield from _leaves(value, (*path, key))
        else:
            yield (*path, key), value


def _json(value: Any) -> str:
    return "" if value is _ABSENT else json.dumps(value, sort_keys=True)


def _text(leaves: Mapping[tuple[str, ...], Any], path: tuple[str, ...]) -> str:
    return toml(leaves[path]) if path in leaves else "absent"
