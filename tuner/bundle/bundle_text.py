"""A bundle in words: for the end of ``tuner train`` and for the card."""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from tuner.learners.registry import amount
from tuner.results.configuration_rules import ConfirmedScore
from tuner.spec.study import scored_on
from tuner.units import figure
from tuner.wording import one_line


def words(path: Path, info: Mapping[str, Any]) -> str:
    """Returns what was trained, its scores beside the trivial predictor's, and the next command.

    Args:
        path: The bundle's folder.
        info: Its ``bundle.json``.
    """
    rows = info["data"]["rows"]
    trained = rows["train"] + rows["validation"]
    fitted = amount(info["model"], info["params"], info["epochs"]) or "fitted"
    seeds = len(info.get("seeds", ()))
    mean = f", the mean of {seeds} seeds" if seeds else ""
    if not info.get("seed_matters", True):
        mean = ", the same with every seed"
    lines = [
        f"{path} · {origin(info)}",
        f"{fitted} on {trained:,} rows{mean}; "
        f"scored once on {rows['test']:,} rows that no trial has seen",
        "",
    ]
    table = scores(info)
    value_width = max(len(row.value) for row in table)
    if info.get("confirmed"):
        score = ConfirmedScore.model_validate(info["confirmed"])
        table.append(ScoreRow(f"{info['metric']} confirmed", score.words().partition(" ")[2]))
    name_width = max(len(row.name) for row in table)
    for name, value, trivial, predicts in table:
        beside = f"   {predicts}: {trivial}" if trivial else ""
        lines.append(f"  {name:<{name_width}}   {value:<{value_width}}{beside}".rstrip())
    example = {"text": '"A TEXT"', "image": "ROWS.npy"}.get(info["data"].get("kind"), "ROWS.csv")
    return "\n".join(map(one_line, [*lines, "", f"next  tuner predict {path} {example}"]))


class ScoreRow(NamedTuple):
    """One score as text.

    Attributes:
        name: The metric and the split.
        value: The model's value.
        trivial: The trivial predictor's value; empty if it has none.
        predicts: What that predicts.
    """

    name: str
    value: str
    trivial: str = ""
    predicts: str = ""


def scores(info: Mapping[str, Any], validation: str | None = None) -> list[ScoreRow]:
    """Returns a row a score, those on the test split first.

    Args:
        info: What ``bundle.json`` holds.
        validation: What the scores of the search were computed on, in words; None if that follows
            from the bundle.
    """
    baseline = info["baseline"]
    rows = []
    for name, value in info["scores"]["test"].items():
        beside = baseline["test"].get(name)
        trivial = "" if beside is None else figure(beside)
        predicts = baseline.get("predicts_for", {}).get(name, baseline["predicts"])
        rows.append(ScoreRow(f"{name} on test", _text(value), trivial, predicts))
    on = validation or f"{scored_on(info.get('folds', 1))}, in the search"
    for name, value in info["scores"]["validation"].items():
        rows.append(ScoreRow(f"{name} {on}", _text(value)))
    return rows


def origin(info: Mapping[str, Any]) -> str:
    """Returns the study and the trial that the model comes from."""
    trial = info.get("trial")
    return f"study {info['study']}" + ("" if trial is None else f", trial {trial}")


def _text(value: float | None) -> str:
    return "not a number" if value is None or math.isnan(value) else figure(value)
