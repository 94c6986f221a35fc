"""Words to numbers: the vocabulary of a training split, and texts as arrays of word numbers.

Both take seconds for a large data set and are the same for every trial on it, so both are kept
for as long as the split itself lives.

Terms:
    token: a word in lower case without punctuation, as ``TextVectorization`` splits by default.
        0 is padding, 1 a word that is not in the vocabulary, then the most frequent first.
"""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from typing import TYPE_CHECKING
from weakref import WeakKeyDictionary

import keras
import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

if TYPE_CHECKING:
    from tuner.data import Split

_CHUNK = 1024  # texts that are split at a time: bounds the memory
_KEPT = 4  # forms of one split, by vocabulary and length
_SPECIAL = 2  # padding and unknown

_words: WeakKeyDictionary[Split, list[str]] = WeakKeyDictionary()
_numbers: WeakKeyDictionary[Split, OrderedDict[str, NDArray[np.int32]]] = WeakKeyDictionary()


def vectoriser(
    train: Split, max_tokens: int, length: int, truncating: str = "post"
) -> tuple[keras.Layer, int]:
    """Returns the layer that turns texts into numbers of words, and how many numbers there are.

    Args:
        train: The texts whose words are counted.
        max_tokens: Size of the vocabulary with padding and unknown; the most frequent words.
        length: Words of a text: shorter ones are padded at the end.
        truncating: Where longer ones are cut off, as in Keras's ``pad_sequences``: "post" keeps
            the first words, "pre" the last.

    Returns:
        A layer from (batch,) strings to (batch, length) of 0 … vocabulary − 1, and the size of
        the vocabulary.
    """
    if train not in _words:
        counter = keras.layers.TextVectorization()
        counter.adapt(tf.data.Dataset.from_tensor_slices(train.x.tolist()).batch(_CHUNK))
        found = counter.get_vocabulary(include_special_tokens=False)
        _words[train] = [str(word) for word in found]
    layer = keras.layers.TextVectorization(
        max_tokens=max_tokens,
        output_sequence_length=length if truncating == "post" else None,
        vocabulary=_words[train][: max_tokens - _SPECIAL],
        name="words",
    )
    size = layer.vocabulary_size()
    return (layer if truncating == "post" else _last(layer, length)), size


def _last(layer: keras.layers.TextVectorization, length: int) -> keras.Model:
    """Returns a model that keeps the last words, which the layer itself cannot.

    Of Keras's own operations, so that a saved model loads without this package.
    """
    raw = keras.Input((), dtype="string", name="raw")
    numbers = keras.ops.cast(layer(raw), "int32")  # (batch, longest text), 0 after the end
    words = keras.ops.cast(keras.ops.not_equal(numbers, 0), "int32")
    first = keras.ops.maximum(keras.ops.sum(words, axis=1, keepdims=True) - length, 0)
    padded = keras.ops.pad(numbers, [[0, 0], [0, length]])
    last = keras.ops.take_along_axis(padded, first + keras.ops.arange(length), axis=1)
    return keras.Model(raw, last, name="last_words")


def vocabulary(layer: keras.Layer) -> list[str] | None:
    """Returns the words by number if the layer turns texts into numbers of words, else None.

    Args:
        layer: Of any kind; also a model that holds such a layer, as ``vectoriser`` makes it.
    """
    for part in getattr(layer, "layers", [layer]):
        if isinstance(part, keras.layers.TextVectorization):
            config = part.get_config()
            whole = config["output_mode"] == "int" and not config["ragged"] and not layer.weights
            return list(part.get_vocabulary()) if whole else None
    return None


def vectorised(layer: keras.Layer, rows: Split) -> NDArray[np.int32]:
    """Returns the layer's output for all texts, shape (n, length), and keeps it for next time."""
    kept = _numbers.setdefault(rows, OrderedDict())
    # The configuration of a layer that was adapted does not hold its words.
    described = repr((layer.get_config(), vocabulary(layer)))
    key = hashlib.sha256(described.encode()).hexdigest()
    if key in kept:
        kept.move_to_end(key)
        return kept[key]
    chunks = (rows.x[start : start + _CHUNK] for start in range(0, len(rows), _CHUNK))
    numbers = np.concatenate(
        [np.asarray(layer(tf.constant(chunk.tolist())), np.int32) for chunk in chunks]
    )
    kept[key] = numbers
    if len(kept) > _KEPT:
        kept.popitem(last=False)
    return numbers
