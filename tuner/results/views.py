"""Rows for people, for scripts and for spreadsheets: a table, JSON or CSV, always as one string."""

from __future__ import annotations

import math
import textwrap
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from tuner.learners.combined import LEARNER
from tuner.results.front_text import cells
from tuner.results.opened import opened
from tuner.results.params import phrases
from tuner.results.rendering import Format, as_csv, as_table, document, terminal_width
from tuner.results.rows import ADDED, BestTrial, TrialRow
from tuner.results.study_result import StudyResult
from tuner.results.study_text import summary
from tuner.spec import Role
from tuner.storage.openings import Opening
from tuner.units import duration, figure
from tuner.wording import one_line

_WIDTH, _WIDE = 96, 120
_STEPS = {"epoch": "epochs", "fold": "folds"}


def trials(result: StudyResult, form: Format = "table") -> str:
    """Returns all trials of a study, in order of their numbers.

    In a narrow terminal, the table of a study over several learners names only each learner,
    and why trials have failed; that of a study of several objectives leaves out the metrics that
    are only stored, and how long and why trials were run.
    """
    rows = [_trial(row, result) for row in result.trials]
    if form == "json":
        return document(rows)
    if form == "csv":
        flat = [_flat(_numbered(row)) for row in rows]
        return as_csv(flat, ("number", "state", "value"))
    space = result.spec.search_space if result.spec else None
    # The parameters of a network and its data's encoding would take ten lines of a narrow terminal.
    is_brief = bool(space and LEARNER in space.names()) and terminal_width() < _WIDE

    is_crowded = len(result.metrics) > 1 and terminal_width() < _WIDE
    stored = {goal.metric for goal in result.goals if is_crowded and goal.role == "store"}

    def configuration(row: TrialRow) -> str:
        parts = phrases(row.params, space)
        return parts[0] if is_brief and parts else " · ".join(parts)

    def reason(row: TrialRow) -> str:
        is_left_out = is_brief and row.state != "fail"
        why = "" if is_left_out else _first_line(row.reason)
        return "; ".join(filter(None, (result.violation(row), why)))

    def steps(row: TrialRow) -> str:
        return "" if is_brief or is_crowded or row.epochs is None else str(row.epochs)

    def time(row: TrialRow) -> str:
        return "" if is_crowded or row.duration_s is None else duration(row.duration_s)

    def metrics(row: TrialRow) -> list[str]:
        each = cells(result, row.values, row.measured)
        return ["" if name in stored else shown for name, shown in each]

    return as_table(
        (
            *("trial", "state", *result.metrics),
            _STEPS.get(result.trial_step_word, "steps"),  # short, as others are narrow
            *("time", "origin", "learner" if is_brief else "configuration", "reason"),
        ),
        (
            (
                str(row.number),
                row.state,
                *metrics(row),
                steps(row),
                time(row),
                "" if is_crowded else row.origin,
                configuration(row),
                reason(row),
            )
            for row in result.trials
        ),
        none=f"{result.study} has no trials yet",
    )


def _trial(row: TrialRow, result: StudyResult) -> dict[str, Any]:
    """Returns one element of ``tuner trials --json``.

    ``values`` is there if several objectives are optimised, ``measured`` and ``violated`` if the
    study has further objectives.
    """
    table = row.to_dict()
    if result.has_several_objectives:
        table["values"] = list(row.values)
    if result.goals:
        table |= {"measured": dict(row.measured), "violated": list(row.violated)}
    return table


def _numbered(row: dict[str, Any]) -> dict[str, Any]:
    """Returns ``row`` with a column for each value, and for each metric that was measured."""
    values, measured = row.pop("values", ()), row.pop("measured", {})
    if "violated" in row:
        row["violated"] = " ".join(row["violated"])
    row |= {f"values_{i}": value for i, value in enumerate(values)}
    return row | {f"measured_{name}": value for name, value in measured.items()}


def _first_line(reason: str | None) -> str:
    return (reason or "").partition("\n")[0]


def curves(
    curves: Mapping[str, Iterable[float]], form: Format = "table", step: str = "epoch"
) -> str:
    """Returns a trial's curves, one row an epoch; a log that an epoch lacks is empty there.

    Args:
        curves: Log name → its values, one an epoch; float32, of which 7 digits are true.
        form: What to return.
        step: What the rows are called: epochs, or the folds of a trial that has some.
    """
    digits = {name: [float(f"{value:.7g}") for value in values] for name, values in curves.items()}
    rows = [
        {step: number} | dict(zip(digits, values, strict=True))
        for number, values in enumerate(zip(*digits.values(), strict=True), start=1)
    ]
    if form == "json":
        return document(rows)
    if form == "csv":
        return as_csv([{key: _or_empty(value) for key, value in row.items()} for row in rows])
    cells = ((str(row.pop(step)), *map(_figure, row.values())) for row in rows)
    return as_table((step, *digits), cells, none=f"no {step}s")


def best(result: StudyResult, form: Format = "table") -> str:
    """Returns the trial that is taken by default: of a confirmed study the winner, else the best.

    As CSV it is one row, or only a header before there is one.

    Of a study that optimises several objectives it is the Pareto front, one row a trial.
    """
    if form == "json":
        return document(result.to_dict())
    if result.has_several_objectives:
        return _front(result, form)
    if result.confirms is not None:
        result.configuration()  # raises the error that says so
    metric = result.objective.metric
    found = result.winner or result.best
    if form == "csv":
        return as_csv(
            [] if found is None else [_flat(_numbered({"study": result.study} | _plain(found)))],
            ("study", "number", "value", "epoch", "origin"),
        )
    if found is None:
        return f"{one_line(result.study)} has no complete trial yet\n"
    from tuner.results.confirmation_text import taken  # here, as it imports Optuna's samplers

    space = result.spec.search_space if result.spec else None
    lines = [
        ("study", result.study),
        ("trial", str(found.number)),
        ("taken", taken(result)),
        (metric, figure(found.value) + ("" if found.is_added else f" {result.scored_on}")),
        *cells(result, (), found.measured)[1:],
        *_confirmed(found),
        (result.step_word, "" if found.epoch is None else str(found.epoch)),
        ("origin", f"{ADDED}, not measured here" if found.is_added else found.origin),
        *_reused(result, found.number),
        *_baseline(result),
        ("configuration", " · ".join(phrases(found.params, space))),
    ]
    return as_table(("", ""), lines, none="", header_row=False)


def _confirmed(found: BestTrial) -> list[tuple[str, str]]:
    score = found.confirmed
    return [] if score is None else [("confirmed", score.words().partition(" ")[2])]


def _reused(result: StudyResult, number: int) -> list[tuple[str, str]]:
    reused = next(row.reused for row in result.trials if row.number == number)
    return [] if reused is None else [("reused", f"the value of trial {reused}, which is equal")]


def _front(result: StudyResult, form: Format) -> str:
    rows = result.front
    metrics = [objective.metric for objective in result.objectives]
    if form == "csv":
        each = []
        for one in rows:
            table = {"study": result.study, **one.to_dict()}
            table.pop("value")
            measured = table.pop("measured", {})
            values = dict(zip(metrics, one.values, strict=True))
            each.append(_flat({**table, **values, **measured}))
        return as_csv(each, ("study", "number", "epoch", "origin", *result.metrics))
    rendered = as_table(
        ("trial", *result.metrics, "origin"),
        (
            (
                str(one.number),
                *(shown for _, shown in cells(result, one.values, one.measured)),
                "" if one.origin == Role.SEARCH else one.origin,
            )
            for one in rows
        ),
        none="",
    )
    space = result.spec.search_space if result.spec else None
    # Below the table, because in a column of a narrow terminal nobody could read them.
    lines = [
        textwrap.fill(
            one_line(f"trial {one.number}: {' · '.join(phrases(one.params, space))}"),
            width=min(terminal_width(), _WIDTH),
            subsequent_indent="  ",
        )
        for one in rows
    ]
    return "\n".join([rendered, *lines, ""])


def _plain(found: BestTrial) -> dict[str, Any]:
    """Returns a trial as a row, with what its confirmation has found in columns of their own."""
    row = found.to_dict()
    confirmed = row.pop("confirmed", None) or {}
    return row | {f"confirmed_{key}": value for key, value in confirmed.items()}


def _baseline(result: StudyResult) -> list[tuple[str, str]]:
    found = result.baseline
    if found is None:
        return []
    more = "; no trial is better" if result.beats_baseline is False else ""
    return [("baseline", f"{figure(found['value'])} {result.scored_on}: {found['predicts']}{more}")]


def show(
    result: StudyResult,
    form: Format = "table",
    *,
    options: str = "",
    openings: Sequence[Opening] = (),
) -> str:
    """Returns a study at a glance: in words, as the JSON document, or as one CSV row.

    Args:
        result: The study.
        form: What to return.
        options: As in `tuner.results.study_text.summary`.
        openings: Of its test split; only here are scores on test rows shown.
    """
    if form == "table":
        return summary(result, options=options, more=opened(openings, result)) + "\n"
    table = result.to_dict()
    if form == "json":
        return document(table | {"test_openings": [one.to_dict() for one in openings]})
    found = table.pop("best") or {}
    del table["references"]
    for key in ("objectives", "front", "winner", "confirmation", "failing", "stopped"):
        table.pop(key, None)  # a cell holds the metrics and another the directions
    table |= {"metric": result.metric, "direction": result.direction}
    trivial = table.pop("baseline")
    table["baseline"] = None if trivial is None else trivial["value"]
    found |= {f"measured_{name}": value for name, value in found.pop("measured", {}).items()}
    flat = table | table.pop("trials") | {f"best_{key}": value for key, value in found.items()}
    return as_csv([_flat(flat, "best_params")])


def _flat(row: dict[str, Any], key: str = "params") -> dict[str, Any]:
    """Returns ``row`` with one column a parameter, named as the stock ``optuna`` command does."""
    params = row.get(key) or {}
    return {name: value for name, value in row.items() if name != key} | {
        f"params_{name}": value for name, value in params.items()
    }


def _or_empty(value: float) -> float | str:
    return "" if math.isnan(value) else value


def _figure(value: float) -> str:
    return "" if math.isnan(value) else figure(value)
