"""The ways into training: ``train`` for a trial, ``refit`` for the final model, ``evaluate``.

Each begins a Keras session of its own and seeds it before the model is built, so that what
comes out depends on parameters, data and seed only, not on what the process did before.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

import numpy as np

from tuner.errors import TrialFailed
from tuner.learners.keras.training.attempt import Attempt

if TYPE_CHECKING:
    import keras

    from tuner.data import Development, Split
    from tuner.learners.keras.training.state import Learning
    from tuner.learners.keras.training.structures import Structures
    from tuner.learners.watch import Watch
    from tuner.spec import Loop

Build = Callable[[], "keras.Model"]


def train(
    build: Build,
    data: Development,
    *,
    batch_size: int,
    seed: int,
    watch: Watch,
    callbacks: Sequence[keras.callbacks.Callback] = (),
    loop: Loop = "auto",
    structures: Structures | None = None,
    own_code: bool = True,
) -> keras.Model:
    """Builds a model and trains it on the training split, watched on the validation split.

    Args:
        build: Returns the compiled model; called once, after seeding.
        data: Training and validation rows.
        batch_size: Rows in a step.
        seed: 0 … 2³² − 1; decides initial weights, dropout and the order of rows.
        watch: Says how many epochs to run, and when to stop. If it has checkpoints, a training
            that was interrupted is resumed and ends as one without a break; ``callbacks`` do not
            see the epochs before it.
        callbacks: The user's own Keras callbacks.
        loop: See :mod:`tuner.learners.keras.training.loops`.
        structures: Graphs of earlier calls, to be used again and added to.
        own_code: Whether ``build`` is a user's, and so may draw from any generator.

    Returns:
        The model with its best epoch's weights (with ``structures`` only until the next call).

    Raises:
        TrialFailed: Memory ran out.
    """
    from tuner.learners.keras.networks.feeding import prepared
    from tuner.learners.keras.training import loops
    from tuner.learners.keras.training.predicting import predictor

    with _out_of_memory_fails_the_trial():
        model = _fresh(build, seed, own_code=own_code)
        learner, (rows, validation) = prepared(model, data.train, data.validation)
        predict = predictor(model, learner, validation, data.task)
        attempt = Attempt(watch, batch_size, seed, predict)
        loops.run(
            learner,
            rows,
            validation,
            epochs=watch.steps,
            batch_size=batch_size,
            seed=seed,
            after_epoch=attempt.observe,
            begin=attempt.begin,
            callbacks=callbacks,
            loop=loop,
            structures=structures,
            chosen=lambda kind: setattr(watch, "loop", kind),
        )
        if attempt.best is not None:
            learner.set_weights([np.asarray(weight) for weight in attempt.best])
    return model


def refit(
    build: Build,
    rows: Split,
    *,
    batch_size: int,
    seed: int,
    watch: Watch,
    callbacks: Sequence[keras.callbacks.Callback] = (),
) -> keras.Model:
    """Builds a model and trains it with nothing held out.

    Args:
        build: As in ``train``.
        rows: All rows to learn from.
        batch_size: Rows in a step.
        seed: As in ``train``.
        watch: Says how many epochs to run; it watches nothing but the loss.
        callbacks: The user's own Keras callbacks.

    Returns:
        The model after the last epoch.

    Raises:
        TrialFailed: Memory ran out.
    """
    from tuner.learners.keras.networks.feeding import prepared
    from tuner.learners.keras.training import loops

    def observe(epoch: int, logs: Mapping[str, float], _learning: Learning) -> bool:
        return watch.observe(epoch, logs).stop

    with _out_of_memory_fails_the_trial():
        model = _fresh(build, seed)
        learner, (rows,) = prepared(model, rows)
        loops.run(
            learner,
            rows,
            None,
            epochs=watch.steps,
            batch_size=batch_size,
            seed=seed,
            after_epoch=observe,
            callbacks=callbacks,
        )
    return model


def evaluate(model: keras.Model, rows: Split) -> dict[str, float]:
    """Scores a model: metric name ("loss", "accuracy", …) to value over all rows."""
    from tuner.learners.keras.networks.feeding import scored
    from tuner.learners.keras.training.fit import EVALUATION_BATCH

    part, rows = scored(model, rows)
    logs = part.evaluate(
        rows.x,
        rows.y,
        sample_weight=rows.sample_weight,
        batch_size=EVALUATION_BATCH,
        verbose=0,
        return_dict=True,
    )
    return {name: float(value) for name, value in logs.items()}


def _fresh(build: Build, seed: int, *, own_code: bool = True) -> keras.Model:
    """Builds a model in a new Keras session.

    Seeded twice: before, for the weights; after, so that the order of rows is the same for
    every structure, and a user's own seeding inside ``build`` does not reach the training.

    The families draw from Python's generator alone, as Keras's initializers and dropout do. To
    seed TensorFlow, too, would drop the compiled form of every graph that is kept.
    """
    import keras

    if not own_code:
        random.seed(seed)
        return build()
    keras.utils.clear_session()
    keras.utils.set_random_seed(seed)
    model = build()
    keras.utils.set_random_seed(seed)
    return model


@contextmanager
def _out_of_memory_fails_the_trial() -> Iterator[None]:
    import tensorflow as tf

    try:
        yield
    except (MemoryError, tf.errors.ResourceExhaustedError) as exc:
        raise TrialFailed("out of memory: the model and its batch do not fit") from exc
