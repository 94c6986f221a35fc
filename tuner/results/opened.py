"""The openings of a study's test split in words, for ``tuner show`` and for reports."""

from __future__ import annotations

from collections.abc import Sequence

from tuner.results.study_result import StudyResult
from tuner.storage.openings import Opening
from tuner.units import count, figure

_MOST_SHOWN = 5


def opened(openings: Sequence[Opening], result: StudyResult) -> list[str]:
    """Returns a line that counts the openings, and one for each of the last few.

    Args:
        openings: Oldest first.
        result: The study, whose metric is shown.
    """
    if not openings:
        return []
    configurations = len({one.configuration for one in openings})
    line = f"the test split was opened {count(len(openings), 'time')}"
    if len(openings) > 1:
        line += f" for {count(configurations, 'configuration')}"
    if configurations > 1:
        line += ": choosing by test scores makes them optimistic"
    shown = openings[-_MOST_SHOWN:]
    before = len(openings) - len(shown)
    lines = [f"  … {before} before"] if before else []
    return [line, *lines, *(f"  {_words(one, result.metric)}" for one in shown)]


def _words(opening: Opening, metric: str) -> str:
    when = f"{opening.opened_at:%Y-%m-%d %H:%M} UTC"
    what = "" if opening.trial is None else f", trial {opening.trial}"
    value = opening.scores.get(metric)
    score = "" if value is None else f": {metric} {figure(value)}"
    return f"{when}  {opening.by}{what}{score}"
