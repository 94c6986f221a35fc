"""Small pieces of error texts about rows and cells."""

from __future__ import annotations


def count(number: int, thing: str, things: str | None = None) -> str:
    """Returns ``1 row`` or ``1,599 rows``."""
    return f"{number:,} {thing if number == 1 else things or thing + 's'}"
