"""The records of `reference_runs` as a Markdown table: a row per study and reference."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import median_low
from typing import Any

Record = dict[str, Any]

_HEAD = ("study", "reference", "reported", "ours", "held out", "data used")
_LESS_IS_BETTER = ("loss", "mse", "mae")


def markdown(records: Sequence[Record]) -> str:
    """Returns the table; seeds of one reference become one row, in the order of the records.

    "ours" is the run whose score is the median of all seeds, so that its figures belong
    together, with the smallest and the largest score behind it.
    """
    groups: dict[tuple[str, str], list[Record]] = {}
    for record in records:
        groups.setdefault((record["study"], record["reference"]), []).append(record)
    lines = [_HEAD, tuple("---" for _ in _HEAD), *map(_row, groups.values())]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)


def _row(runs: list[Record]) -> tuple[str, ...]:
    first = runs[0]
    names = [name for name in first["reported"] if name != "split"] or [first["metric"]]
    reported = ", ".join(
        f"{name} {_number(value, name)}"
        for name, value in first["reported"].items()
        if name != "split"
    )
    return (
        first["study"],
        first["reference"],
        reported or "–",
        _ours(runs, names),
        _held_out(runs, names),
        _data(first),
    )


def _ours(runs: list[Record], names: list[str]) -> str:
    scored = [run for run in runs if run["scores"]]
    if not scored:
        return f"diverged: {runs[0]['failed']}"
    leading = names[0]
    middle = median_low(run["scores"][leading] for run in scored)
    run = next(run for run in scored if run["scores"][leading] == middle)
    if run["seed"] is None:
        names = list(run["scores"])
    text = ", ".join(f"{name} {_number(run['scores'][name], name)}" for name in names)
    if "outputs" in run:
        text += f"; outputs {' '.join(f'{value:.3f}' for value in run['outputs'])}"
    return text + _spread(runs, scored, leading)


def _spread(runs: list[Record], scored: list[Record], leading: str) -> str:
    """Says how far the seeds lie apart, and how many of them there are if not three."""
    found = sorted(run["scores"][leading] for run in scored)
    words = []
    ends = [_number(value, leading) for value in (found[0], found[-1])]
    if ends[0] != ends[1]:
        words.append(f"{ends[0]} … {ends[1]}")
    if runs[0]["seed"] is not None and len(runs) != 3:
        words.append("1 seed" if len(runs) == 1 else f"{len(runs)} seeds")
    if len(scored) < len(runs):
        words.append(f"{len(runs) - len(scored)} diverged")
    if runs[0].get("epochs_scale", 1.0) != 1.0:
        words.append(f"epochs × {runs[0]['epochs_scale']:g}")
    return f" ({'; '.join(words)})" if words else ""


def _held_out(runs: list[Record], names: list[str]) -> str:
    """The median on the test split of the studies whose notes scored what they had learned."""
    if runs[0]["scored"] == "test":
        return "the same"
    values = [run["held_out"][names[0]] for run in runs if run.get("held_out")]
    return f"{names[0]} {_number(median_low(values), names[0])}" if values else "–"


def _data(record: Record) -> str:
    rows = record["rows"]
    if record["scored"] == "train":
        text = f"all {rows['learned']:,} rows, scored on them"
    else:
        text = f"{rows['learned']:,} rows to learn, {rows['scored']:,} of test"
    # A note is about the splits: it is left out where training rows are scored.
    if record["note"] and record["scored"] == "test":
        text += f" ({record['note']})"
    return text


def _number(value: float, name: str) -> str:
    """Four decimals are what the notes print; of larger errors two."""
    return f"{value:.2f}" if name in _LESS_IS_BETTER and value >= 10 else f"{value:.4f}"
