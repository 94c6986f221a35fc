"""The result of a study in words: what a run ends with, and what ``tuner show`` says."""

from __future__ import annotations

import shlex
from collections.abc import Sequence

from tuner.results.compared import comparison, warning
from tuner.results.following import export_and_train
from tuner.results.params import phrases
from tuner.results.pick import example
from tuner.results.reasons import failures, spared_s
from tuner.results.study_result import StudyResult
from tuner.units import count, count_plain, duration
from tuner.wording import one_line, quoted

_ENDED = {
    "interrupted": "interrupted; the same command goes on",
    "timeout": "timeout reached; the same command goes on",
    "paused": "paused by `tuner pause`; `tuner resume` lets it go on",
    "stopped": "stopped by `tuner stop`; the same command goes on",
}
_WIDTH = 96
_MOST_NAMED = 3  # columns of one note
_MOST_NOTES = 12


def summary(result: StudyResult, *, options: str = "", more: Sequence[str] = ()) -> str:
    """Returns the result as people read it, without a line break at its end.

    Args:
        result: The study.
        options: What the next commands need beside the study's name: ``--storage URL``.
        more: Lines to follow the configuration.
    """
    if result.confirms is not None:
        return "\n\n".join("\n".join(map(one_line, b)) for b in (_head(result), comparison(result)))
    blocks = [_head(result), comparison(result), warning(result), _of_the_data(result)]
    blocks.append(_confirmation(result))
    details = _configuration(result) + _shares(result) + failures(result.trials)
    details += [f"  {region.words()}" for region in result.failing]
    blocks += [details, [*more], _next(result, options)]
    return "\n\n".join("\n".join(map(one_line, block)) for block in blocks if block)


def _head(result: StudyResult) -> list[str]:
    counts = result.counts
    title = f"{result.study} · {result.title}" if result.title else result.study
    finished = counts["complete"] + counts["pruned"] + counts["fail"]
    if not finished and not counts["running"] and not counts["waiting"]:
        line = "no trials yet"
    else:
        spared = spared_s(result.trials)
        saved = f" (about {_about(spared)} saved)" if spared >= 1 else ""
        line = count_plain(finished, "trial")
        if result.wall_s is not None:
            line += f" in {duration(result.wall_s)}"
        if result.n_workers is not None:
            line += f" on {count(result.n_workers, 'worker')}"
        line += f": {counts['complete']} complete, {counts['pruned']} pruned{saved}, "
        line += f"{counts['fail']} failed"
        line += f", {result.n_reused} reused" if result.n_reused else ""
        for state in ("running", "waiting"):
            line += f", {counts[state]} {state}" if counts[state] else ""
    lines = [title, line] + ([_ENDED[result.ending]] if result.ending in _ENDED else [])
    lines += [one.words() for one in result.warm_starts]
    lines += [result.stop.words()] if result.stop else []
    return [*lines, result.left.words()] if result.left and result.left.is_used_up else lines


def _confirmation(result: StudyResult) -> list[str]:
    if result.confirmation is None:
        return []
    from tuner.results.confirmation_text import confirmation_lines  # here, as it imports Optuna

    return confirmation_lines(result)


def _of_the_data(result: StudyResult) -> list[str]:
    """Returns what makes the scores too good to be true, and how a table was read, if not plainly.

    Columns of which the same is to be said share a line.
    """
    schema = result.data.get("schema") or {}
    columns: dict[str, list[str]] = {}
    for column in schema.get("columns", ()):
        if reason := column.get("reason"):
            dropped = "dropped: " if column["treatment"] == "drop" else ""
            columns.setdefault(f"{dropped}{reason}", []).append(quoted(column["name"]))
    notes = [*schema.get("notes", ())]
    for reason, names in columns.items():
        more = f" and {count(len(names) - _MOST_NAMED, 'more column')}"
        shown = ", ".join(names[:_MOST_NAMED]) + (more if len(names) > _MOST_NAMED else "")
        notes.append(f"{'column' if len(names) == 1 else 'columns'} {shown}: {reason}")
    if len(notes) > _MOST_NOTES:
        notes[_MOST_NOTES:] = [f"… and {count(len(notes) - _MOST_NOTES, 'more note')}"]
    warnings = [f"warning: {text}" for text in schema.get("warnings", ())]
    return [*warnings, *(f"note: {text}" for text in notes)]


def _about(seconds: float) -> str:
    """Returns an estimate with no more digits than it deserves: 7 s, 70 s, 12 min."""
    if seconds < 20:
        return f"{seconds:.0f} s"
    return f"{round(seconds, -1):.0f} s" if seconds < 120 else duration(60 * round(seconds / 60))


def _configuration(result: StudyResult) -> list[str]:
    found = result.winner or result.best
    if found is None:
        return []
    space = result.spec.search_space if result.spec else None
    lines = [""]
    for phrase in phrases(found.params, space):
        longer = f"{lines[-1]} · {phrase}" if lines[-1] else phrase
        if lines[-1] and len(longer) > _WIDTH:
            lines.append(phrase)
        else:
            lines[-1] = longer
    return [f"  {line}" for line in lines if line]


def _shares(result: StudyResult) -> list[str]:
    large = [
        f"{name} {share:.0%}".replace("%", " %")
        for name, share in result.mattered.items()
        if share >= 0.05
    ]
    goal = f" for {result.metrics[0]}" if result.has_several_objectives else ""
    return [f"  what mattered{goal}: {', '.join(large[:3])}"] if large else []


def _next(result: StudyResult, options: str) -> list[str]:
    study = shlex.quote(result.study)
    more = f" {options}" if options else ""
    commands: list[tuple[str, str]] = []
    if result.has_several_objectives and result.spec is None:
        commands.append((result.best_trials_command, "those that no other one beats in all"))
    if result.front and result.spec is not None:
        chosen = shlex.quote(example(result.objectives))
        commands.append((f"tuner export {study}{more} --pick {chosen} -o best.toml", ""))
        commands.append((f"tuner best {study}{more}", "the whole front"))
    elif result.best is None:
        if result.trials:
            commands.append((f"tuner trials {study}{more}", "what became of each trial"))
        # Without a study file of its own, no file continues it.
        if (
            result.spec is not None
            and len(result.spec.optimized) == len(result.objectives)
            and not (result.left and result.left.is_used_up)
        ):
            commands.append((f"tuner run {study}{more}", "goes on"))
    elif result.best.configuration is not None:
        commands.append((export_and_train(result.study, options), ""))
    commands.append((f"tuner dashboard{more}", "every trial, in the browser"))
    short = [command for command, note in commands if note]
    width = max(len(command) for command in short)
    return [
        f"{'next' if i == 0 else '':<6}" + (f"{command:<{width}}   {note}" if note else command)
        for i, (command, note) in enumerate(commands)
    ]
