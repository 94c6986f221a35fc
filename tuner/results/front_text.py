"""The metrics of a trial of several objectives in words, and the Pareto front in lines."""

from __future__ import annotations

from collections.abc import Mapping

from tuner.results.rows import BestTrial, ReferenceRow, Values
from tuner.results.study_result import StudyResult
from tuner.spec.goals import amount

_MOST_LINES = 12


def metrics_in_words(result: StudyResult, values: Values, measured: Mapping[str, float]) -> str:
    """Returns "accuracy 0.9612 · n_params 52,650": what is known of all metrics but stored ones."""
    stored = {goal.metric for goal in result.goals if goal.role == "store"}
    known = [each for each in cells(result, values, measured) if each[1] and each[0] not in stored]
    return " · ".join(f"{name} {shown}" for name, shown in known)


def cells(
    result: StudyResult, values: Values, measured: Mapping[str, float]
) -> list[tuple[str, str]]:
    """Returns each metric of a study with its value in words; empty if it is not known."""
    optimized = (objective.metric for objective in result.objectives)
    known = {**measured, **dict(zip(optimized, values, strict=False))}
    return [
        (name, "" if (value := known.get(name)) is None else amount(name, value))
        for name in result.metrics
    ]


def beside(result: StudyResult, one: BestTrial | ReferenceRow) -> str:
    """Returns the metrics beside the only optimised one, as `` · n_params 812``; may be empty."""
    phrases = [f"{name} {shown}" for name, shown in cells(result, (), one.measured) if shown]
    return "".join(f" · {phrase}" for phrase in phrases)


def front_lines(result: StudyResult) -> list[tuple[str, str, str]]:
    """Returns a line for each trial on the front: a name, the trial, its metrics in words.

    Of many only some are shown, from the best in the first objective to the worst.
    """
    front = result.front
    shown = list(front)
    if len(front) > _MOST_LINES:
        step = (len(front) - 1) / (_MOST_LINES - 1)
        shown = [front[round(i * step)] for i in range(_MOST_LINES)]
    lines = [
        (
            "front" if number == 0 else "",
            f"trial {one.number}",
            metrics_in_words(result, one.values, one.measured),
        )
        for number, one in enumerate(shown)
    ]
    if len(shown) < len(front):
        lines.append(("", "", f"{len(shown)} of {len(front)} that no other one beats"))
    return lines
