"""The state of a training after an epoch, from which another process can resume it.

Terms:
    variables: all that the next epoch reads and changes: those of the model, which include
        BatchNorm's statistics and the states of random generators, and of its optimizer, which
        include the learning rate and the number of steps. In Keras's order.
    weights: what ``model.set_weights`` takes.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from tuner.learners.keras.keras_private import shared_generator

if TYPE_CHECKING:
    import keras
    from numpy.typing import NDArray

    from tuner.learners.watch import Logs


@dataclass(frozen=True)
class State:
    """A training after some epochs.

    Attributes:
        seed: Of the training; with the epochs done it gives the next order of rows.
        batch_size: Rows in a step.
        logs: What each epoch logged, the first epoch first.
        variables: See above, as arrays.
        best: The weights after the best epoch, as arrays.
        generators: The states of those generators that a whole process shares, Keras's, Python's
            and NumPy's: a user's code may draw from them. In the form that JSON has.
    """

    seed: int
    batch_size: int
    logs: Sequence[Logs]
    variables: Sequence[NDArray[Any]]
    best: Sequence[NDArray[Any]]
    generators: Mapping[str, Any]


@dataclass(frozen=True)
class Learning:
    """What is being trained.

    Attributes:
        model: The model whose variables change; not always the one that was built.
        weights: Returns copies of its weights as they are now: arrays or tensors.
    """

    model: keras.Model
    weights: Callable[[], Sequence[Any]]


def capture(
    model: keras.Model,
    *,
    seed: int,
    batch_size: int,
    logs: Sequence[Mapping[str, Any]],
    best: Sequence[Any],
) -> State:
    """Reads the state of the training of ``model``; the rest is as in :class:`State`."""
    shared = shared_generator(make=False)
    plain = [
        {name: None if value is None else float(value) for name, value in epoch.items()}
        for epoch in logs
    ]
    return State(
        seed,
        batch_size,
        plain,
        [np.asarray(variable.numpy()) for variable in _variables(model)],
        [np.asarray(weight) for weight in best],
        {
            "keras": None if shared is None else shared.state.numpy().tolist(),
            "python": random.getstate(),
            "numpy": np.random.get_state(legacy=False),
        },
    )


def resume(state: State, model: keras.Model, callbacks: Iterable[keras.callbacks.Callback]) -> int:
    """Brings a model and its callbacks to a state that fits; returns how many epochs are done.

    Args:
        state: :func:`misfit` has found nothing.
        model: Compiled and built, not trained.
        callbacks: Those that the model brings along; they see the epochs' logs once more.
    """
    for epoch, logs in enumerate(state.logs):
        for callback in callbacks:
            callback.on_epoch_begin(epoch)
        for callback in callbacks:
            callback.on_epoch_end(epoch, dict(logs))
    # Afterwards: what a callback did to the learning rate stands in a variable, too.
    for variable, array in zip(_variables(model), state.variables, strict=True):
        variable.assign(as_typed(array, variable))
    keras_state, python_state, numpy_state = _generators(state)
    if keras_state is not None:
        shared_generator(make=True).state.assign(keras_state)
    random.setstate(python_state)
    np.random.set_state(numpy_state)
    return len(state.logs)


def misfit(state: State, model: keras.Model, *, seed: int, batch_size: int) -> str | None:
    """Returns why a training cannot be resumed from a state, or None if it can.

    Args:
        state: Complete, but from a file of unknown origin.
        model: Compiled and built; its optimizer is built if it is not yet.
        seed: Of this training.
        batch_size: Of this training.
    """
    if (state.seed, state.batch_size) != (seed, batch_size):
        return "it is of another seed or batch size"
    if not model.weights or not _alike(state.best, model.weights):
        return "its weights are those of another network"
    model.optimizer.build(model.trainable_variables)
    if not _alike(state.variables, _variables(model)):
        return "its variables are those of another network"
    try:
        _, python_state, numpy_state = _generators(state)
        random.Random().setstate(python_state)
        np.random.RandomState().set_state(numpy_state)
    except (TypeError, ValueError, KeyError, OverflowError, IndexError):
        return "the states of its random generators are none"
    return None


def _variables(model: keras.Model) -> list[Any]:
    return [*model.variables, *model.optimizer.variables]


def _generators(state: State) -> tuple[NDArray[np.uint32] | None, Any, Any]:
    """Returns the states as Keras, Python and NumPy take them; in JSON all are lists."""
    kept = state.generators
    version, internal, spare = kept["python"]
    key = np.asarray(kept["numpy"]["state"]["key"], dtype=np.uint32)
    # NumPy does not look, and would read beyond the key.
    if key.shape != (624,) or not 0 <= kept["numpy"]["state"]["pos"] <= 624:
        raise ValueError(kept["numpy"]["state"]["pos"])
    numpy_state = {**kept["numpy"], "state": {**kept["numpy"]["state"], "key": key}}
    shared = None
    if kept["keras"] is not None:
        shared = np.asarray(kept["keras"], dtype=np.uint32).reshape(2)
    return shared, (version, tuple(internal), spare), numpy_state


def _alike(arrays: Sequence[NDArray[Any]], variables: Sequence[Any]) -> bool:
    return [_form(array) for array in arrays] == [_form(one.numpy()) for one in variables]


def _form(array: NDArray[Any]) -> tuple[object, ...]:
    """Shape and type; of a type of TensorFlow's own NumPy's files hold the bytes only."""
    return array.shape, array.dtype.itemsize if array.dtype.kind == "V" else array.dtype


def as_typed(array: NDArray[Any], variable: Any) -> NDArray[Any]:
    """Returns the array with its variable's type, which NumPy's files may not know."""
    return array.view(variable.numpy().dtype) if array.dtype.kind == "V" else array
