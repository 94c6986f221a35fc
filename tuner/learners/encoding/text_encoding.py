"""Texts: the words that tell rows apart, weighted by TF-IDF, and the length."""

from __future__ import annotations

import math
from collections import Counter
from typing import TYPE_CHECKING, Annotated, Any, Literal, Self

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, model_validator

from tuner.learners.encoding.encoding_options import EncodedColumn, Names, Options
from tuner.learners.encoding.number_encoding import NumberEncoding
from tuner.spec.models import Part

if TYPE_CHECKING:
    import pandas as pd

Weights = Annotated[
    tuple[Annotated[float, Field(gt=0, allow_inf_nan=False)], ...], Field(strict=False)
]


class TextEncoding(Part):
    """How a text is encoded.

    Attributes:
        name: The column.
        length: How the number of characters is encoded.
        words: Those, or several in a row with spaces between them, that have a column each; the
            presence of the first varies most between training rows.
        idf: Inverse document frequency of each.
        ngrams: Up to how many words in a row count as one.
    """

    kind: Literal["text"] = "text"
    name: str
    length: NumberEncoding
    words: Names = ()
    idf: Weights = ()
    ngrams: Annotated[int, Field(ge=1, le=3)] = 1

    @model_validator(mode="after")
    def _has_weights(self) -> Self:
        """Refuses words that repeat, or have not one weight each."""
        if len(set(self.words)) < len(self.words) or len(self.words) != len(self.idf):
            raise ValueError("words must differ from each other, and have one of idf each")
        return self

    @classmethod
    def fit(cls, name: str, series: pd.Series[Any], options: Options) -> Self:
        """Counts in how many training rows each word stands.

        Args:
            name: The column.
            series: Texts, missing where there is none.
            options: How to encode.
        """
        length = NumberEncoding.fit(f"{name} (length)", _lengths(series), options)
        texts = series.dropna().tolist()
        counts = Counter[str]()
        if options.text_features:
            words_of = _vectorizer((), options.text_ngrams).build_analyzer()
            for text in texts:
                counts.update(set(words_of(text)))
        # Of words in nearly no or nearly all rows, the presence varies least.
        varying = sorted(
            (-count * (len(texts) - count), word)
            for word, count in counts.items()
            if count >= options.min_rows
        )
        words = tuple(word for _, word in varying[: options.text_features])
        return cls(
            name=name,
            length=length,
            words=words,
            # As scikit-learn's, with its smoothing.
            idf=tuple(math.log((1 + len(texts)) / (1 + counts[word])) + 1 for word in words),
            ngrams=options.text_ngrams,
        )

    @property
    def layout(self) -> tuple[EncodedColumn, ...]:
        """The columns that it becomes."""
        names = [column.name for column in self.length.layout]
        names += [f"{self.name}: {word}" for word in self.words]
        return tuple(EncodedColumn(name, self.name) for name in names)

    def encode(self, series: pd.Series[Any]) -> NDArray[np.float32]:
        """Returns a text as it becomes, ``(n, k)``."""
        return np.asarray(self.encode_sparse(series).toarray(), dtype=np.float32)

    def encode_sparse(self, series: pd.Series[Any]) -> Any:
        """Returns the same as a sparse array of SciPy, CSR float32."""
        from scipy import sparse

        lengths = sparse.csr_array(self.length.encode(_lengths(series)).astype(np.float32))
        if not self.words:
            return lengths
        vectorizer = _vectorizer(self.words, self.ngrams)
        vectorizer.idf_ = np.asarray(self.idf)
        weights = sparse.csr_array(vectorizer.transform(series.fillna("").tolist()))
        return sparse.csr_array(sparse.hstack([lengths, weights], dtype=np.float32))


def _lengths(series: pd.Series[Any]) -> NDArray[np.float64]:
    return np.asarray(series.str.len().to_numpy(np.float64, na_value=np.nan))


def _vectorizer(words: tuple[str, ...], ngrams: int) -> Any:
    from sklearn.feature_extraction.text import TfidfVectorizer

    return TfidfVectorizer(vocabulary=words or None, ngram_range=(1, ngrams), dtype=np.float32)
