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
from tuner.learners.fit_result import FitResult
from tuner.learners.keras.training.attempt import Attempt
from tuner.learners.monitor import Monitor, diverged

if TYPE_CHECKING:
    import keras

    from tuner.data import Development, Split
    from tuner.learners.keras.training.state import Checkpoints, Learning
    from tuner.learners.keras.training.structures import Structures
    from tuner.spec import EarlyStopping, Loop

Build = Callable[[], "keras.Model"]


def train(
    build: Build,
    data: Development,
    *,
    epochs: int,
    batch_size: int,
    seed: int,
    monitor: Monitor,
    early_stopping: EarlyStopping | None = None,
    callbacks: Sequence[keras.callbacks.Callback] = (),
    loop: Loop = "auto",
    structures: Structures | None = None,
    own_code: bool = True,
    checkpoints: Checkpoints | None = None,
) -> tuple[keras.Model, FitResult]:
    """Builds a model and trains it on the training split, watched on the validation split.

    Args:
        build: Returns the compiled model; called once, after seeding.
        data: The test split is not touched.
        epochs: The most epochs to run.
        batch_size: Rows in a step.
        seed: 0 … 2³² − 1; decides initial weights, dropout and the order of rows.
        monitor: The metric, its direction and the hook that may prune.
        early_stopping: Keras's rule, or None.
        callbacks: The user's own Keras callbacks.
        loop: See :mod:`tuner.learners.keras.training.loops`.
        structures: Graphs of earlier calls, to be used again and added to.
        own_code: Whether ``build`` is a user's, and so may draw from any generator.
        checkpoints: Keeps the training's state at the end of epochs, and has what an earlier
            attempt left; the result is that of a training without a break. ``callbacks`` are
            not told of the epochs before it.

    Returns:
        The model with its best epoch's weights (with ``structures`` only until the next call),
        and how the run went.

    Raises:
        MetricError: The model does not report the metric.
        TrialFailed: NaN or infinity, or memory ran out.
    """
    from tuner.learners.keras.networks.feeding import prepared
    from tuner.learners.keras.training import loops

    attempt = Attempt(monitor, early_stopping, epochs, batch_size, seed, checkpoints)
    with _out_of_memory_fails_the_trial():
        model = _fresh(build, seed, own_code=own_code)
        learner, (rows, validation) = prepared(model, data.train, data.validation)

        loops.run(
            learner,
            rows,
            validation,
            epochs=epochs,
            batch_size=batch_size,
            seed=seed,
            after_epoch=attempt.observe,
            begin=attempt.begin,
            callbacks=callbacks,
            loop=loop,
            structures=structures,
        )
        if attempt.best is not None:
            learner.set_weights([np.asarray(weight) for weight in attempt.best])
    return model, attempt.course.result()


def refit(
    build: Build,
    rows: Split,
    *,
    epochs: int,
    batch_size: int,
    seed: int,
    callbacks: Sequence[keras.callbacks.Callback] = (),
) -> tuple[keras.Model, dict[str, list[float]]]:
    """Builds a model and trains it for exactly ``epochs`` epochs, with nothing held out.

    Args:
        build: As in ``train``.
        rows: All rows to learn from.
        epochs: Known from the search.
        batch_size: Rows in a step.
        seed: As in ``train``.
        callbacks: The user's own Keras callbacks.

    Returns:
        The model after the last epoch, and log name to value at each epoch.

    Raises:
        TrialFailed: The loss became NaN or infinite, or memory ran out.
    """
    from tuner.learners.keras.networks.feeding import prepared
    from tuner.learners.keras.training import loops

    history: dict[str, list[float]] = {}
    failure: TrialFailed | None = None

    def observe(epoch: int, logs: Mapping[str, float], _learning: Learning) -> bool:
        nonlocal failure
        for name, value in logs.items():
            history.setdefault(name, []).append(float(value))
        failure = diverged(epoch, logs)
        return failure is not None

    with _out_of_memory_fails_the_trial():
        model = _fresh(build, seed)
        learner, (rows,) = prepared(model, rows)
        loops.run(
            learner,
            rows,
            None,
            epochs=epochs,
            batch_size=batch_size,
            seed=seed,
            after_epoch=observe,
            callbacks=callbacks,
        )
    if failure is not None:
        raise failure
    return model, history


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
