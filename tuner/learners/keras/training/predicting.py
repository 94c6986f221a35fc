"""Predictions for the validation rows, between two epochs of a training."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray

from tuner.data import Split
from tuner.learners.keras.networks.feeding import target_offset
from tuner.learners.keras.networks.outputs import gives_logits, probabilities
from tuner.learners.keras.training.fit import EVALUATION_BATCH

Predict = Callable[[keras.Model], NDArray[np.floating]]
"""Takes the model whose variables are trained, see :class:`~.state.Learning`."""


def predictor(model: keras.Model, part: keras.Model, rows: Split, task: str) -> Predict:
    """Returns what predicts rows as the whole model would, whose ``part`` is trained.

    Args:
        model: Compiled.
        part: The part of it that learns, and ``rows`` as it takes them; see ``feeding.prepared``.
        rows: Of the validation split.
        task: "regression", "binary" or "multiclass".

    Returns:
        A function whose result has the shape of ``Fitted.predict``.
    """
    logits = gives_logits(model)
    offset = None if part is model else target_offset(model)

    def predict(trained: keras.Model) -> NDArray[np.floating]:
        starts = range(0, len(rows), EVALUATION_BATCH)
        batches = (rows.x[start : start + EVALUATION_BATCH] for start in starts)
        output: NDArray[Any] = np.concatenate(
            [np.asarray(trained.predict_on_batch(batch)) for batch in batches]
        )
        if task != "regression":
            return probabilities(output, logits=logits)
        return output if offset is None else output + offset

    return predict
