"""Small tables for the tests of networks for tables."""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from tuner.data import Development, Split
from tuner.learners.watch import Watch
from tuner.scoring import score

Task = Literal["regression", "binary", "multiclass"]


def frame(rows: int, random: np.random.Generator) -> pd.DataFrame:
    """A mixed table: numbers with gaps, a category of few levels and one of many, a constant."""
    number = random.normal(size=rows)
    gappy = np.where(random.random(rows) < 0.2, np.nan, random.normal(size=rows))
    return pd.DataFrame(
        {
            "number": number,
            "gappy": gappy,
            "constant": np.ones(rows),
            "few": pd.Categorical(random.choice(list("abc"), rows), categories=list("abc")),
            "many": pd.Categorical(
                [f"level {level}" for level in random.integers(0, 15, rows)],
                categories=sorted(f"level {level}" for level in range(15)),
            ),
        }
    )


def mixed(task: Task = "multiclass", rows: int = 200, seed: int = 0) -> Development:
    """A mixed table whose target depends on three of its columns."""
    random = np.random.default_rng(seed)

    def split(n: int) -> Split:
        x = frame(n, random)
        quantity = x["number"] + (x["few"] == "a") + x["many"].cat.codes / 5
        quantity = quantity.to_numpy() + random.normal(scale=0.2, size=n)
        return Split(x, _targets(quantity, task))

    return Development(split(rows), split(rows // 2), task, class_names=_classes(task))


def numbers(task: Task = "multiclass", rows: int = 200, seed: int = 0) -> Development:
    """A table of three numbers, of which two count."""
    random = np.random.default_rng(seed)

    def split(n: int) -> Split:
        x = random.normal(size=(n, 3)).astype(np.float32)
        return Split(x, _targets(x[:, 0] * x[:, 1] + x[:, 1], task))

    return Development(split(rows), split(rows // 2), task, class_names=_classes(task))


def watching(data: Development, epochs: int, metric: str | None = None, **more: Any) -> Watch:
    """A watch over the validation rows."""
    name = metric or ("rmse" if data.task == "regression" else "log_loss")

    def scored(predictions: NDArray[Any]) -> float:
        return score([name], data.task, data.validation.y, predictions)[name]

    return Watch(epochs, name, "minimize", score=scored, **more)


def _targets(quantity: NDArray[Any], task: Task) -> NDArray[Any]:
    if task == "regression":
        return (100 + 20 * quantity).astype(np.float32)
    if task == "binary":
        return (quantity > np.median(quantity)).astype(np.float32)
    return np.digitize(quantity, np.quantile(quantity, (0.3, 0.7))).astype(np.int32)


def _classes(task: Task) -> tuple[str, ...]:
    return {"regression": (), "binary": ("no", "yes"), "multiclass": ("low", "middle", "high")}[
        task
    ]
