"""What a training loop gives to a model: the part that learns, and the rows in its form.

Two things are done once, before the first epoch, instead of in every step:

- The words' numbers at the head of a Sequential model have nothing to learn: they are
  computed once, and the rest of the model, which shares its layers, is trained on that.
- A loss that compares one number a class gets the classes one-hot.

Both are kept with the split, so that all trials of a worker train on the same arrays.
"""

from __future__ import annotations

import warnings
from typing import Any
from weakref import WeakKeyDictionary

import keras
import numpy as np
from numpy.typing import NDArray

from tuner.data.split import Split
from tuner.models.text import vectorised, vocabulary

_BY_CLASS = (
    keras.losses.MeanSquaredError,
    keras.losses.MeanAbsoluteError,
    keras.losses.BinaryCrossentropy,
    keras.losses.CategoricalCrossentropy,
)


def prepared(model: keras.Model, *splits: Split) -> tuple[keras.Model, list[Split]]:
    """Returns the part of a model that learns, nearly always all of it, and rows as it takes them.

    Args:
        model: Compiled. What the part learns is in this model's weights, and its optimizer
            becomes this model's.
        splits: Rows as ``Splits`` has them.
    """
    rows = [Split(split.x, _kept_targets(model, split)) for split in splits]
    words = _words(model)
    body = _without_head(model) if words is not None else None
    if words is None or body is None:
        return model, rows
    return body, [
        Split(vectorised(words, split), row.y) for split, row in zip(splits, rows, strict=True)
    ]


_one_hot: WeakKeyDictionary[Split, NDArray[Any]] = WeakKeyDictionary()


def _kept_targets(model: keras.Model, split: Split) -> NDArray[Any]:
    """Returns :func:`targets`, the same array each time."""
    found = targets(model, split.y)
    return split.y if found is split.y else _one_hot.setdefault(split, found)


def targets(model: keras.Model, y: NDArray[Any]) -> NDArray[Any]:
    """Returns class numbers one-hot, shape (n, classes), if the model's loss wants them so.

    Args:
        model: Compiled.
        y: Targets of a split; only whole numbers of shape (n,) are class numbers.
    """
    if y.dtype.kind != "i" or y.ndim != 1 or not isinstance(model.loss, _BY_CLASS):
        return y
    shape = getattr(model, "output_shape", None)  # a model of one's own class may have none yet
    if not isinstance(shape, tuple) or len(shape) != 2 or shape[1] == 1:
        return y
    return np.asarray(np.eye(shape[1], dtype=np.float32)[y])


def _words(model: keras.Model) -> keras.Layer | None:
    """Returns the layer that a model begins with if it turns texts into numbers of words."""
    if not isinstance(model, keras.Sequential) or len(model.layers) < 2:
        return None
    first = model.layers[0]
    return None if vocabulary(first) is None else first


def _without_head(model: keras.Sequential) -> keras.Model | None:
    """Returns the model from its second layer on; None if it cannot be compiled once more."""
    shape = model.layers[0].output.shape[1:]
    body = keras.Sequential(
        [keras.Input(shape, dtype="int32", name="words"), *model.layers[1:]], name=model.name
    )
    try:
        with warnings.catch_warnings():  # about what cannot be written to a file: nobody does
            warnings.simplefilter("ignore")
            body.compile_from_config(model.get_compile_config())
    except (TypeError, ValueError):  # a loss or metric of one's own that Keras cannot find
        return None
    model.optimizer = body.optimizer
    body.epoch_callbacks = getattr(model, "epoch_callbacks", [])
    return body
