"""What one training run ends with."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal


@dataclass(frozen=True)
class FitResult:
    """The outcome of training one model; the model itself has the best epoch's weights.

    Attributes:
        state: "pruned" if the monitor's hook ended it, else "complete".
        value: The metric on the validation split at the best epoch.
        epoch: The best epoch, 1-based; the earliest of equals.
        epochs: How many epochs were run.
        reason: Why it ended before the epochs that were asked for; None if it did not.
        history: Log name ("loss", "val_loss", …) to its value at each epoch that was run.
    """

    state: Literal["complete", "pruned"]
    value: float
    epoch: int
    epochs: int
    reason: str | None = None
    history: dict[str, list[float]] = field(default_factory=dict)
