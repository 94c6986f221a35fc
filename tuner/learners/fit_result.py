"""What one fit ends with."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal


@dataclass(frozen=True)
class FitResult:
    """The outcome of fitting one model; the model itself is that of the best step.

    Attributes:
        state: "pruned" if the watch's hook ended it, else "complete".
        value: The metric on the validation split at the best step; None if nothing was watched.
        epoch: The best step, 1-based; the earliest of equals.
        epochs: How many steps were run.
        reason: Why it ended before the steps that were asked for; None if it did not.
        history: Log name ("loss", "val_loss", …) to its value at each step that was run.
    """

    state: Literal["complete", "pruned"]
    value: float | None
    epoch: int
    epochs: int
    reason: str | None = None
    history: dict[str, list[float]] = field(default_factory=dict)
