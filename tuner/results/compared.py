"""The best trial beside the references, and what the search gained."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from typing import Any

from tuner.results.front_text import beside, front_lines, metrics_in_words
from tuner.results.rows import ADDED, ReferenceRow, TrialRow
from tuner.results.study_result import StudyResult
from tuner.spec import Role
from tuner.units import count, figure

_SPLITS = {
    "test": "on its test split",
    "train": "on its training data",
    "validation": "on its validation split",
}


def comparison(result: StudyResult) -> list[str]:
    """Returns lines in columns: the best trial, each reference, the trivial predictor, the gain."""
    if result.has_several_objectives:
        cells = front_lines(result) or [("front", "", _none_yet(result))]
    elif result.confirms is not None:
        return [
            f"  the confirmation of {result.confirms}, whose candidates are trained here again",
            f"  with other seeds; see: tuner show {shlex.quote(result.confirms)}",
        ]
    else:
        cells = [_best(result)]
    cells += [_reference(reference, result) for reference in result.references]
    if result.baseline is not None:
        metric = result.objectives[0].metric
        words = f"{metric} {figure(result.baseline['value'])} {result.scored_on}: "
        cells.append(("baseline", "", words + result.baseline["predicts"]))
    gain = "" if result.has_several_objectives else _gain(result)
    width = max(8, *(len(cell[0]) for cell in cells))
    trial_width = max(len(cell[1]) for cell in cells)
    lines = []
    if result.has_several_objectives:
        width = max(width, len("objectives"))
        lines.append(f"  {'objectives':<{width}}  {', '.join(_wanted(result))}")
    for name, trial, words in cells:
        trial_cell = f"{trial:<{trial_width}}   " if trial_width else ""
        lines.append(f"  {name:<{width}}  {trial_cell}{words}".rstrip())
    return lines + ([f"  {'gain':<{width}}  {gain}"] if gain else [])


def warning(result: StudyResult) -> list[str]:
    """Returns what to do when no trial is better than the trivial predictor."""
    if result.baseline is None or result.beats_baseline is not False:
        return []
    lines = [
        f"  no trial is better than the baseline ({result.baseline['predicts']}):",
        "  nothing was learned from the inputs. More trials or epochs, and other learning",
        "  rates in the search space, may help; if not, look at the target and the columns.",
    ]
    if result.common.get("target_scaling") == "none":
        lines += [
            "  This study's targets are not scaled; those of a new one are, unless it says",
            '  target_scaling = "none": run it again with --study-name NAME.',
        ]
    return lines


def _wanted(result: StudyResult) -> list[str]:
    """Returns what is wanted of each metric: "accuracy (maximize)", "predict_s at most 0.05"."""
    optimized = [f"{one.metric} ({one.direction})" for one in result.objectives]
    return optimized + [goal.words() for goal in result.goals if goal.role == "constrain"]


def _none_yet(result: StudyResult) -> str:
    """Returns why there is no best trial."""
    complete = [row for row in result.trials if row.state == "complete"]
    if not complete:
        return "none yet: no trial is complete"
    return f"none yet: each of {count(len(complete), 'complete trial')} violates a constraint"


def _best(result: StudyResult) -> tuple[str, str, str]:
    best = result.best
    if best is None:
        return "best", "", _none_yet(result)
    if best.is_added:
        words = f"{result.metric} {figure(best.value)}, {ADDED} and not measured here"
        if best.configuration is None:
            words += "; not in the search space"
        return "best", f"trial {best.number}", words
    words = f"{result.metric} {figure(best.value)} {result.scored_on}"
    words += "" if best.epoch is None else f", {result.step_word} {best.epoch}"
    words += beside(result, best)
    words += f" (the reference {best.origin})" if best.role is Role.REFERENCE else ""
    return "best", f"trial {best.number}", words


def _reference(reference: ReferenceRow, result: StudyResult) -> tuple[str, str, str]:
    trial = "" if reference.number is None else f"trial {reference.number}"
    if result.has_several_objectives and reference.values:
        here = metrics_in_words(result, reference.values, reference.measured)
    elif reference.value is not None:
        here = f"{result.metric} {figure(reference.value)} {result.scored_on}"
        here += beside(result, reference)
    else:
        here = _unscored(reference)
    if violation := result.violation(reference):
        here += f"; {violation}"
    reported = _reported(reference.reported, result.objectives[0].metric)
    return reference.name, trial, here + (f"; {reported}" if reported else "")


def _unscored(reference: ReferenceRow) -> str:
    """Returns why a reference has no value here."""
    reason = (reference.reason or "").strip().splitlines()
    if reference.state == "pruned":
        return reason[0] if reason else "pruned"
    if reference.state == "fail":
        return f"failed: {reason[0]}" if reason else "failed"
    if reference.state == "running":
        return "still running"
    return "no value" if reference.state == "complete" else "not run yet"


def _reported(reported: Mapping[str, Any], metric: str) -> str:
    """Returns ``reported 0.9954 on its test split``; empty if nothing was reported."""
    figures = {key: value for key, value in reported.items() if key != "split"}
    if not figures:
        return ""
    # As the source printed them, digit by digit.
    if metric in figures:
        scores = str(figures[metric])
    else:  # another metric than the study's: shown with its name
        scores = ", ".join(f"{key} {value}" for key, value in figures.items())
    return f"reported {scores} {_SPLITS[reported['split']]}"


def _gain(result: StudyResult) -> str:
    if not result.references:
        return ""
    objective = result.objective
    known = [(r.value, r.name) for r in result.references if r.value is not None and not r.violated]
    if result.best is None or not known:
        return ""
    value, name = min(known, key=lambda pair: objective.loss(pair[0]))
    gained = result.best.value - value
    if not any(_is_of_search(row) for row in result.trials):
        return "none yet: no trial of the search is complete"
    if result.best.is_added:
        return f"not known: the best trial was {ADDED}"
    if result.best.role is not Role.SEARCH or gained == 0:
        return f"0: the search did not beat the reference {name}"
    over = f" over {name}" if len(result.references) > 1 else ""
    text = figure(gained)
    signed = text if text.startswith("-") else f"+{text}"
    return f"{signed}{over}" + (" (lower is better)" if objective.direction == "minimize" else "")


def _is_of_search(row: TrialRow) -> bool:
    return row.state == "complete" and row.role is Role.SEARCH and not row.is_added
