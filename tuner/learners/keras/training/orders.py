"""The order in which rows are learned from: a new one each epoch, from the trial's seed.

Both loops and the exported script draw it in the same way. It is not left to ``fit``: with a
global seed set, Keras 3.15 on TensorFlow repeats the first epoch's order in every epoch, because
its shuffling lives in a ``tf.data`` graph that starts again from that seed.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import keras
import numpy as np
import tensorflow as tf

from tuner.data import Split

if TYPE_CHECKING:
    from numpy.typing import NDArray


def orders(seed: int, rows: int) -> Iterator[NDArray[np.int32]]:
    """Yields a permutation of ``range(rows)`` for each epoch, int32 (rows,), without end."""
    generator = np.random.default_rng(seed)
    while True:
        yield generator.permutation(rows).astype(np.int32)


class ShuffledRows(keras.utils.PyDataset):  # type: ignore[misc] # Keras has no types
    """Rows in batches for ``fit``, in the epoch's order; pass ``shuffle=False`` with it."""

    def __init__(self, split: Split, batch_size: int, seed: int) -> None:
        """Takes the rows.

        Args:
            split: All of them; kept, not copied.
            batch_size: Rows in a batch; the last one of an epoch has what is left.
            seed: Of the order.
        """
        super().__init__()
        self._split = split
        self._batch_size = batch_size
        self._orders = orders(seed, len(split))
        # Keras looks at a batch before the first epoch, to learn its form.
        self._order = np.arange(len(split), dtype=np.int32)

    def __len__(self) -> int:
        return -(-len(self._split) // self._batch_size)

    def __getitem__(self, index: int) -> tuple[Any, ...]:
        rows = self._order[index * self._batch_size : (index + 1) * self._batch_size]
        x, *others = (array[rows] for array in self._split.arrays)
        # Keras does not know the type of an array of objects; here these are texts.
        return (tf.constant(x.tolist()) if x.dtype == np.object_ else x), *others

    def skip(self, epochs: int) -> None:
        """Draws the orders of epochs that are not run."""
        for _ in range(epochs):
            next(self._orders)

    def on_epoch_begin(self) -> None:
        """Draws the epoch's order; Keras calls it once an epoch (``on_epoch_end`` once more)."""
        self._order = next(self._orders)
