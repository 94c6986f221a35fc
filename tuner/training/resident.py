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

from typing import TYPE_CHECKING, Any

import keras
import numpy as np
import tensorflow as tf

from tuner.data import Split

if TYPE_CHECKING:
    from numpy.typing import NDArray

_KEPT_ARRAYS = 8


class ResidentLoop:
    """The compiled epoch of one model over one data set.

    Attributes:
        model: Whose variables the graph reads and changes.
    """

    def __init__(
        self,
        model: keras.Model,
        train: Split,
        validation: Split | None,
        *,
        batch_size: int,
        validation_batch_size: int,
    ) -> None:
        """Prepares the loop; the graph is traced at the first epoch.

        Args:
            model: Compiled and built.
            train: Rows to learn from.
            validation: Rows that are measured after each epoch, or None.
            batch_size: Rows in a step; the last step of an epoch has what is left.
            validation_batch_size: The same for validation.
        """
        self.model = model
        model.optimizer.build(model.trainable_variables)
        self._names: list[str] = []
        x, y = on_device(train.x), on_device(train.y)
        if validation is not None:
            held_x, held_y = on_device(validation.x), on_device(validation.y)
        rows = len(train)

        def learn(order: tf.Tensor, start: tf.Tensor) -> None:
            batch = order[start : tf.minimum(start + batch_size, rows)]
            model.train_step((tf.gather(x, batch), tf.gather(y, batch)))

        def measured() -> dict[str, tf.Tensor]:
            if validation is None:
                return {}
            model.reset_metrics()
            held_rows = len(validation)

            def measure(start: tf.Tensor) -> None:
                end = tf.minimum(start + validation_batch_size, held_rows)
                model.test_step((held_x[start:end], held_y[start:end]))

            _walk(held_rows, validation_batch_size, measure)
            return {f"val_{name}": value for name, value in model.get_metrics_result().items()}

        def epoch(order: tf.Tensor) -> tf.Tensor:
            _walk(rows, batch_size, lambda start: learn(order, start))
            logs = {**model.get_metrics_result(), **measured()}
            # At the end, not at the beginning: metrics are built by the first step only, and
            # what is not built while the graph is traced would never be reset in it.
            model.reset_metrics()
            self._names = list(logs)
            return tf.stack([tf.cast(value, tf.float32) for value in logs.values()])

        # Not AutoGraph: Keras's steps are written for tracing, and converting them takes long.
        self._epoch = tf.function(
            epoch,
            autograph=False,
            input_signature=[tf.TensorSpec((rows,), tf.int32)],
        )

    def epoch(self, order: NDArray[np.int32]) -> dict[str, float]:
        """Learns from all rows once, in this order, and measures on the validation rows.

        Returns:
            The epoch's logs, those of the validation rows with ``val_`` before their names.
        """
        values = self._epoch(order).numpy()
        return dict(zip(self._names, map(float, values), strict=True))


def _walk(rows: int, batch_size: int, step: Any) -> None:
    """Calls ``step(start)`` for each batch; traces it once, whatever the size of the last one."""
    if rows <= batch_size:
        step(tf.constant(0))
        return

    def one(start: tf.Tensor) -> tuple[tf.Tensor]:
        step(start)
        return (start + batch_size,)

    # One iteration at a time: the next step needs the weights of this one.
    tf.while_loop(lambda start: start < rows, one, (tf.constant(0),), parallel_iterations=1)


_arrays: dict[int, tuple[NDArray[Any], tf.Tensor]] = {}


def on_device(array: NDArray[Any]) -> tf.Tensor:
    """The array as a tensor; the last few are kept, since all trials of a worker share them."""
    kept = _arrays.get(id(array))
    if kept is None or kept[0] is not array:
        if len(_arrays) >= _KEPT_ARRAYS:
            del _arrays[next(iter(_arrays))]
        kept = _arrays[id(array)] = (array, tf.constant(array))
    return kept[1]
