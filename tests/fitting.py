"""Builds and fits networks for tests, without a study around them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import keras

from tuner.data import Development, Split, Splits
from tuner.learners.fit_result import FitResult
from tuner.learners.keras import training
from tuner.learners.registry import open_learner
from tuner.learners.setup import Setup
from tuner.learners.watch import Watch
from tuner.space import Value


def network(
    model: str, params: Mapping[str, Value], data: Development | Splits, base: Path
) -> keras.Model:
    """Returns what a learner of Keras builds."""
    return open_learner(model, Setup(base)).build(params, data)  # type: ignore[attr-defined]  # of Keras


def train(
    build: Callable[[], keras.Model],
    data: Development | Splits,
    *,
    epochs: int,
    watched: tuple[Any, ...] = ("loss", "minimize"),
    early_stopping: Any = None,
    checkpoints: Any = None,
    score: Any = None,
    **options: Any,
) -> tuple[keras.Model, FitResult]:
    """Trains as a trial does; ``watched`` is metric, direction and perhaps the hook."""
    metric, direction, *hook = watched
    watch = Watch(
        epochs,
        metric,
        direction,
        on_step=hook[0] if hook else None,
        early_stopping=early_stopping,
        checkpoints=checkpoints,
        score=score,
    )
    model = training.train(build, data, watch=watch, **options)
    return model, watch.result()


def refit(
    build: Callable[[], keras.Model], rows: Split, *, epochs: int, **options: Any
) -> tuple[keras.Model, dict[str, list[float]]]:
    """Trains as ``tuner train`` does; returns the logs, too."""
    watch = Watch(epochs)
    model = training.refit(build, rows, watch=watch, **options)
    return model, watch.result().history
