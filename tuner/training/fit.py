"""The loop of ``keras.Model.fit``, with one thin callback that hands each epoch to the course."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager

import keras
import numpy as np

from tuner.data import Split
from tuner.models.feeding import prepared
from tuner.training.monitor import Course

# Validation is not learning: larger batches give the same figures in fewer steps.
EVALUATION_BATCH = 256
STEPS_A_CALL = 32


class _EpochHook(keras.callbacks.Callback):  # type: ignore[misc] # Keras has no types
    """Observes each epoch, keeps the best weights, and ends ``fit`` by Keras's own flag."""

    def __init__(self, course: Course) -> None:
        super().__init__()
        self.course = course
        self.best: list[np.ndarray] | None = None

    def on_epoch_end(self, epoch: int, logs: Mapping[str, float] | None = None) -> None:
        verdict = self.course.observe(epoch + 1, logs or {})
        if verdict.improved:
            self.best = self.model.get_weights()
        if verdict.stop:
            self.model.stop_training = True


def epoch_callbacks(model: keras.Model) -> list[keras.callbacks.Callback]:
    """Returns the callbacks that a model brings along; they look at whole epochs only."""
    return list(getattr(model, "epoch_callbacks", ()))


@contextmanager
def many_steps_a_call(model: keras.Model, *, allowed: bool) -> Iterator[None]:
    """Runs several steps in one call of the compiled graph: the same numbers, a quarter faster.

    Not when a user's callback may want to see every batch, nor when the model was compiled
    with a wish of its own. Afterwards the model is as its ``compile`` left it.
    """
    if not allowed or model.run_eagerly or model.steps_per_execution != 1:
        yield
        return
    model.steps_per_execution = STEPS_A_CALL
    try:
        yield
    finally:
        model.steps_per_execution = 1
        # Traced for the other number of steps; Keras makes them anew when they are needed.
        model.train_function = model.test_function = None


def fit(
    model: keras.Model,
    train: Split,
    validation: Split,
    *,
    batch_size: int,
    course: Course,
    callbacks: Sequence[keras.callbacks.Callback] = (),
) -> None:
    """Trains until the course says stop; afterwards the model has the best epoch's weights.

    Args:
        model: Compiled.
        train: Rows to learn from, in an order that is shuffled anew each epoch.
        validation: Rows that the course's metric is read on.
        batch_size: Rows in a step.
        course: Decides after each epoch and keeps the outcome.
        callbacks: The user's own. They run before ours, so that what they add to the logs
            can be watched; all their methods run, however the training ends.
    """
    hook = _EpochHook(course)
    own = epoch_callbacks(model)
    model, (train, validation) = prepared(model, train, validation)
    with many_steps_a_call(model, allowed=not callbacks):
        model.fit(
            train.x,
            train.y,
            batch_size=batch_size,
            epochs=course.epochs,
            validation_data=(validation.x, validation.y),
            validation_batch_size=max(batch_size, EVALUATION_BATCH),
            callbacks=[*own, *callbacks, hook],
            verbose=0,
        )
    if hook.best is not None:
        model.set_weights(hook.best)
