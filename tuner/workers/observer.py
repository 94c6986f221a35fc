"""What a supervisor reports of a run."""

from __future__ import annotations


class Observer:
    """Is called for everything that happens in a run; this one shows nothing."""

    def started(
        self, title: str, done: int, total: int, workers: int, best: tuple[int, float] | None
    ) -> None:
        """The study is open: ``done`` of ``total`` trials were finished before.

        ``best`` is the number and the value of the best complete trial so far.
        """

    def counted(self, done: int) -> None:
        """So many trials of the study are finished now, those of other runs among them."""

    def trial_started(self, number: int, epochs: int) -> None:
        """A trial began; it may take ``epochs`` epochs."""

    def epoch_done(self, number: int, epoch: int, value: float) -> None:
        """An epoch (from 1) of a running trial ended with this validation metric."""

    def trial_violates(self, number: int, violation: str) -> None:
        """A trial that is reported as complete next violates a constraint, so it never wins."""

    def trial_finished(
        self, number: int, state: str, values: tuple[float, ...], reason: str | None
    ) -> None:
        """A trial ended: complete, pruned or fail, with the ``values`` of its best epoch.

        There is one value for each objective; a failed trial has none.
        """

    def trial_returned(self, number: int, reason: str) -> None:
        """A trial went back to the queue."""

    def trial_lost(self, number: int, reason: str) -> None:
        """A trial is not run here any more: another process has ended it, or runs it."""

    def note(self, text: str) -> None:
        """One line that people should see."""

    def tick(self) -> None:
        """Called several times a second while trials run."""

    def close(self) -> None:
        """The run is over."""
