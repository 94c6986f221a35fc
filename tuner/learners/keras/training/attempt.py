"""One attempt at a training: what its epochs come to, what is kept of them, where it begins."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from tuner.learners.keras.training.state import (
    Checkpoints,
    Learning,
    Logs,
    State,
    as_typed,
    capture,
    misfit,
)
from tuner.learners.monitor import Course, Monitor

if TYPE_CHECKING:
    from tuner.spec import EarlyStopping


class Attempt:
    """Obeyed by the loops: ``begin`` once, then ``observe`` after each epoch.

    Attributes:
        course: The course of the whole training, epochs of an earlier attempt included.
        best: The weights after the best epoch, arrays or tensors; None before there is one.
    """

    def __init__(
        self,
        monitor: Monitor,
        early_stopping: EarlyStopping | None,
        epochs: int,
        batch_size: int,
        seed: int,
        checkpoints: Checkpoints | None,
    ) -> None:
        self.best: Sequence[Any] | None = None
        self._rules = (monitor, epochs, early_stopping)
        self.course = Course(*self._rules)
        self._begun_with = {"seed": seed, "batch_size": batch_size}
        self._checkpoints = checkpoints
        self._logs: list[Logs] = []

    def begin(self, learning: Learning) -> State | None:
        """Returns the state that an earlier attempt at the same training left, if there is one."""
        if self._checkpoints is None:
            return None
        state = self._checkpoints.load(lambda state: self._misfit(state, learning))
        if state is not None and (course := self._replayed(state)) is not None:
            self.course = course
            self.best = [
                as_typed(array, weight)
                for array, weight in zip(state.best, learning.model.weights, strict=True)
            ]
            self._logs = list(state.logs)
        return state

    def observe(self, epoch: int, logs: Logs, learning: Learning) -> bool:
        """Takes in a finished epoch (from 1); returns whether to stop."""
        verdict = self.course.observe(epoch, logs)
        if verdict.improved:
            self.best = learning.weights()
        if self._checkpoints is not None:
            self._logs.append(logs)  # each epoch has a dict of its own
            if not verdict.stop and self._checkpoints.due() and not learning.model.stop_training:
                self._checkpoints.save(self._state(learning))
        return verdict.stop

    def _state(self, learning: Learning) -> State:
        assert self.best is not None  # the first epoch is the best so far
        return capture(learning.model, logs=self._logs, best=self.best, **self._begun_with)

    def _misfit(self, state: State, learning: Learning) -> str | None:
        if not 0 < len(state.logs) < self.course.epochs:
            return f"it is of epoch {len(state.logs)} of {self.course.epochs}"
        if self._replayed(state) is None:
            return "a training with its logs would have ended"
        return misfit(state, learning.model, **self._begun_with)

    def _replayed(self, state: State) -> Course | None:
        """The course after the state's epochs; None if it ends with one of them."""
        course = Course(*self._rules)
        for epoch, logs in enumerate(state.logs, start=1):
            if course.observe(epoch, logs, again=True).stop:
                return None
        return course
