"""The confirmation of a study in words: a table of its candidates, the winner, the next command."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING

from tuner.results.following import export_and_train
from tuner.results.rendering import as_table
from tuner.results.study_result import StudyResult
from tuner.search.racing import Paired
from tuner.units import count_plain, duration, figure
from tuner.wording import one_line

if TYPE_CHECKING:
    from tuner.results.confirmation import Confirmation, ConfirmedCandidate

_HEADER = ("candidate", "search", "confirmed", "P(best)", "repeats")


def confirmed(result: StudyResult, *, options: str = "") -> str:
    """Returns what ``tuner confirm`` prints.

    Args:
        result: A study that has a confirmation.
        options: What the next commands need beside the study's name: ``--storage URL``.
    """
    found = result.confirmation
    assert found is not None
    title = f"{result.study} · {result.title}" if result.title else result.study
    blocks = [[title, _progress(found)], confirmation_lines(result)]
    more = f" {options}" if options else ""
    study = shlex.quote(result.study)
    if found.winner is None:
        after = [f"next  tuner confirm {study}{more}   goes on"]
    else:
        after = [f"next  {export_and_train(result.study, options)}"]
    return "\n\n".join("\n".join(block) for block in [*blocks, after])


def confirmation_lines(result: StudyResult) -> list[str]:
    """Returns the table of the candidates, who wins, and how optimistic the search was."""
    found = result.confirmation
    if found is None:
        return []
    rows = [_cells(one) for one in found.candidates]
    if result.baseline is not None:
        rows.append(("baseline", "", figure(float(result.baseline["value"])), "", ""))
    table = as_table(_HEADER, rows, none="no candidates").splitlines()
    return [*(f"  {line}".rstrip() for line in table), "", *_conclusion(result, found)]


def taken(result: StudyResult, *, options: str = "") -> str:
    """Returns which trial is taken by default, in one line; empty if there is none."""
    found, winner = result.confirmation, result.winner
    if winner is None:
        return ""
    if found is not None and found.winning is not None:
        return f"confirmed winner: {_named(found.winning)}"
    why = "not confirmed" if found is None else "its confirmation is not finished"
    command = " ".join(filter(None, ("tuner confirm", shlex.quote(result.study), options)))
    return f"best of the search: trial {winner.number}, {why}; {command}"


def _progress(found: Confirmation) -> str:
    line = count_plain(found.trials, "training")
    if found.wall_s is not None:
        line += f" in {duration(found.wall_s)}"
    each = "another seed" + (" and division of the rows" if found.fresh_splits else "")
    return f"{line}, {count_plain(found.repeats, 'repeat')} with {each} each"


def _cells(one: ConfirmedCandidate) -> tuple[str, ...]:
    repeats = one.stopped or str(len(one.values))
    p_best = "" if one.p_best is None else _share(one.p_best)
    return one.name, figure(one.search_value), _interval(one), p_best, repeats


def _interval(one: ConfirmedCandidate) -> str:
    if one.mean is None:
        return "not yet"
    return figure(one.mean) + ("" if one.half_width is None else f" ± {figure(one.half_width)}")


def _share(p: float) -> str:
    return "< 1 %" if p < 0.005 else "> 99 %" if p > 0.995 else f"{100 * p:.0f} %"


def _named(one: ConfirmedCandidate) -> str:
    return f"the reference {one.name} (trial {one.trial})" if one.is_reference else one.name


def _conclusion(result: StudyResult, found: Confirmation) -> list[str]:
    winning = found.winning
    if winning is None:
        if found.is_finished:
            return ["  no winner: no candidate has all its repeats"]
        return ["  not finished: no winner yet"]
    lines = [f"  winner: {_named(winning)}", *_ties(found, winning)]
    if winning.is_reference:
        lines.append("  The search found nothing better than what was known beforehand.")
    elif gain := _gain(result, found, winning):
        lines.append(f"  {gain}")
    lines += _doubts(result, found, winning)
    best = next((one for one in found.candidates if _is_best(result, one)), winning)
    shown = [winning] if best is winning else [best, winning]
    lines += [f"  {one.name}: {_optimism(result, one)}" for one in shown]
    return [one_line(line) for line in lines]


def _is_best(result: StudyResult, one: ConfirmedCandidate) -> bool:
    return result.best is not None and one.trial == result.best.number


def _ties(found: Confirmation, winning: ConfirmedCandidate) -> list[str]:
    others = [name for name in found.ties if name != winning.name]
    if not others:
        return []
    is_cheaper = found.ties[0] != winning.name
    why = "it is the cheapest" if is_cheaper else "none of these is cheaper"
    return [f"  not distinguishable from it: {', '.join(others)}; {why}"]


def _gain(result: StudyResult, found: Confirmation, winning: ConfirmedCandidate) -> str:
    """Returns by how much the winner beats the best reference, from the repeats of both."""
    references = [one for one in found.candidates if one.is_reference and one.mean is not None]
    if not references:
        return ""
    best = references[0]  # they are ordered
    sign = -1.0 if result.direction == "maximize" else 1.0
    gained = Paired.of(
        {r: sign * v for r, v in best.values.items()},
        {r: sign * v for r, v in winning.values.items()},
        found.overlap,
    )
    if gained.n < 2:
        return ""
    words = "better" if gained.mean > 0 else "worse"
    return (
        f"{figure(abs(gained.mean))} {words} than the reference {best.name} "
        f"(standard error {figure(gained.error)})"
    )


def _doubts(result: StudyResult, found: Confirmation, winning: ConfirmedCandidate) -> list[str]:
    """Returns what the reader should know before taking the winner."""
    lines = []
    baseline = result.baseline
    if baseline is not None and winning.mean is not None:
        is_better = result.objective.better(winning.mean, float(baseline["value"]))
        if not is_better:
            lines.append("  It is no better than the baseline: nothing was learned.")
    best = result.best
    if best is not None and best.number not in {one.trial for one in found.candidates}:
        command = f"tuner confirm {shlex.quote(result.study)}"
        lines.append(
            f"  trial {best.number} is better on validation and not confirmed yet: {command}"
        )
    return lines


def _optimism(result: StudyResult, one: ConfirmedCandidate) -> str:
    where = "validation" if result.n_folds == 1 else f"{result.n_folds} folds"
    return f"{where} {figure(one.search_value)} → confirmed {_interval(one)}"
