"""A bundle in words: for the end of ``tuner train`` and for the card."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tuner.units import count, figure
from tuner.wording import one_line


def words(path: Path, info: Mapping[str, Any]) -> str:
    """Returns what was trained, how good it is beside the trivial predictor, and what comes next.

    Args:
        path: The bundle's folder.
        info: Its ``bundle.json``.
    """
    rows = info["data"]["rows"]
    trained = rows["train"] + rows["validation"]
    lines = [
        f"{path} · {origin(info)}",
        f"{count(info['epochs'], 'epoch')} on {trained:,} rows; "
        f"scored once on {rows['test']:,} rows that no trial has seen",
        "",
    ]
    table = scores(info)
    name_width = max(len(name) for name, _, _ in table)
    value_width = max(len(value) for _, value, _ in table)
    for name, value, trivial in table:
        beside = f"   {info['baseline']['predicts']}: {trivial}" if trivial else ""
        lines.append(f"  {name:<{name_width}}   {value:<{value_width}}{beside}".rstrip())
    example = {"text": '"A TEXT"', "image": "ROWS.npy"}.get(info["data"].get("kind"), "ROWS.csv")
    return "\n".join(map(one_line, [*lines, "", f"next  tuner predict {path} {example}"]))


def scores(info: Mapping[str, Any]) -> list[tuple[str, str, str]]:
    """Returns a row a score: its name and split, its value, the trivial predictor's value."""
    trivial = info["baseline"]["test"]
    rows = []
    for name, value in info["scores"]["test"].items():
        beside = trivial.get(name)
        rows.append((f"{name} on test", _text(value), "" if beside is None else figure(beside)))
    for name, value in info["scores"]["validation"].items():
        rows.append((f"{name} on validation, in the search", _text(value), ""))
    return rows


def origin(info: Mapping[str, Any]) -> str:
    """Returns the study and the trial that the model comes from."""
    trial = info.get("trial")
    return f"study {info['study']}" + ("" if trial is None else f", trial {trial}")


def _text(value: float | None) -> str:
    return "not a number" if value is None else figure(value)
