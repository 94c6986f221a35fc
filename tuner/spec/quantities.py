"""Durations and sizes as people write them: ``"1h30m"`` in seconds, ``"2GiB"`` in bytes."""

from __future__ import annotations

import math
import re

from tuner.wording import kind, toml

_DURATION = re.compile(
    r"(?:(?P<d>\d+(?:\.\d+)?)d)?(?:(?P<h>\d+(?:\.\d+)?)h)?"
    r"(?:(?P<m>\d+(?:\.\d+)?)m)?(?:(?P<s>\d+(?:\.\d+)?)s)?"
)
_NUMBER = re.compile(r"-?\d+(?:\.\d+)?")
_SECONDS = {"d": 86_400, "h": 3_600, "m": 60, "s": 1}
_SIZE = re.compile(r"(?P<number>\d+(?:\.\d+)?) ?(?P<unit>[KMGT]i?B)", re.IGNORECASE)
_BYTES: dict[str, int] = {f"{prefix}b": 1000 ** (i + 1) for i, prefix in enumerate("kmgt")} | {
    f"{prefix}ib": 1024 ** (i + 1) for i, prefix in enumerate("kmgt")
}
_LEAST_BYTES = 2**20  # a limit below is a forgotten unit: no process lives in less


def seconds(value: object, *, zero: bool = False) -> float:
    """Reads a duration: a number of seconds, or ``"20m"``, ``"90s"``, ``"1h30m"``, ``"2d"``.

    Args:
        value: The duration; a string that is a bare number is seconds, too, as in a terminal.
        zero: Whether it may be 0.

    Returns:
        Seconds, finite and above 0, or 0 if that may be.

    Raises:
        ValueError: It is neither; the text is the rest of an error line.
    """
    instead = 'write "90s", "20m", "1h30m" or a number of seconds'
    if isinstance(value, str) and _NUMBER.fullmatch(value.strip()):
        total = float(value)
    elif isinstance(value, str):
        match = _DURATION.fullmatch(value.strip())
        if match is None or not any(match.groupdict().values()):
            raise ValueError(f"must be a duration, but got {toml(value)}; {instead}")
        total = sum(
            float(number) * _SECONDS[unit]
            for unit, number in match.groupdict().items()
            if number is not None
        )
    elif isinstance(value, int | float) and not isinstance(value, bool):
        total = float(value)
    else:
        raise ValueError(f"must be a duration, but got {toml(value)}, {kind(value)}; {instead}")
    if not (0 < total < math.inf or (zero and total == 0)):
        least = "at least" if zero else "above"
        raise ValueError(f"must be {least} 0 and finite, but got {toml(value)}; {instead}")
    return total


def size(value: object) -> int:
    """Reads a size: a number of bytes, or ``"2GiB"`` (1024³), ``"512MiB"``, ``"2GB"`` (1000³).

    Returns:
        Bytes, at least 1 MiB.

    Raises:
        ValueError: It is neither; the text is the rest of an error line.
    """
    instead = 'write "2GiB", "512MiB" or a number of bytes'
    if isinstance(value, str):
        match = _SIZE.fullmatch(value.strip())
        if match is None:
            raise ValueError(f"must be a size, but got {toml(value)}; {instead}")
        total = round(float(match["number"]) * _BYTES[match["unit"].lower()])
    elif isinstance(value, int) and not isinstance(value, bool):
        total = value
    else:
        raise ValueError(f"must be a size, but got {toml(value)}, {kind(value)}; {instead}")
    if total < _LEAST_BYTES:
        raise ValueError(f"must be at least 1 MiB, but got {toml(value)}; {instead}")
    return total
