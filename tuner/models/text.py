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


def vectoriser(train: Split, max_tokens: int, length: int) -> keras.layers.TextVectorization:
    """Returns the layer that turns texts into numbers of words.

    Its vocabulary is part of its configuration, not only of its state: it stands in a written
    script, too.

    Args:
        train: The texts whose words are counted.
        max_tokens: Size of the vocabulary with padding and unknown; the most frequent words.
        length: Words of a text: longer ones are cut off at the end, shorter ones padded there.

    Returns:
        A layer from (batch,) strings to (batch, length) of 0 … vocabulary − 1.
    """
    if train not in _words:
        counter = keras.layers.TextVectorization()
        counter.adapt(tf.data.Dataset.from_tensor_slices(train.x.tolist()).batch(_CHUNK))
        found = counter.get_vocabulary(include_special_tokens=False)
        _words[train] = [str(word) for word in found]
    return keras.layers.TextVectorization(
        max_tokens=max_tokens,
        output_sequence_length=length,
        vocabulary=_words[train][: max_tokens - _SPECIAL],
        name="words",
    )


def vectorised(layer: keras.layers.TextVectorization, rows: Split) -> NDArray[np.int32]:
    """Returns the layer's output for all texts, shape (n, length), and keeps it for next time."""
    kept = _numbers.setdefault(rows, OrderedDict())
    # The configuration of a layer that was adapted does not hold its words.
    described = repr((layer.get_config(), layer.get_vocabulary()))
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
