"""What pruning saved, and why trials failed."""

from __future__ import annotations

import re
from collections.abc import Sequence

from tuner.results.trials import TrialRow

_NUMBER = re.compile(r"\d+([.,]\d+)*")
_MOST_REASONS = 5
_MOST_TRIALS = 6


def spared_s(rows: Sequence[TrialRow]) -> float:
    """Returns about how many seconds of training pruning saved.

    Each pruned trial's own seconds an epoch, times the epochs that it was spared. The seconds of
    building the model are spread over its epochs, and early stopping might have spared some of
    them anyway: a figure to be called "about".
    """
    total = 0.0
    for row in rows:
        if row.state == "pruned" and row.epochs and row.epochs_wanted and row.duration_s:
            total += row.duration_s / row.epochs * max(0, row.epochs_wanted - row.epochs)
    return total


def failures(rows: Sequence[TrialRow]) -> list[str]:
    """Returns a line a kind of failure, the most frequent first, with the numbers of its trials.

    Reasons that differ only in their numbers ("NaN at epoch 3", "NaN at epoch 5") are one kind,
    shown with the first one's words.
    """
    kinds: dict[str, list[TrialRow]] = {}
    for row in rows:
        if row.state == "fail":
            kinds.setdefault(_NUMBER.sub("#", row.reason or ""), []).append(row)
    ordered = sorted(kinds.values(), key=lambda kind: (-len(kind), kind[0].number))
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
