"""The list of studies: a table, JSON or CSV, as one string."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from tuner.results.rendering import Format, as_csv, as_table, document, terminal_width
from tuner.units import figure

_OF_FILES = ("study", "what", "rows", "metric", "reported", "where")
_OF_WORK = ("study", "trials", "best", "queue", "workers", "rate")
_COLUMNS = tuple(dict.fromkeys(_OF_FILES + _OF_WORK))
_WIDE = 160
"""Width of a terminal from which a list of studies is one table."""

_LONGEST_NOTE = 60
"""Characters; a longer note is shown below the table."""


@dataclass(frozen=True)
class StudyLine:
    """One study in the list of studies.

    Attributes:
        name: Its name.
        title: The study file's title.
        where: ``"shipped"``, ``"stored"`` or ``"shipped, stored"``, or a file.
        metric: The objective's metric; empty if it is not known.
        rows: Rows of its data set when all of it is there; None if that is not known.
        reported: The best score reported of a reference, as people read it.
        trials: Number of trials in each state; None if it is not stored.
        best: Best value among the complete trials.
        queue: Its entry in the queue, empty if it has none:
            ``standing``, ``n_trials``, ``priority``, ``workers`` (at most), ``reason``.
        workers: Processes that run a trial of it now.
        per_minute: Trials finished by the minute, of late; None if there were none.
        note: What is out of the ordinary: several objectives, another program, damage.
    """

    name: str
    title: str = ""
    where: str = ""
    metric: str = ""
    rows: int | None = None
    reported: str = ""
    trials: Mapping[str, int] | None = None
    best: float | None = None
    queue: Mapping[str, Any] = field(default_factory=dict)
    workers: int = 0
    per_minute: float | None = None
    note: str = ""


def studies(lines: Sequence[StudyLine], form: Format = "table") -> str:
    """Returns the list of studies; for people those in the queue first, then the other stored."""
    if form == "table":
        return _studies_table(
            sorted(lines, key=lambda one: (not _queued(one), not _is_stored(one)))
        )
    rows: list[dict[str, Any]] = [
        {
            "name": line.name,
            "title": line.title,
            "note": line.note or None,
            "where": line.where,
            "metric": line.metric or None,
            "rows": line.rows,
            "reported": line.reported or None,
            "best": line.best,
            "workers": line.workers,
            "per_minute": None if line.per_minute is None else round(line.per_minute, 3),
        }
        for line in lines
    ]
    for line, row in zip(lines, rows, strict=True):
        if form == "json":
            row["trials"] = None if line.trials is None else dict(line.trials)
            row["queue"] = dict(line.queue) or None
        else:
            row["trials"] = None if line.trials is None else sum(line.trials.values())
            row["queue"] = _queued(line)
            row["n_trials"] = line.queue.get("n_trials")
    return document(rows) if form == "json" else as_csv(rows, ("name",))


def _studies_table(lines: Sequence[StudyLine]) -> str:
    stored = [line for line in lines if _is_stored(line)]
    if not stored or terminal_width() >= _WIDE:
        blocks = [as_table(_COLUMNS, _cells(lines, _COLUMNS), none="no studies")]
    else:
        parts = [(stored, _OF_WORK), (lines, _OF_FILES)]
        blocks = [as_table(columns, _cells(part, columns), none="") for part, columns in parts]
    below = [f"{line.name}: {line.note}\n" for line in lines if len(line.note) > _LONGEST_NOTE]
    return "\n".join(blocks + (["".join(below)] if below else []))


def _short(note: str) -> str:
    return "see below" if len(note) > _LONGEST_NOTE else note


def _cells(lines: Iterable[StudyLine], columns: Sequence[str]) -> Iterator[list[str]]:
    for line in lines:
        cells = {
            "study": line.name,
            "what": ": ".join(part for part in (line.title, _short(line.note)) if part),
            "rows": "" if line.rows is None else f"{line.rows:,}",
            "metric": line.metric,
            "reported": line.reported,
            "where": line.where,
            "trials": "" if line.trials is None else _counted(line.trials),
            "best": "" if line.best is None else figure(line.best),
            "queue": _queued(line, progress=True),
            "workers": str(line.workers or ""),
            "rate": "" if line.per_minute is None else f"{line.per_minute:.1f}/min",
        }
        yield [cells[column] for column in columns]


def _is_stored(line: StudyLine) -> bool:
    return line.trials is not None


def _queued(line: StudyLine, *, progress: bool = False) -> str:
    """``open``, ``open, priority 2, 4 at a time``, ``stopped: the first 10 trials failed``.

    With ``progress`` also how far it is: ``open, 12 of 40``.
    """
    entry, trials = line.queue, line.trials or {}
    status = str(entry.get("standing", "unlisted"))
    if status == "unlisted":
        return ""
    finished, wanted = trials.get("complete", 0) + trials.get("pruned", 0), entry.get("n_trials")
    has_all = wanted is not None and finished >= wanted
    is_used_up = bool(entry.get("is_used_up")) and not trials.get("waiting")
    has_stopped = bool(entry.get("has_stopped")) and not trials.get("waiting")
    is_done = status == "open" and (has_all or is_used_up or has_stopped)
    words = ["done" if is_done else status]
    if progress and wanted is not None:
        words.append(f"{finished} of {wanted}")
    if is_done and has_stopped and not has_all:
        return ", ".join([*words, "stopped by itself"])
    if is_done:
        return ", ".join(words if has_all else [*words, "nothing left to try"])
    if entry.get("reason"):
        return f"{', '.join(words)}: {entry['reason']}"
    if entry.get("priority"):
        words.append(f"priority {entry['priority']}")
    if entry.get("workers"):
        words.append(f"{entry['workers']} at a time")
    return ", ".join(words)


def _counted(trials: Mapping[str, int]) -> str:
    return ", ".join(f"{number} {state}" for state, number in trials.items() if number) or "none"
