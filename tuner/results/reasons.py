"""What pruning saved, and why trials failed."""

from __future__ import annotations

import re
from collections.abc import Sequence
from statistics import median

from tuner.results.rows import TrialRow

_NUMBER = re.compile(r"\d+([.,]\d+)*")
_MOST_REASONS = 5
_MOST_TRIALS = 6


def spared_s(rows: Sequence[TrialRow]) -> float:
    """Returns about how many seconds of training pruning saved.

    Had they not been pruned, the pruned trials would have taken about as long as the median
    complete trial; those that took longer saved nothing.
    """
    rows = [row for row in rows if row.reused is None]
    complete = [row.duration_s for row in rows if row.state == "complete" and row.duration_s]
    pruned = [row.duration_s for row in rows if row.state == "pruned" and row.duration_s]
    if not complete:
        return 0.0
    usual = median(complete)
    return sum(max(0.0, usual - seconds) for seconds in pruned)


def kinds_of_failure(rows: Sequence[TrialRow]) -> list[list[TrialRow]]:
    """Returns the failed rows by their reasons, the most frequent first; see :func:`failures`."""
    kinds: dict[str, list[TrialRow]] = {}
    for row in rows:
        if row.state == "fail":
            kinds.setdefault(_NUMBER.sub("#", row.reason or ""), []).append(row)
    return sorted(kinds.values(), key=lambda kind: (-len(kind), kind[0].number))


def failures(rows: Sequence[TrialRow]) -> list[str]:
    """Returns a line for each kind of failure, the most frequent first, with its trials.

    Reasons that differ only in their numbers ("NaN at epoch 3", "NaN at epoch 5") are one kind,
    shown with the first one's words.
    """
    ordered = kinds_of_failure(rows)
    lines = [
        f"  failed: {len(kind)} × {_first_line(kind[0].reason)} ({_numbers(kind)})"
        for kind in ordered[:_MOST_REASONS]
    ]
    rest = sum(len(kind) for kind in ordered[_MOST_REASONS:])
    return lines + ([f"  failed: {rest} × for other reasons"] if rest else [])


def _first_line(reason: str | None) -> str:
    return reason.strip().splitlines()[0] if reason and reason.strip() else "no reason recorded"


def _numbers(rows: Sequence[TrialRow]) -> str:
    shown = ", ".join(str(row.number) for row in rows[:_MOST_TRIALS])
    word = "trial" if len(rows) == 1 else "trials"
    return f"{word} {shown}" + (", …" if len(rows) > _MOST_TRIALS else "")
