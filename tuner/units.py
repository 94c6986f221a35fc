"""Sizes and times as people read them in messages."""

from __future__ import annotations


def format_seconds(seconds: float) -> str:
    """``90`` → ``1 min 30 s``; under ten seconds with one decimal."""
    if seconds < 10:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    parts = [(hours, "h"), (minutes, "min"), (rest, "s")]
    return " ".join(f"{number} {unit}" for number, unit in parts if number)


def format_bytes(size: int) -> str:
    """``2147483648`` → ``2.0 GiB``."""
    return f"{size / 2**30:.1f} GiB" if size >= 2**30 else f"{size / 2**20:.0f} MiB"
