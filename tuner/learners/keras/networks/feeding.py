"""What a training loop gives to a model: the part that learns, and the rows in its form.

Some things are done once, before the first epoch, instead of in every step:

- The words' numbers at the head of a Sequential model have nothing to learn: they are
  computed once, and the rest of the model, which shares its layers, is trained on that.
- A loss that compares one number a class gets the classes one-hot.
- Where a model ends in an offset in float64, its targets have more digits than float32: the rest of
  the model is trained on targets from which the offset is subtracted. Squared and absolute errors
  are the same, and losses and metrics compute in float32.

All are kept with the split, so that all trials of a worker train on the same arrays.
"""

from __future__ import annotations

import warnings
from dataclasses import replace
from typing import Any
from weakref import WeakKeyDictionary

import keras
import numpy as np
from numpy.typing import NDArray

from tuner.data.split import Split
from tuner.learners.keras.networks.target import OFFSET
from tuner.learners.keras.networks.text import vectorised, vocabulary

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
        splits: Rows as ``Development`` has them.
    """
    rows = [replace(split, y=_kept_targets(model, split)) for split in splits]
    words = _words(model)
    first = 0 if words is None else 1
    body = _part(model, first, _end(model))
    if body is None or body is model:
        return model, rows
    model.optimizer = body.optimizer
    body.epoch_callbacks = getattr(model, "epoch_callbacks", [])
    if words is None:
        return body, rows
    return body, [
        replace(row, x=vectorised(words, split)) for split, row in zip(splits, rows, strict=True)
    ]


def scored(model: keras.Model, rows: Split) -> tuple[keras.Model, Split]:
    """Returns the part of a model that can be scored in float32, and rows as it takes them.

    Args:
        model: Compiled; it stays as it is.
        rows: Rows as ``Development`` has them.
    """
    return _part(model, 0, _end(model)) or model, replace(rows, y=targets(model, rows.y))


_targets: WeakKeyDictionary[Split, dict[Any, NDArray[Any]]] = WeakKeyDictionary()


def _kept_targets(model: keras.Model, split: Split) -> NDArray[Any]:
    """Returns :func:`targets`, the same array each time."""
    found = targets(model, split.y)
    if found is split.y:
        return found
    offset = target_offset(model)
    key = (found.shape, None if offset is None else tuple(offset.ravel().tolist()))
    return _targets.setdefault(split, {}).setdefault(key, found)


def targets(model: keras.Model, y: NDArray[Any]) -> NDArray[Any]:
    """Returns targets in the form that the model's loss wants.

    Args:
        model: Compiled.
        y: Targets of a split; only whole numbers of shape (n,) are class numbers.

    Returns:
        Class numbers one-hot, shape (n, classes), or quantities as float32, in float64 less the
        model's offset if it has one; otherwise ``y`` itself.
    """
    if y.dtype == np.float64:
        offset = target_offset(model)
        return (y if offset is None else y - offset).astype(np.float32)
    if y.dtype.kind != "i" or y.ndim != 1 or not isinstance(model.loss, _BY_CLASS):
        return y
    shape = getattr(model, "output_shape", None)  # a model of one's own class may have none yet
    if not isinstance(shape, tuple) or len(shape) != 2 or shape[1] == 1:
        return y
    return np.asarray(np.eye(shape[1], dtype=np.float32)[y])


def target_offset(model: keras.Model) -> NDArray[np.float64] | None:
    """Returns what the last layer of a model adds in float64, shape (k,); None if nothing."""
    last = model.layers[-1] if isinstance(model, keras.Sequential) and model.layers else None
    return None if last is None or last.name != OFFSET else np.asarray(last.offset, np.float64)


def _end(model: keras.Model) -> int | None:
    return None if target_offset(model) is None else -1


def _words(model: keras.Model) -> keras.Layer | None:
    """Returns the layer that a model begins with if it turns texts into numbers of words."""
    if not isinstance(model, keras.Sequential) or len(model.layers) < 2:
        return None
    first = model.layers[0]
    return None if vocabulary(first) is None else first


def _part(model: keras.Model, first: int, end: int | None) -> keras.Model | None:
    """Returns some layers of a model in a row, all if ``first`` is 0 and ``end`` None.

    Returns:
        None if the part cannot be compiled as the model is.
    """
    if first == 0 and end is None:
        return model
    given = model.inputs[0] if first == 0 else model.layers[first - 1].output
    start = keras.Input(
        given.shape[1:],
        dtype="int32" if first else given.dtype,
        name="words" if first else given.name,
    )
    part = keras.Sequential([start, *model.layers[first:end]], name=model.name)
    try:
        with warnings.catch_warnings():  # of what cannot be saved; the part never is
            warnings.simplefilter("ignore")
            part.compile_from_config(model.get_compile_config())
    except (TypeError, ValueError):  # a loss or metric of one's own that Keras cannot find
        return None
    return part
