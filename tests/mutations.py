"""Hypothesis strategies that break a file that was read before: one value, one key, a few bytes."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from typing import Any

from hypothesis import strategies as st

Path_ = tuple[str | int, ...]

VALUES: st.SearchStrategy[Any] = st.one_of(
    st.sampled_from([None, True, False, 0, 1, -1, 5, 7, 0.5, "", "x", "zz", [], {}, [5], {"a": 1}]),
    st.sampled_from([10**30, 10**400, 1e308, float("nan"), float("inf"), "\ud800", "a\0b", "a:b"]),
    st.integers(),
    st.floats(),
    st.text(max_size=8),
    st.lists(st.one_of(st.integers(), st.text(max_size=3)), max_size=3),
)


def paths(value: Any, above: Path_ = ()) -> Iterator[Path_]:
    """The way to each value inside a table."""
    inner = dict(enumerate(value)) if isinstance(value, list) else value
    for key, item in inner.items() if isinstance(inner, dict) else ():
        yield (*above, key)
        yield from paths(item, (*above, key))


@st.composite
def mutated(draw: st.DrawFn, table: dict[str, Any], values: st.SearchStrategy[Any] = VALUES) -> Any:
    """The table with one value replaced, removed, renamed or added."""
    table = copy.deepcopy(table)
    *way, last = draw(st.sampled_from(sorted(paths(table), key=str)))
    holder: Any = table
    for key in way:
        holder = holder[key]
    match draw(st.sampled_from(["replace", "replace", "replace", "remove", "rename", "add"])):
        case "replace":
            holder[last] = draw(values)
        case "remove":
            del holder[last]
        case "rename" if isinstance(holder, dict):
            holder[draw(st.text(max_size=4)) + str(last)[1:]] = holder.pop(last)
        case _ if isinstance(holder, dict):
            holder[draw(st.text(max_size=8))] = draw(values)
        case _:
            holder.append(draw(values))
    return table


@st.composite
def damaged(draw: st.DrawFn, content: bytes) -> bytes:
    """The bytes of a file with some of them cut out, repeated or replaced."""
    start = draw(st.integers(0, len(content)))
    end = min(len(content), start + draw(st.integers(0, 20)))
    new = draw(st.one_of(st.binary(max_size=6), st.sampled_from([b"\xef\xbb\xbf", b"[" * 5000])))
    return content[:start] + new + content[end:]
