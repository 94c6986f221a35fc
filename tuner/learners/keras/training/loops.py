"""Which loop trains a model: whole epochs in one graph where that is possible, else ``fit``."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from contextlib import suppress
from itertools import islice

import keras
import psutil

from tuner.data import Split
from tuner.learners.keras.keras_private import build_from, layers_of, leave_gradients_unsummed
from tuner.learners.keras.training.fit import (
    EVALUATION_BATCH,
    AfterEpoch,
    Begin,
    epoch_callbacks,
    fit,
)
from tuner.learners.keras.training.orders import ShuffledRows, orders
from tuner.learners.keras.training.resident import ResidentLoop
from tuner.learners.keras.training.state import Learning, resume
from tuner.learners.keras.training.structures import Structures, alone
from tuner.spec import Loop
from tuner.units import format_bytes

_log = logging.getLogger(__name__)
_SHARE_OF_MEMORY = 0.25
"""Of the free memory, what the rows of all workers on a machine may take together."""


def run(
    model: keras.Model,
    train: Split,
    validation: Split | None,
    *,
    epochs: int,
    batch_size: int,
    seed: int,
    after_epoch: AfterEpoch,
    begin: Begin = lambda _: None,
    callbacks: Sequence[keras.callbacks.Callback] = (),
    loop: Loop = "auto",
    structures: Structures | None = None,
    chosen: Callable[[Loop], None] = lambda _: None,
) -> None:
    """Trains until all epochs are run or ``after_epoch`` says stop.

    Args:
        model: Compiled. Callbacks that it brings along (``epoch_callbacks``) run in both loops.
            What is learned is in the weights that ``after_epoch`` can read, not always in the
            model.
        train: Rows to learn from, in a new order each epoch.
        validation: Rows that are measured after each epoch, or None.
        epochs: The most epochs to run.
        batch_size: Rows in a step.
        seed: Of the order of rows.
        after_epoch: Decides after each epoch.
        begin: Returns the state to resume from, if there is one.
        callbacks: The user's own Keras callbacks.
        loop: ``"auto"`` decides by :func:`why_fit`; the others force.
        structures: Graphs of earlier models that may be used again, or None.
        chosen: Called with ``"resident"`` or ``"fit"``, before the first epoch.
    """
    if model.optimizer is not None and model.distribute_strategy.num_replicas_in_sync == 1:
        leave_gradients_unsummed(model.optimizer)
    _build(model, train, batch_size)
    reason: str | None = f'loop = "{loop}" says so'
    if loop == "auto":
        reason = why_fit(model, train, callbacks, structures.n_beside if structures else 1)
    if loop == "resident" or (loop == "auto" and reason is None):
        chosen("resident")
        _log.info("whole epochs run in one graph: %s", reason or "the rows fit in memory")
        lend = alone if structures is None else structures.lent
        with lend(model, train, validation) as resident:
            _run_resident(resident, model, train, epochs, batch_size, seed, after_epoch, begin)
        return
    chosen("fit")
    _log.info("model.fit trains: %s", reason)
    fit(
        model,
        train,
        validation,
        epochs=epochs,
        batch_size=batch_size,
        seed=seed,
        after_epoch=after_epoch,
        begin=begin,
        callbacks=callbacks,
    )


def _build(model: keras.Model, train: Split, batch_size: int) -> None:
    """Builds what the first batch would build otherwise, in the same way."""
    if not all(layer.built for layer in layers_of(model)):
        with suppress(RuntimeError, ValueError):  # it stays as it is: the first batch can build it
            build_from(model, ShuffledRows(train, batch_size, 0)[0])


def why_fit(
    model: keras.Model,
    train: Split,
    callbacks: Sequence[keras.callbacks.Callback],
    n_beside: int = 1,
) -> str | None:
    """Returns why ``fit`` has to train this model, or None if the resident loop can.

    Args:
        model: Compiled.
        train: Rows to learn from.
        callbacks: The user's own Keras callbacks.
        n_beside: How many workers on this machine keep such rows, this one among them.
    """
    if callbacks:
        return "callbacks of the user's own may look at every batch"
    if model.run_eagerly:
        return "the model runs eagerly"
    for method in ("fit", "make_train_function", "make_test_function", "reset_metrics"):
        if getattr(type(model), method) not in _KERAS_METHODS:
            return f"{type(model).__name__} has a {method} of its own"
    if model.optimizer is None:
        return "the model has no optimizer"
    if not all(layer.built for layer in layers_of(model)):
        return "only its first batch can build the model"
    size = sum(array.nbytes for array in train.arrays)
    # Each process keeps them once more.
    if size * n_beside > _SHARE_OF_MEMORY * psutil.virtual_memory().available:
        each = f", in each of {n_beside} workers" if n_beside > 1 else ""
        return f"the training rows take {format_bytes(size)}{each}, a large part of the memory"
    return None


_KERAS_METHODS = {
    getattr(kind, method)
    for kind in (keras.Model, keras.Sequential)
    for method in ("fit", "make_train_function", "make_test_function", "reset_metrics")
}


def _run_resident(
    loop: ResidentLoop,
    model: keras.Model,
    train: Split,
    epochs: int,
    batch_size: int,
    seed: int,
    after_epoch: AfterEpoch,
    begin: Begin,
) -> None:
    own = keras.callbacks.CallbackList(epoch_callbacks(model), model=loop.model)
    validation_batch_size = max(batch_size, EVALUATION_BATCH)
    learning = Learning(loop.model, lambda: loop.weights)
    own.on_train_begin()
    state = begin(learning)
    done = resume(state, loop.model, own.callbacks) if state is not None else 0
    every = zip(range(epochs), orders(seed, len(train)), strict=False)
    for epoch, order in islice(every, done, None):
        own.on_epoch_begin(epoch)
        logs = loop.epoch(order, batch_size, validation_batch_size)
        # One by one: the list would hand out a copy, and what a callback adds can be watched.
        for callback in own.callbacks:
            callback.on_epoch_end(epoch, logs)
        if after_epoch(epoch + 1, logs, learning) or loop.model.stop_training:
            break
    own.on_train_end()
