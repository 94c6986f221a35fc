"""The loop of ``keras.Model.fit``, with one thin callback that hands each epoch on."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager

import keras

from tuner.data import Split
from tuner.learners.keras.keras_private import begin_at, initial_epoch_kept
from tuner.learners.keras.training.orders import ShuffledRows
from tuner.learners.keras.training.state import Learning, State, resume

AfterEpoch = Callable[[int, Mapping[str, float], Learning], bool]
"""Called with the epoch (from 1), its logs and what is trained; returns whether to stop."""
Begin = Callable[[Learning], State | None]
"""Called once before the first epoch; returns the state to resume from, or None."""

# Validation is not learning: larger batches give the same figures in fewer steps.
EVALUATION_BATCH = 1024
STEPS_A_CALL = 32


def fit(
    model: keras.Model,
    train: Split,
    validation: Split | None,
    *,
    epochs: int,
    batch_size: int,
    seed: int,
    after_epoch: AfterEpoch,
    begin: Begin,
    callbacks: Sequence[keras.callbacks.Callback] = (),
) -> None:
    """Trains until all epochs are run or ``after_epoch`` says stop.

    Args:
        model: Compiled.
        train: Rows to learn from.
        validation: Rows that are measured after each epoch, or None.
        epochs: The most epochs to run.
        batch_size: Rows in a step.
        seed: Of the order of rows.
        after_epoch: Decides after each epoch.
        begin: Returns the state to resume from, if there is one.
        callbacks: The user's own. They run before ours, so that what they add to the logs
            can be watched; all their methods run, however the training ends.
    """
    rows = ShuffledRows(train, batch_size, seed)
    own = epoch_callbacks(model)
    learning = Learning(model, model.get_weights)

    def start(_logs: object) -> None:
        state = begin(learning)
        if state is not None:
            begin_at(model, resume(state, model, own))
            rows.skip(len(state.logs))

    hook = keras.callbacks.LambdaCallback(
        on_train_begin=start,
        on_epoch_end=lambda epoch, logs: _stop(model, after_epoch(epoch + 1, logs or {}, learning)),
    )
    with _many_steps_a_call(model, allowed=not callbacks), initial_epoch_kept(model):
        model.fit(
            rows,
            epochs=epochs,
            shuffle=False,
            validation_data=validation.arrays if validation else None,
            validation_batch_size=max(batch_size, EVALUATION_BATCH),
            callbacks=[*own, *callbacks, hook],
            verbose=0,
        )


def epoch_callbacks(model: keras.Model) -> list[keras.callbacks.Callback]:
    """Returns the callbacks that a model brings along; they look at whole epochs only."""
    return list(getattr(model, "epoch_callbacks", ()))


def _stop(model: keras.Model, stop: bool) -> None:
    if stop:
        model.stop_training = True


@contextmanager
def _many_steps_a_call(model: keras.Model, *, allowed: bool) -> Iterator[None]:
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
        # Traced for the other number of steps; Keras makes new ones when they are needed.
        model.train_function = model.test_function = None
