"""The time of an AutoML run: from the start of the command to the written bundle."""

from __future__ import annotations

import time

_LEAST_RESERVE, _SHARE, _MOST_RESERVE = 1.2, 0.06, 20.0
_SECONDS_A_ROW = 2e-5


class Clock:
    """Counts the time down.

    Attributes:
        total: Seconds for everything.
    """

    def __init__(self, total: float, started: float | None = None) -> None:
        """Begins.

        Args:
            total: See above.
            started: Unix time of the beginning; now if None.
        """
        self.total = total
        self._ends = (time.time() if started is None else started) + total

    @property
    def left(self) -> float:
        """Seconds that are left; below 0 if the time is over."""
        return self._ends - time.time()

    @property
    def is_over(self) -> bool:
        """Whether the time is over."""
        return self.left <= 0

    def left_for_trials(self, rows: int) -> float:
        """Returns the seconds that trials may take; the others are for ensemble and bundle.

        Args:
            rows: Of the table.
        """
        reserve = _LEAST_RESERVE + _SHARE * self.total + _SECONDS_A_ROW * rows
        return self.left - min(reserve, _MOST_RESERVE, 0.4 * self.total)
