"""Whole epochs inside one compiled graph, for rows that fit in memory.

On small networks ``fit`` spends most of its time around the arithmetic: it feeds batches, calls
callbacks, crosses from Python to TensorFlow and back. Here the rows lie on the device and one
``tf.function`` walks through an epoch, calling the model's own ``train_step`` and ``test_step``,
so that losses, metrics, regularisation, dropout and the optimizer are Keras's to the last bit.

Terms:
    order: int32 (n,), the rows of one epoch in the order in which they are learned from.
    logs: name to value at the end of an epoch, as Keras has them.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import keras
import numpy as np
import tensorflow as tf

from tuner.data import Split
from tuner.learners.keras.keras_private import call_flat, executed_by
from tuner.learners.keras.training.numbers import Numbers, slots, values

if TYPE_CHECKING:
    from numpy.typing import NDArray

_KEPT_ARRAYS = 12
# A step of a small network is hundreds of tiny operations, each of which depends on the one before:
# the executor that hands them to threads spends more on that than the operations take. This one
# runs them in order; the graph's loops stay whole in it. An epoch of a small network takes half.
_IN_ORDER = "SINGLE_THREADED_EXECUTOR"


class ResidentLoop:
    """The compiled epoch of one model over one data set, and of further models like it.

    Attributes:
        model: Whose variables the graph reads and changes.
        weights: Those after the last epoch, in the order of ``model.weights``. They come out of the
            epoch's graph, which costs next to nothing; to read each variable costs as much as to
            run an epoch of a small network.
    """

    def __init__(self, model: keras.Model, train: Split, validation: Split | None) -> None:
        """Prepares the loop; the graph is traced at the first epoch.

        Args:
            model: Compiled and built; its numbers
                (see :mod:`tuner.learners.keras.training.numbers`) become
                inputs of the graph.
            train: Rows to learn from.
            validation: Rows that are measured after each epoch, or None.
        """
        self.model = model
        self._numbers = Numbers(model)
        model.optimizer.build(model.trainable_variables)
        self._optimizer_state = [variable.numpy() for variable in model.optimizer.variables]
        self._arrays = (train, validation)
        self._names: list[str] = []
        self.weights: Sequence[tf.Tensor] = ()
        self._epoch: Any = None
        self._values = tf.constant(self._numbers.values)
        self._executor = _IN_ORDER
        learned = [on_device(array) for array in train.arrays]
        held = [on_device(array) for array in validation.arrays] if validation else []
        rows = len(train)

        def learn(batch: tf.Tensor) -> None:
            model.train_step(tuple(tf.gather(array, batch) for array in learned))

        def measured(batch_size: tf.Tensor) -> dict[str, tf.Tensor]:
            if validation is None:
                return {}
            model.reset_metrics()
            _walk(
                len(validation),
                batch_size,
                lambda start, end: model.test_step(tuple(array[start:end] for array in held)),
            )
            return {f"val_{name}": value for name, value in model.get_metrics_result().items()}

        def epoch(
            order: tf.Tensor, batch_sizes: tf.Tensor, numbers: tf.Tensor
        ) -> tuple[tf.Tensor, ...]:
            with self._numbers.are(numbers):
                _walk(rows, batch_sizes[0], lambda start, end: learn(order[start:end]))
                logs = {**model.get_metrics_result(), **measured(batch_sizes[1])}
            # At the end, not at the beginning: metrics are built by the first step only, and
            # what is not built while the graph is traced would never be reset in it.
            model.reset_metrics()
            self._names = list(logs)
            shown = tf.stack([tf.cast(value, tf.float32) for value in logs.values()])
            return shown, *(variable.value for variable in model.weights)

        # Not AutoGraph: Keras's steps are written for tracing, and converting them takes long.
        self._function = tf.function(
            epoch,
            autograph=False,
            input_signature=[
                tf.TensorSpec((rows,), tf.int32),
                tf.TensorSpec((2,), tf.int32),
                tf.TensorSpec(self._numbers.values.shape, tf.float64),
            ],
        )

    def take_over(self, model: keras.Model) -> None:
        """Continues from the state of another model of the same structure, as if it were that one.

        Args:
            model: Compiled and built, not trained. It is left as it is.
        """
        for mine, theirs in zip(self.model.variables, model.variables, strict=True):
            mine.assign(theirs)
        optimizer = self.model.optimizer
        for variable, initial in zip(optimizer.variables, self._optimizer_state, strict=True):
            variable.assign(initial)
        if isinstance(model.optimizer.learning_rate, keras.Variable):
            optimizer.learning_rate.assign(model.optimizer.learning_rate)
        self._numbers.values = values(slots(model))
        self._values = tf.constant(self._numbers.values)
        self.model.stop_training = False

    def settle(self) -> None:
        """Makes the model one that can be saved; a graph that is traced needs its slots no more."""
        if self._epoch is not None:
            self._numbers.leave()

    def release(self) -> None:
        """Restores the model, except for what it has learned; no epoch follows."""
        self._numbers.leave()

    def epoch(
        self, order: NDArray[np.int32], batch_size: int, validation_batch_size: int
    ) -> dict[str, float]:
        """Learns from all rows once and measures on the validation rows.

        Args:
            order: In which the rows are learned from.
            batch_size: Rows in a step; the last step of an epoch has what is left.
            validation_batch_size: The same for validation.

        Returns:
            The epoch's logs, those of the validation rows with ``val_`` before their names.
        """
        inputs = [tf.constant(order), _sizes(batch_size, validation_batch_size), self._values]
        traced = self._epoch or self.trace()
        with executed_by(self._executor):
            logs, *self.weights = call_flat(traced, inputs)
        return dict(zip(self._names, logs.numpy().tolist(), strict=True))

    def trace(self) -> Any:
        """Traces the graph, which the first epoch does otherwise."""
        with executed_by(_IN_ORDER):
            self._epoch = self._function.get_concrete_function()
        if _nests(self._epoch) or tf.config.list_physical_devices("GPU"):
            self._executor = ""
        return self._epoch


def _walk(rows: int, batch_size: tf.Tensor, step: Callable[[tf.Tensor, tf.Tensor], object]) -> None:
    """Calls ``step(start, end)`` for each batch; traces it once, whatever the batches' sizes."""

    def one(start: tf.Tensor) -> tuple[tf.Tensor]:
        end = start + batch_size
        step(start, tf.minimum(end, rows))
        return (end,)

    # One iteration at a time: the next step needs the weights of this one.
    tf.while_loop(lambda start: start < rows, one, (tf.constant(0),), parallel_iterations=1)


@functools.lru_cache
def _sizes(batch_size: int, validation_batch_size: int) -> tf.Tensor:
    return tf.constant([batch_size, validation_batch_size], tf.int32)


def _nests(function: Any) -> bool:
    """Returns whether the loops of a graph call functions: branches, loops in a layer.

    In the executor that runs in order such a call would wait for a thread that waits for the call.
    """
    bodies = function.graph.as_graph_def().library.function
    return any(
        attribute.HasField("func") or attribute.list.func
        for body in bodies
        for node in body.node_def
        for attribute in node.attr.values()
    )


_arrays: dict[int, tuple[NDArray[Any], tf.Tensor]] = {}


def on_device(array: NDArray[Any]) -> tf.Tensor:
    """Returns the array as a tensor; keeps the last few, which all trials of a worker share."""
    kept = _arrays.get(id(array))
    if kept is None or kept[0] is not array:
        if len(_arrays) >= _KEPT_ARRAYS:
            del _arrays[next(iter(_arrays))]
        kept = _arrays[id(array)] = (array, tf.constant(array))
    return kept[1]
