"""Small tables, and watches that score what is fitted on them."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
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


def mixed(task: str = "binary", n_classes: int = 2, rows: int = 120) -> Development:
    """A mixed table: numbers with gaps, a category that matters, dates and texts."""
    random = np.random.default_rng(0)
    cities = np.array(["Oslo", "Rome", "서울", "Lima", "Bonn"])
    words = np.array(["good", "bad", "fine", "poor", "cheap"])

    def split(n: int) -> Split:
        number = random.normal(size=n)
        city = random.integers(0, 5, n)
        quantity = np.array([2, -2, 1, -1, 0])[city] + number + random.normal(scale=0.3, size=n)
        number[::7] = np.nan
        names = cities[city].astype(object)
        names[::9] = None
        frame = pd.DataFrame(
            {
                "number": number,
                "city": pd.Categorical(names, categories=sorted(cities)),
                "day": pd.to_datetime(random.integers(0, 10**9, n), unit="s").as_unit("us"),
                "text": pd.Series(
                    [f"{words[a]} {words[b]}" for a, b in zip(city, (city + 1) % 5, strict=True)],
                    dtype=object,
                ),
            }
        )
        if task == "regression":
            return Split(frame, quantity.astype(np.float32))
        labels = np.digitize(quantity, np.linspace(-1, 1, n_classes + 1)[1:-1])
        return Split(frame, labels.astype(np.float32 if n_classes == 2 else np.int32))

    train, validation = split(rows), split(rows // 2)
    return Development(
        train,
        validation,
        task,  # type: ignore[arg-type]  # a parameter of tests
        feature_names=tuple(train.x.columns),
        class_names=() if task == "regression" else tuple("abcd"[:n_classes]),
    )


def described(found: Development) -> dict[str, Any]:
    """What a bundle says of the data, as far as learners look at it."""
    return {
        "kind": found.kind,
        "input_shape": list(found.input_shape),
        "n_classes": found.n_classes,
    }
