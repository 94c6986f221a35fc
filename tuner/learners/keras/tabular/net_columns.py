"""Which encoded columns a network embeds, and rows in the form in which it takes them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Self

import numpy as np
from pydantic import Field

from tuner.data.mixed import is_frame
from tuner.learners.encoding import Encoder
from tuner.spec.models import Part

if TYPE_CHECKING:
    from collections.abc import Mapping

    import pandas as pd
    from numpy.typing import NDArray

    from tuner.space import Value


class Columns(Part):
    """What becomes of the columns of a table, fitted on training rows.

    Attributes:
        encoder: From the table to numbers and codes.
        embedded: Positions of the encoder's columns that are embedded: numbers with more than two
            values, but for the words of texts. Of other numbers an embedding makes nothing new.
    """

    encoder: Encoder
    embedded: Annotated[tuple[int, ...], Field(strict=False)]

    @classmethod
    def fit(cls, x: Any, settings: Mapping[str, Value], *, embed: bool) -> Self:
        """Measures the training rows.

        Args:
            x: ``(n, features)``, an array or a frame.
            settings: The encoder's.
            embed: Whether numbers are embedded.
        """
        frame = as_frame(x)
        encoder = Encoder.fit(frame, "embedding", **settings)
        encoded = encoder.transform(frame)
        texts = {name for name in frame.columns if frame[name].dtype == object}
        embedded = [
            position
            for position, column in enumerate(encoder.layout)
            if embed and column.kind == "number" and column.source not in texts
            if _has_more_than_two_values(encoded[:, position])
        ]
        return cls(encoder=encoder, embedded=tuple(embedded))

    @property
    def plain(self) -> tuple[int, ...]:
        """Positions of the other numbers."""
        kinds = enumerate(column.kind for column in self.encoder.layout)
        return tuple(i for i, kind in kinds if kind == "number" and i not in self.embedded)

    @property
    def codes(self) -> tuple[int, ...]:
        """Positions of the codes."""
        kinds = enumerate(column.kind for column in self.encoder.layout)
        return tuple(i for i, kind in kinds if kind == "code")

    @property
    def levels(self) -> tuple[int, ...]:
        """How many levels each column of codes has."""
        return tuple(self.encoder.layout[position].levels for position in self.codes)

    def transform(self, x: Any) -> tuple[NDArray[np.float32], NDArray[np.int32]]:
        """Returns rows as a network takes them.

        Args:
            x: ``(n, features)``, an array or a frame.

        Returns:
            Numbers, the embedded ones first, and codes as rows of one table for all columns.
        """
        encoded = self.encoder.transform(as_frame(x))
        first = np.cumsum((0, *self.levels))[:-1].astype(np.int32)
        codes = encoded[:, self.codes].astype(np.int32) + first
        return encoded[:, self.embedded + self.plain], codes


def as_frame(x: Any) -> pd.DataFrame:
    """Returns a table as a frame; the columns of an array are named by their positions."""
    import pandas as pd

    if is_frame(x):
        return x
    return pd.DataFrame(
        x.astype(np.float64), columns=pd.Index([str(i) for i in range(x.shape[1])], dtype=object)
    )


def _has_more_than_two_values(values: NDArray[np.float32]) -> bool:
    others = values[values != values[0]]
    return bool((others != others[:1]).any())
