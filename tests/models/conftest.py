"""Tiny data of every kind."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from tuner.data import Split, Splits

GOOD, BAD = ("great", "lovely", "moving"), ("dull", "awful", "boring")


def in_three(x: np.ndarray, y: np.ndarray, task: str, name: str) -> Splits:
    return Splits(*(Split(x[i::3], y[i::3]) for i in range(3)), task=task, name=name)  # type: ignore[arg-type]


@pytest.fixture
def make_images() -> Callable[..., Splits]:
    """Images with a bright stripe, whose place is the class."""

    def make(task: str = "multiclass", rows: int = 24, shape=(8, 7, 1)) -> Splits:
        rng = np.random.default_rng(0)
        y = rng.permutation(np.arange(3 * rows) % (2 if task == "binary" else 3))
        x = rng.integers(0, 80, (3 * rows, *shape), dtype=np.uint8)
        x[np.arange(3 * rows), 2 * y] = 255
        return in_three(x, y, task, "stripes")

    return make


@pytest.fixture
def make_texts() -> Callable[..., Splits]:
    """Sentences with a good or a bad word, some longer than others."""

    def make(task: str = "binary", rows: int = 24) -> Splits:
        rng = np.random.default_rng(0)
        y = rng.permutation(np.arange(3 * rows) % 2)
        words = [rng.choice(GOOD if label else BAD) for label in y]
        fill = [" ".join(rng.choice(["a", "the", "Film,"], size=rng.integers(2, 6))) for _ in y]
        x = np.array(
            [f"{a}, {b}! <br /> café" for a, b in zip(fill, words, strict=True)], dtype=object
        )
        return in_three(x, y, task, "reviews")

    return make


@pytest.fixture
def make_kind(make_splits, make_images, make_texts) -> Callable[..., Splits]:
    """Data that a family reads, of a task."""

    def make(family: str, task: str) -> Splits:
        makers = {"cnn": make_images, "embedding": make_texts}
        return makers.get(family, make_splits)(task)

    return make
