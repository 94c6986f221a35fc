"""One attempt at a training: its best weights, where it begins, what is saved of it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from tuner.learners.keras.training.state import Learning, State, as_typed, capture, misfit
from tuner.learners.keras.training.state_file import pack, unpack
from tuner.learners.watch import Logs, UnusableCheckpoint

if TYPE_CHECKING:
    from tuner.learners.keras.training.predicting import Predict
    from tuner.learners.watch import Watch


class Attempt:
    """Stands between the loops and the watch: ``begin`` once, ``observe`` after each epoch.

    Attributes:
        best: The weights after the best epoch, arrays or tensors; None before there is one.
    """

    def __init__(self, watch: Watch, batch_size: int, seed: int, predict: Predict) -> None:
        self.best: Sequence[Any] | None = None
        self._watch = watch
        self._predict = predict
        self._begun_with = {"seed": seed, "batch_size": batch_size}

    def begin(self, learning: Learning) -> State | None:
        """Returns the state that an earlier attempt at the same training left, if there is one."""
        checkpoints = self._watch.checkpoints
        if checkpoints is None:
            return None
        state = checkpoints.load(lambda content: self._read(content, learning))
        if state is not None:
            self.best = [
                as_typed(array, weight)
                for array, weight in zip(state.best, learning.model.weights, strict=True)
            ]
        return state

    def observe(self, epoch: int, logs: Logs, learning: Learning) -> bool:
        """Takes in a finished epoch (from 1); returns whether to stop."""
        verdict = self._watch.observe(epoch, logs, lambda: self._predict(learning.model))
        if verdict.improved:
            self.best = learning.weights()
        checkpoints = self._watch.checkpoints
        ends = verdict.stop or learning.model.stop_training
        if checkpoints is not None and not ends and checkpoints.due():
            state = self._state(learning)
            checkpoints.save(epoch, lambda: pack(state))
        return verdict.stop

    def _state(self, learning: Learning) -> State:
        assert self.best is not None  # the first epoch is the best so far
        return capture(learning.model, logs=self._watch.logs, best=self.best, **self._begun_with)

    def _read(self, content: bytes, learning: Learning) -> tuple[int, State]:
        """Returns the epoch and the state to resume from, and lets the watch see its logs.

        Raises:
            UnusableCheckpoint: It cannot be resumed from these bytes.
        """
        state = unpack(content)
        if not 0 < len(state.logs) < self._watch.steps:
            raise UnusableCheckpoint(f"it is of epoch {len(state.logs)} of {self._watch.steps}")
        if why := misfit(state, learning.model, **self._begun_with):
            raise UnusableCheckpoint(why)
        if not self._watch.replay(state.logs):
            raise UnusableCheckpoint("a training with its logs would have ended")
        return len(state.logs), state
