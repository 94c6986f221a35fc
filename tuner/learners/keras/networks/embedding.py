"""The family ``embedding``: a vector for every word, the greatest or the mean over the text.

Source of the form: word embeddings under global max pooling, as in Collobert et al. (2011),
"Natural Language Processing (Almost) from Scratch", section 3, without the convolution.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import keras

from tuner.learners.keras.networks.compiling import compiled
from tuner.learners.keras.networks.layers import dropout, hidden
from tuner.learners.keras.networks.text import vectoriser

if TYPE_CHECKING:
    from tuner.data import Development
    from tuner.space import Value

_POOLING = {
    "max": keras.layers.GlobalMaxPooling1D,
    "average": keras.layers.GlobalAveragePooling1D,
}


def build_embedding(params: Mapping[str, Value], data: Development) -> keras.Model:
    """Builds and compiles: vocabulary, embedding, dropout, pooling, dense layers, output.

    The vocabulary is a layer that holds its words, so that the model takes raw text; training
    looks the words up once, not in every epoch (see ``feeding``).

    Args:
        params: Complete parameters of the family.
        data: Its training split gives the vocabulary, its task the output and the loss.

    Returns:
        A compiled model that takes raw texts, shape (batch,).
    """
    words, size = vectoriser(
        data.train,
        int(params["max_tokens"]),
        length=int(params["sequence_length"]),
        truncating=str(params["truncating"]),
    )
    layers = [
        keras.Input((), dtype="string", name="raw"),
        words,
        keras.layers.Embedding(size, int(params["embedding_width"])),
        *dropout(params["embedding_dropout"]),
        _POOLING[str(params["pooling"])](),
        *hidden(params),
    ]
    return compiled("embedding", layers, params, data)
