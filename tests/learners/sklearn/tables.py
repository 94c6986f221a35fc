"""Small tables, and watches that score what is fitted on them."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from tuner.data import Development, Split
from tuner.learners.watch import Watch
from tuner.scoring import score


def data(task: str = "binary", n_classes: int = 2, rows: int = 120) -> Development:
    """Three columns, of which two matter together; half as many validation rows."""
    random = np.random.default_rng(0)

    def split(n: int) -> Split:
        x = random.normal(size=(n, 3)).astype(np.float32)
        quantity = x[:, 0] + x[:, 1] * x[:, 2] + random.normal(scale=0.3, size=n)
        if task == "regression":
            return Split(x, quantity.astype(np.float32))
        labels = np.digitize(quantity, np.linspace(-1, 1, n_classes + 1)[1:-1])
        return Split(x, labels.astype(np.float32 if n_classes == 2 else np.int32))

    names = () if task == "regression" else tuple("abcd"[:n_classes])
    return Development(split(rows), split(rows // 2), task, class_names=names)  # type: ignore[arg-type]  # a parameter of tests


def watching(steps: int, found: Development, metric: str, **more: Any) -> Watch:
    """A watch that scores the validation rows."""
    held = found.validation

    def scored(predictions: NDArray[Any]) -> float:
        return score([metric], found.task, held.y, predictions)[metric]

    direction = "minimize" if metric in ("log_loss", "mse") else "maximize"
    return Watch(steps, metric, direction, score=scored, **more)
