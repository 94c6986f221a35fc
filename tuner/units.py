"""Numbers, times and sizes as people read them."""

from __future__ import annotations


def figure(value: float) -> str:
    """Returns a score with four decimals, more compact where that would say nothing.

    >>> figure(0.99774), figure(0.000042), figure(1234.5), figure(0)
    ('0.9977', '4.2e-05', '1234.5', '0')
    """
    size = abs(value)
    if size == 0:
        return "0"
    if size < 0.001:
        return f"{value:.2g}"
    return f"{value:.4f}" if size < 100 else f"{value:.6g}"


def setting(value: float | str) -> str:
    """Returns a parameter's value: three digits of a float, yes or no for a switch.

    >>> setting(0.0042137), setting(64), setting(True), setting("adam")
    ('0.00421', '64', 'yes', 'adam')
    """
    if isinstance(value, bool):
        return "yes" if value else "no"
    return f"{value:.3g}" if isinstance(value, float) else str(value)


def duration(seconds: float) -> str:
    """Returns seconds in the two largest units that matter.

    >>> duration(0.84), duration(112.3), duration(7500), duration(59.7)
    ('0.8 s', '1 min 52 s', '2 h 5 min', '1 min')
    """
    if seconds < 9.95:
        return f"{seconds:.1f} s".replace(".0 s", " s")
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    minutes, rest = divmod(whole, 60)
    if minutes < 60:
        return f"{minutes} min {rest} s" if rest else f"{minutes} min"
    hours, minutes = divmod(round(seconds / 60), 60)
    return f"{hours} h {minutes} min" if minutes else f"{hours} h"


def count(number: int, noun: str, nouns: str | None = None) -> str:
    """Returns ``1 trial``, ``2 trials`` or ``1,599 rows``.

    Args:
        number: How many there are.
        noun: What one is called.
        nouns: What several are called; ``noun`` with an s if None.
    """
    return f"{number:,} {noun if number == 1 else nouns or noun + 's'}"


def count_plain(number: int, noun: str) -> str:
    """Returns ``1 epoch`` or ``2000 epochs``: steps and trials, whose numbers are not grouped."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def format_bytes(size: int) -> str:
    """Returns mebibytes or gibibytes: ``2147483648`` → ``2.0 GiB``."""
    return f"{size / 2**30:.1f} GiB" if size >= 2**30 else f"{size / 2**20:.0f} MiB"
