"""The time of an AutoML run: from the start of the command to the written bundle."""

from __future__ import annotations

import time

_LEAST_RESERVE, _SHARE, _MOST_RESERVE = 2.0, 0.05, 20.0
_SECONDS_A_ROW = 2e-5
_MOST_SLOWDOWN = 3.0
_LEAST_SHARE = 0.5  # of the time that trials get
_LEAST_FOR_TRIALS = 0.1


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
        self._began = (time.monotonic(), time.process_time())

    @property
    def left(self) -> float:
        """Seconds that are left; below 0 if the time is over."""
        return self._ends - time.time()

    @property
    def is_over(self) -> bool:
        """Whether the time is over."""
        return self.left <= 0

    def left_for_trials(self, rows: int) -> float:
        """Returns the seconds for trials, above 0; the others are for ensemble and bundle.

        Where other programs use the machine, too, these take longer, as what was done so far has.

        Args:
            rows: Of the table.
        """
        reserve = min(_LEAST_RESERVE + _SHARE * self.total + _SECONDS_A_ROW * rows, _MOST_RESERVE)
        left = max(self.left - reserve * self._slowdown, _LEAST_SHARE * self.left)
        return max(left, _LEAST_FOR_TRIALS)

    @property
    def _slowdown(self) -> float:
        """Seconds that pass for each in which this process has computed, at least 1."""
        passed, computed = (
            now - then
            for now, then in zip((time.monotonic(), time.process_time()), self._began, strict=True)
        )
        return min(max(passed / max(computed, 1e-3), 1.0), _MOST_SLOWDOWN)
