"""Numbers and long expressions as a person would lay them out in Python."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any

import numpy as np

_WIDTH = 100


def number_text(value: Any) -> str:
    """Returns the shortest text; of a float32 (0.07 kept as 0.07000000029802322) that one's."""
    if isinstance(value, int | np.integer):
        return repr(int(value))
    number = float(value)
    if not math.isfinite(number):
        return f'float("{number}")'
    if number == 0:
        return "0.0"
    with np.errstate(over="ignore"):
        short = np.float32(number)
    return repr(float(str(short))) if float(short) == number else repr(number)


def wrapped(opening: str, items: Iterable[str], closing: str, indent: int, before: int) -> str:
    """Returns ``[1, 2, 3]``; over several indented lines where one would be too long.

    A call has an argument a line then, a list of calls a call; of numbers as many as go in.
    """
    items = list(items)
    inner = ", ".join(items)
    if "\n" not in inner and indent + before + len(opening + inner + closing) + 1 <= _WIDTH:
        return opening + inner + closing
    pad = " " * (indent + 4)
    end = "\n" + " " * indent + closing.lstrip(",")
    is_call = len(opening) > 1 or "(" in inner
    if is_call and closing != ",)" and "\n" not in inner and len(pad + inner) <= _WIDTH:
        return f"{opening}\n{pad}{inner}{end}"
    lines = [f"{pad}{items[0]},"]
    for item in items[1:]:
        if is_call or "\n" in item or len(f"{lines[-1]} {item},") > _WIDTH:
            lines.append(f"{pad}{item},")
        else:
            lines[-1] += f" {item},"
    return opening + "\n" + "\n".join(lines) + end
