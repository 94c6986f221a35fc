"""Estimators of arrays on other rows: mixed tables, texts, and numbers that need scaling."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from tuner.data.mixed import is_frame
from tuner.learners.base import Fitted
from tuner.learners.encoded import EncodedModel
from tuner.learners.encoding import Encoder

if TYPE_CHECKING:
    import pandas as pd

    from tuner.data.split import Inputs


class Encoded(EncodedModel):
    """An estimator, and what encodes its rows."""

    def __init__(self, encoder: Encoder, inner: Fitted, *, sparse: bool) -> None:
        """Puts them together; ``sparse`` as in `encoded`."""
        super().__init__(encoder, inner)
        self._sparse = sparse

    @property
    def model(self) -> Any:
        """The fitted estimator, which takes encoded rows."""
        return getattr(self.inner, "model", self.inner)

    def encode(self, x: Inputs) -> Any:
        return encoded(self.encoder, x, sparse=self._sparse)

    def agrees(self, other: Fitted, x: Inputs) -> bool:
        return Fitted.agrees(self, other, x)  # rows may be sparse


def encoded(encoder: Encoder, x: Inputs, *, sparse: bool) -> Any:
    """Returns rows as an estimator takes them, the columns of codes before those of numbers.

    Args:
        encoder: Fitted on the training rows.
        x: ``(n, …)``, as in :class:`tuner.data.Split`.
        sparse: Whether to return a sparse array of SciPy.
    """
    frame = framed(x)
    if sparse:
        return encoder.transform_sparse(frame)
    order = sorted(range(len(encoder.layout)), key=lambda k: encoder.layout[k].kind != "code")
    rows = encoder.transform(frame)
    return rows if order == list(range(len(order))) else rows[:, order]


def framed(x: Inputs) -> pd.DataFrame:
    """Returns rows as `tuner.data.mixed` describes them; columns of an array are named "0", "1"."""
    import pandas as pd

    if is_frame(x):
        return x
    if x.dtype == np.object_:
        return pd.DataFrame({"text": x}, dtype=object)
    return pd.DataFrame(x.astype(np.float64), columns=[str(k) for k in range(x.shape[1])])
