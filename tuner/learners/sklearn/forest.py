"""A forest as arrays: small, predictable and checked before scikit-learn follows its nodes.

A forest of scikit-learn is a list of estimators with a ``Tree`` each, which holds for every node
what only growing needs. Here the nodes of all trees lie in one array a field, with thresholds and
probabilities as float32. Rows are float32, so thresholds that are rounded down decide the same.

Private names of scikit-learn, read in 1.9.1, because nothing public makes a tree of arrays:
``sklearn.tree._tree.Tree``, its state (``nodes``, ``values``, ``node_count``, ``max_depth``), and
``NODE_DTYPE``. ``tests/learners/sklearn/test_forest.py`` breaks when one of them changes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.tree._tree import NODE_DTYPE, Tree

from tuner.learners.base import Fitted
from tuner.learners.sklearn.classes import all_classes

LEAF = -1
FIELDS = ("left", "right", "feature", "threshold", "missing_left")


@dataclass(frozen=True, eq=False)
class Nodes:
    """The nodes of some trees, one tree after the other; the first of a tree is its root.

    Attributes:
        sizes: int32 ``(trees,)``, how many nodes each tree has.
        left: int32 ``(nodes,)``, the position of a child in its tree; `LEAF` at a leaf.
        right: Likewise.
        feature: int32 ``(nodes,)``, the column to look at.
        threshold: float32 ``(nodes,)``: rows up to it go left.
        missing_left: bool ``(nodes,)``: whether rows without a value go left.
        value: ``(leaves, k)``: float32, the probability of each of k classes; or one quantity, in
            the dtype of the targets.
        n_features: Columns of the rows.
    """

    sizes: NDArray[np.int32]
    left: NDArray[np.int32]
    right: NDArray[np.int32]
    feature: NDArray[np.int32]
    threshold: NDArray[np.float32]
    missing_left: NDArray[np.bool_]
    value: NDArray[np.floating]
    n_features: int

    @classmethod
    def of(
        cls,
        trees: Sequence[Any],
        n_features: int,
        dtype: np.dtype[Any],
        offset: float,
    ) -> Nodes:
        """Returns the nodes of fitted trees.

        Args:
            trees: What estimators have as ``tree_``.
            n_features: See above.
            dtype: Of ``value``.
            offset: What is added to the trees' own values.
        """

        def joined(name: str, dtype: Any) -> NDArray[Any]:
            return np.concatenate([np.asarray(getattr(tree, name)) for tree in trees]).astype(dtype)

        left = joined("children_left", np.int32)
        value = joined("value", np.float64)[left == LEAF, 0, :]
        return cls(
            sizes=np.array([tree.node_count for tree in trees], np.int32),
            left=left,
            right=joined("children_right", np.int32),
            feature=np.maximum(joined("feature", np.int32), 0),  # a leaf has -2
            threshold=_rounded_down(joined("threshold", np.float64)),
            missing_left=joined("missing_go_to_left", np.bool_),
            value=(value + offset).astype(dtype),
            n_features=n_features,
        )

    def trees(self) -> list[Any]:
        """Returns scikit-learn's trees; they follow the nodes without checking them."""
        k = self.value.shape[1]
        made = []
        start = first_leaf = 0
        for size in self.sizes.tolist():
            its = slice(start, start + size)
            nodes = np.zeros(size, NODE_DTYPE)
            nodes["left_child"], nodes["right_child"] = self.left[its], self.right[its]
            nodes["feature"], nodes["threshold"] = self.feature[its], self.threshold[its]
            nodes["missing_go_to_left"] = self.missing_left[its]
            leaves = np.flatnonzero(self.left[its] == LEAF)
            values = np.zeros((size, 1, k))
            values[leaves, 0, :] = self.value[first_leaf : first_leaf + len(leaves)]
            tree = Tree(self.n_features, np.array([k], np.intp), 1)
            state = {"max_depth": 0, "node_count": size}  # nobody asks for the depth
            tree.__setstate__({**state, "nodes": nodes, "values": values})
            made.append(tree)
            start, first_leaf = start + size, first_leaf + len(leaves)
        return made


def _rounded_down(numbers: NDArray[np.float64]) -> NDArray[np.float32]:
    """Returns the greatest float32 numbers that are not greater."""
    near = numbers.astype(np.float32)
    return np.where(near > numbers, np.nextafter(near, np.float32(-np.inf)), near)


class Forest(Fitted):
    """The mean of trees."""

    lost = "scikit-learn or skops probably has another version than when it was saved"

    def __init__(self, nodes: Nodes, classes: NDArray[np.int64] | None, n_classes: int) -> None:
        """Wraps trees.

        Args:
            nodes: Their nodes.
            classes: Numbers of the classes in the columns of ``nodes.value``; None for a quantity.
            n_classes: How many classes the data have; 0 for a quantity.
        """
        self.nodes = nodes
        self.classes = classes
        self._n_classes = n_classes

    @cached_property
    def _trees(self) -> list[Any]:
        return self.nodes.trees()

    def predict(self, x: NDArray[Any]) -> NDArray[np.floating]:
        x = np.ascontiguousarray(x, dtype=np.float32)
        total = np.zeros((len(x), self.nodes.value.shape[1]))
        for tree in self._trees:
            total += tree.predict(x).reshape(total.shape)
        mean = (total / len(self._trees)).astype(self.nodes.value.dtype)
        if self.classes is None:
            return mean[:, 0]
        return all_classes(self.classes, mean, self._n_classes)

    def n_params(self) -> int:
        return len(self.nodes.left)

    def save(self, folder: Path) -> None:
        from tuner.learners.sklearn.forest_file import write_forest  # skops takes half a second

        write_forest(self, folder)
