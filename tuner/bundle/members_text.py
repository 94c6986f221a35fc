"""A bundle of several members in words: for the end of ``tuner automl`` and for the card."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from pathlib import Path
from textwrap import wrap
from typing import Any

from tuner.bundle.bundle_text import ScoreRow, scores
from tuner.units import count, figure
from tuner.wording import one_line

_WIDTH = 80
_EXAMPLES = {"text": '"A TEXT"', "image": "IMAGE.png"}  # kind of the rows to what is predicted


def members_words(path: Path, info: Mapping[str, Any]) -> str:
    """Returns the members, the scores beside the trivial predictor's, and the next command.

    Args:
        path: The bundle's folder.
        info: Its ``bundle.json``.
    """
    rows = info["data"]["rows"]
    example = _EXAMPLES.get(info["data"].get("kind"), "ROWS.csv")
    lines = [
        f"{path} · study {info['study']}",
        f"{count(len(info['members']), 'member')} fitted on "
        f"{rows['train'] + rows['validation']:,} rows; "
        f"scored once on {rows['test']:,} that no trial has seen",
        "",
        *_score_lines(members_scores(info)),
        "",
        f"next  tuner predict {shlex.quote(str(path))} {example}",
    ]
    return "\n".join(one_line(line).rstrip() for line in lines)


def _score_lines(table: Sequence[ScoreRow]) -> list[str]:
    """Returns a line a score, then what trivial predictors reach."""
    name_width = max(len(row.name) for row in table)
    lines = [f"  {row.name:<{name_width}}   {row.value}" for row in table]
    by_predictor = dict[str, list[str]]()
    for row in table:
        if row.trivial:
            metric = row.name.partition(" ")[0]
            by_predictor.setdefault(row.predicts, []).append(f"{metric} {row.trivial}")
    said = (f"{predicts}: {', '.join(values)}" for predicts, values in by_predictor.items())
    wrapped = (wrap(text, _WIDTH - 2, subsequent_indent="  ") for text in said)
    return [*lines, "", *(f"  {line}" for some in wrapped for line in some)]


def members_scores(info: Mapping[str, Any]) -> list[ScoreRow]:
    """Returns a row a score, with the interval of those on the test split."""
    intervals = info["scores"].get("test_interval", {})
    rows = []
    for row in scores(info, validation="out of fold"):
        metric = row.name.partition(" ")[0]
        if row.name.endswith("on test") and metric in intervals:
            low, high = intervals[metric]
            row = row._replace(value=f"{row.value} ({figure(low)} to {figure(high)})")
        rows.append(row)
    return rows


def members_document(path: Path, info: Mapping[str, Any]) -> dict[str, Any]:
    """Returns the document of ``tuner automl --json``."""
    alone = info["members"][0] if len(info["members"]) == 1 else None
    return {
        "bundle": str(path),
        "epochs": None,
        "params": alone["params"] if alone else {},
        "scores": info["scores"],
        "baseline": info["baseline"]["test"],
        "members": info["members"],
        "leaderboard": info.get("leaderboard", []),
        "importance": info.get("importance", []),
        "warnings": info.get("warnings", []),
    }
