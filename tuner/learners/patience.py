"""Early stopping: the rule of ``keras.callbacks.EarlyStopping``, free of any loop.

Our own and not Keras's callback, because learners without Keras stop by the same rule.

Source: Keras 3.15, ``keras.callbacks.EarlyStopping``; its settings have the same meaning here, and
a test compares the two.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from tuner.spec.models import Direction, as_loss

if TYPE_CHECKING:
    from tuner.spec import EarlyStopping


def is_better(value: float, other: float, direction: Direction, by: float = 0.0) -> bool:
    """Returns whether a value beats another by more than ``by``.

    Compared in float32, as Keras does and as the values were computed: 0.951 does not beat
    0.95 by more than 0.001, whatever is left in the last bits of a float64.
    """
    least = np.float32(as_loss(value, direction) + by)
    return bool(least < np.float32(as_loss(other, direction)))


class Patience:
    """Counts the epochs without improvement.

    Args:
        rule: ``patience``, ``min_delta`` and ``start_from_epoch``; None never stops.
        direction: Which values are better.
    """

    def __init__(self, rule: EarlyStopping | None, direction: Direction) -> None:
        self._rule = rule
        self._direction = direction
        self._best: float | None = None
        self._best_epoch = 0

    def exhausted_after(self, epoch: int, value: float) -> int | None:
        """Records one epoch.

        Args:
            epoch: 1-based; later than the last one that was recorded.
            value: What is watched.

        Returns:
            The epochs without improvement if it is time to stop, else None.
        """
        rule = self._rule
        if rule is None or epoch <= rule.start_from_epoch:
            return None
        by = abs(rule.min_delta)
        if self._best is None or is_better(value, self._best, self._direction, by):
            self._best, self._best_epoch = value, epoch
            return None
        waited = epoch - self._best_epoch
        return waited if waited >= rule.patience else None
