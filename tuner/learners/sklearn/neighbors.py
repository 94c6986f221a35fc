"""Votes of the nearest training rows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from sklearn.neighbors import NearestNeighbors
from sklearn.utils.class_weight import compute_sample_weight

from tuner.learners.base import Fitted

if TYPE_CHECKING:
    from tuner.data import Development
    from tuner.learners.watch import Watch
    from tuner.space import Value


@dataclass(frozen=True, eq=False)
class Neighbors(Fitted):
    """The training rows, and how they vote.

    Attributes:
        x: float32 ``(n, features)``.
        y: ``(n,)``: class numbers as int64, or quantities as floats.
        weight: float32 ``(n,)``, what each vote is multiplied by.
        n_neighbors: How many rows vote.
        p: Power of the distance: 1 adds up differences, 2 is Euclid's.
        by_distance: Whether votes are divided by the distance.
        n_classes: How many classes the data have; 0 for a quantity.
    """

    x: NDArray[np.float32]
    y: NDArray[Any]
    weight: NDArray[np.float32]
    n_neighbors: int
    p: float
    by_distance: bool
    n_classes: int

    @cached_property
    def _nearest(self) -> Any:
        return NearestNeighbors(n_neighbors=self.n_neighbors, p=self.p).fit(self.x)

    def predict(self, x: NDArray[Any]) -> NDArray[np.floating]:
        distances, rows = self._nearest.kneighbors(x)
        votes = self.weight[rows] * (_closeness(distances) if self.by_distance else 1.0)
        total = votes.sum(axis=1, keepdims=True)
        votes = np.where(total > 0, votes, 1.0)  # all neighbours may have the weight 0
        votes /= votes.sum(axis=1, keepdims=True)
        y = self.y[rows]
        if self.n_classes:
            shares = [(votes * (y == number)).sum(axis=1) for number in range(self.n_classes)]
            return np.stack(shares, axis=1).astype(np.float32)
        return np.asarray((votes * y).sum(axis=1), dtype=self.y.dtype)

    def n_params(self) -> int:
        return self.x.size + self.y.size  # what it has learnt are the rows themselves

    def save(self, folder: Path) -> None:
        from tuner.learners.sklearn.array_file import write_arrays  # skops takes half a second

        write_arrays(
            {
                "x": self.x,
                "y": self.y,
                "weight": self.weight,
                "n_neighbors": np.array(self.n_neighbors, np.int64),
                "p": np.array(self.p, np.float64),
                "by_distance": np.array(self.by_distance),
            },
            folder,
        )


def _closeness(distances: NDArray[Any]) -> NDArray[Any]:
    """Returns 1/distance; of neighbours among which some are the same row, 1 for those, else 0."""
    is_same = distances == 0
    with np.errstate(divide="ignore"):
        return np.where(is_same.any(axis=1, keepdims=True), is_same, 1 / distances)


def fit_neighbors(params: Mapping[str, Value], data: Development, watch: Watch) -> Neighbors:
    """Keeps the training rows.

    Args:
        params: All parameters of the learner.
        data: Encoded rows; one target a row.
        watch: Is shown the one step.
    """
    rows = data.train
    is_quantity = data.task == "regression"
    weight = np.ones(len(rows)) if rows.sample_weight is None else rows.sample_weight
    if params["class_weight"] == "balanced" and not is_quantity:
        weight = weight * compute_sample_weight("balanced", rows.y)
    fitted = Neighbors(
        x=np.ascontiguousarray(rows.x, dtype=np.float32),
        y=rows.y if is_quantity else rows.y.astype(np.int64),
        weight=np.asarray(weight, dtype=np.float32),
        n_neighbors=min(int(params["n_neighbors"]), len(rows)),
        p=float(params["p"]),
        by_distance=params["weights"] == "distance",
        n_classes=data.n_classes,
    )
    watch.observe(1, {}, lambda: fitted.predict(data.validation.x))
    return fitted


def read_neighbors(folder: Path, n_features: int, n_classes: int) -> Neighbors:
    """Reads what ``Neighbors.save`` wrote.

    Raises:
        BundleError: The file is missing, broken, or holds something else than such a model.
    """
    from tuner.learners.sklearn.array_file import Broken, array, read_arrays

    def made(found: dict[str, Any]) -> Neighbors:
        y = array(found, "y", np.int64 if n_classes else (np.float32, np.float64), 1)
        fitted = Neighbors(
            x=array(found, "x", np.float32, 2),
            y=y,
            weight=array(found, "weight", np.float32, 1),
            n_neighbors=int(array(found, "n_neighbors", np.int64, 0)),
            p=float(array(found, "p", np.float64, 0)),
            by_distance=bool(array(found, "by_distance", np.bool_, 0)),
            n_classes=n_classes,
        )
        rows = len(y)
        if fitted.x.shape != (rows, n_features) or len(fitted.weight) != rows:
            raise Broken(f"its rows do not have {n_features} columns, a target and a weight each")
        if not 1 <= fitted.n_neighbors <= rows or not fitted.p >= 1:
            raise Broken(f"it cannot ask {fitted.n_neighbors} of {rows} rows")
        if n_classes and ((y < 0) | (y >= n_classes)).any():
            raise Broken(f"it has a class that is not one of {n_classes}")
        return fitted

    return read_arrays(folder, made)
