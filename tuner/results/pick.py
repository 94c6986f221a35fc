"""Chooses one trial among several by a sentence: ``accuracy within 0.005, then n_params``.

A sentence is one or more clauses with ``, then`` between them. Each keeps some of the trials that
the clauses before it have kept:

    METRIC                      the best in this metric
    METRIC within NUMBER        those that are worse than the best by at most so much
    METRIC within NUMBER %      likewise, as a share of the best value
    METRIC at most NUMBER       those whose value is not above it
    METRIC at least NUMBER      those whose value is not below it

Of several trials that are kept at the end, the one that is best in the first objective is chosen,
then by the others in their order, then the earliest.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence

from tuner.costs import WHOLE
from tuner.errors import RequestError, UnknownNameError
from tuner.results.rows import TrialRow
from tuner.spec import Objective
from tuner.spec.goals import amount
from tuner.wording import hint, quoted

FORMS = (
    "a clause is METRIC, METRIC within NUMBER, METRIC within NUMBER %, METRIC at most NUMBER or "
    'METRIC at least NUMBER, and ", then " stands between two'
)
_CLAUSE = re.compile(
    r"(?P<metric>.+?)(?:\s+(?P<how>within|at most|at least)\s+(?P<number>\S+?)\s*(?P<percent>%)?)?"
)

_GROUPED = re.compile(r"[1-9]\d{0,2}(,\d{3})+(\.\d+)?")


def example(objectives: Sequence[Objective]) -> str:
    """Returns a sentence for a study with these objectives."""
    first, *others = [one.metric for one in objectives]
    return f"{first} within 1 %, then {others[0]}" if others else first


def values_of(row: TrialRow, objectives: Sequence[Objective]) -> dict[str, float]:
    """Returns metric to value of a complete trial, as far as they are known."""
    named = zip(objectives, row.values, strict=False)
    values = {one.metric: value for one, value in named if value is not None}
    return {**row.measured, **values}


def pick(
    sentence: str,
    rows: Sequence[TrialRow],
    objectives: Sequence[Objective],
    further: Sequence[Objective] = (),
) -> TrialRow:
    """Returns the trial that a sentence chooses.

    Args:
        sentence: See the module.
        rows: The trials to choose from, at least one.
        objectives: What the values of the trials are.
        further: Objectives that are measured beside the values.

    Raises:
        RequestError: A clause is malformed, or keeps no trial.
        UnknownNameError: A clause names a metric that the study does not have.
    """
    known = {one.metric: one for one in (*objectives, *further)}
    values = {row.number: values_of(row, objectives) for row in rows}
    kept = list(rows)
    for clause in re.split(r"\s*,\s*then\s+", sentence.strip()):
        objective, how, number = _read(clause, known)
        measured = [row for row in kept if objective.metric in values[row.number]]
        keeps = _kept(measured, values, objective, how, number)
        if not keeps:
            raise RequestError(_none_kept(clause, measured, values, objective))
        kept = keeps
    order = [one for one in objectives if all(one.metric in values[row.number] for row in kept)]

    def place(row: TrialRow) -> tuple[float, ...]:
        return (*(one.loss(values[row.number][one.metric]) for one in order), row.number)

    return min(kept, key=place)


def _read(clause: str, known: Mapping[str, Objective]) -> tuple[Objective, str, float]:
    """Returns a clause's objective, what it demands, and of ``within`` the share or difference."""
    where = f"--pick: {quoted(clause)}"
    found = _CLAUSE.fullmatch(clause.strip())
    if found is None:
        raise RequestError(f"{where} is no clause: {FORMS}")
    metric, how, text = found["metric"], found["how"] or "", found["number"]
    if metric not in known:
        if metric.replace(",", " ").split()[:1] in [
            [name] for name in known
        ]:  # the metric is right, so what follows is not
            raise RequestError(f"{where} is no clause: {FORMS}")
        raise UnknownNameError(
            f"{where}: the study has no metric {quoted(metric)}; {hint(metric, known, 'metrics')}"
        )
    if text is None:
        return known[metric], "within", 0.0
    try:  # 90,000 is how the tables show it
        number = float(text.replace(",", "") if _GROUPED.fullmatch(text) else text)
    except ValueError:
        number = math.nan
    if not math.isfinite(number) or (how == "within" and number < 0):
        least = " of at least 0" if how == "within" else ""
        number_of = "10_000" if metric in WHOLE else "0.01"
        raise RequestError(
            f"{where}: {quoted(text)} is no number{least}; write {metric} {how} {number_of}"
        )
    if found["percent"]:
        if how != "within":
            raise RequestError(f"{where}: only within takes a share; write {metric} within 1 %")
        return known[metric], "within %", number / 100
    return known[metric], how, number


def _kept(
    rows: Sequence[TrialRow],
    values: Mapping[int, Mapping[str, float]],
    objective: Objective,
    how: str,
    number: float,
) -> list[TrialRow]:
    def value(row: TrialRow) -> float:
        return values[row.number][objective.metric]

    if how == "at most":
        return [row for row in rows if value(row) <= number]
    if how == "at least":
        return [row for row in rows if value(row) >= number]
    best = min((objective.loss(value(row)) for row in rows), default=0.0)
    slack = abs(best) * number if how == "within %" else number
    # A little more, so that 0.95 is within 0.01 of 0.96.
    slack += 1e-9 * max(abs(best), slack) if number else 0.0
    return [row for row in rows if objective.loss(value(row)) <= best + slack]


def _none_kept(
    clause: str,
    rows: Sequence[TrialRow],
    values: Mapping[int, Mapping[str, float]],
    objective: Objective,
) -> str:
    metric = objective.metric
    if not rows:
        return f"--pick: {quoted(clause)} keeps no trial: {metric} of none of them is known"
    all_values = [values[row.number][metric] for row in rows]
    low, high = min(all_values), max(all_values)
    return (
        f"--pick: {quoted(clause)} keeps no trial: {metric} is between "
        f"{amount(metric, low)} and {amount(metric, high)}; write another number"
    )
