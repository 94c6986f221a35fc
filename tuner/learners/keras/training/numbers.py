"""The numbers in a model that its graph need not know: rates, penalties, momenta, schedules.

Keras writes them into a graph as constants, so that another dropout rate is another graph. Here
they are inputs of the graph, and one graph serves all their values.

Terms:
    slot: (object, attribute) where Keras keeps such a number: a ``Dropout`` and its "rate".
    number: not zero. Zero is another graph: Keras leaves the term out.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import keras
import numpy as np
import tensorflow as tf

from tuner.learners.keras.keras_private import layers_of, learning_rate_of

if TYPE_CHECKING:
    from numpy.typing import NDArray

Slot = tuple[Any, str]

_REGULARIZED = ("kernel_regularizer", "bias_regularizer", "embeddings_regularizer")
# Of exactly these classes: one that is derived from them may use its numbers in other ways.
_ATTRIBUTES: dict[type, tuple[str, ...]] = {
    keras.layers.Dropout: ("rate",),
    keras.regularizers.L1: ("l1",),
    keras.regularizers.L2: ("l2",),
    keras.regularizers.L1L2: ("l1", "l2"),
    keras.optimizers.SGD: ("momentum",),
    keras.optimizers.RMSprop: ("momentum",),
    keras.optimizers.schedules.ExponentialDecay: (
        *("initial_learning_rate", "decay_steps", "decay_rate"),
    ),
    keras.optimizers.schedules.CosineDecayRestarts: ("initial_learning_rate", "first_decay_steps"),
}


def slots(model: keras.Model) -> list[Slot]:
    """Returns the slots of a compiled model's numbers, in the same order for equal models."""
    parts: list[Any] = []
    for layer in layers_of(model, include_self=False):
        parts += [layer, *(getattr(layer, name, None) for name in _REGULARIZED)]
    parts += [model.optimizer, learning_rate_of(model.optimizer)]
    return [
        (part, name)
        for part in parts
        for name in _ATTRIBUTES.get(type(part), ())
        if getattr(part, name) != 0
    ]


def values(found: list[Slot]) -> NDArray[np.float64]:
    """Returns the numbers in these slots, shape (slots,)."""
    return np.array([float(getattr(part, name)) for part, name in found], dtype=np.float64)


@contextmanager
def set_aside(found: list[Slot]) -> Iterator[None]:
    """Makes the numbers equal for as long as a model is described, so that only the rest counts."""
    kept = [getattr(part, name) for part, name in found]
    try:
        for part, name in found:
            setattr(part, name, 0.5)
        yield
    finally:
        for (part, name), number in zip(found, kept, strict=True):
            setattr(part, name, number)


class Numbers:
    """The numbers of one model as inputs of its graphs.

    Attributes:
        values: Their values in the next call, float64 (slots,).
    """

    def __init__(self, model: keras.Model) -> None:
        """Puts a :class:`_Number` in each slot of ``model``."""
        self._slots = slots(model)
        self.values = values(self._slots)
        self._tensors: list[tf.Tensor] = []
        for index, (part, name) in enumerate(self._slots):
            setattr(part, name, _Number(self.values[index], self._input(index)))

    def _input(self, index: int) -> Callable[[], tf.Tensor]:
        return lambda: self._tensors[index]

    def leave(self) -> None:
        """Puts plain floats back: the model may be evaluated and saved by others."""
        for (part, name), number in zip(self._slots, self.values.tolist(), strict=True):
            setattr(part, name, number)

    @contextmanager
    def are(self, tensor: tf.Tensor) -> Iterator[None]:
        """While this lasts, a graph that is traced takes the numbers from ``tensor``."""
        self._tensors = tf.unstack(tensor)
        try:
            yield
        finally:
            self._tensors = []


class _Number(float):
    """A float to Python, so that Keras's checks pass; to TensorFlow an input of the graph.

    What Keras computes of it in Python (``1 / (1 - rate)``) is computed in float64 in the graph,
    so that it is rounded as Python's own result would be.
    """

    dtype = "float32"  # Keras's type of a Python float

    def __new__(cls, value: float, tensor: Callable[[], tf.Tensor]) -> _Number:
        number = super().__new__(cls, value)
        number._tensor = tensor
        return number

    _tensor: Callable[[], tf.Tensor]

    def __tf_tensor__(self, dtype: Any = None, name: str | None = None) -> tf.Tensor:
        return tf.cast(self._tensor(), dtype or tf.float32, name=name)

    def __rsub__(self, other: float) -> _Number:
        return _Number(other - float(self), lambda: other - self._tensor())

    def __rtruediv__(self, other: float) -> _Number:
        return _Number(other / float(self), lambda: other / self._tensor())
