"""Grows forests under a watch, some trees at a time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
from sklearn import ensemble
from sklearn.utils.class_weight import compute_sample_weight

from tuner.learners.sklearn.classes import all_classes
from tuner.learners.sklearn.forest import Forest, Nodes

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from tuner.data import Development, Split
    from tuner.learners.watch import Watch


def grow(
    name: str,
    arguments: Mapping[str, Any],
    sizes: Sequence[int],
    data: Development,
    seed: int,
    watch: Watch,
) -> Forest:
    """Grows a forest on the training rows.

    The predictions for the validation rows are a running mean, so that scoring after each part
    costs as much as predicting once.

    Args:
        name: Stem of the estimator's class: "RandomForest" or "ExtraTrees".
        arguments: Of the estimator's class, but for the number of trees and the seed.
        sizes: How many trees there are after each part, in increasing order.
        data: Training rows, and validation rows to watch; one target a row.
        seed: All chance depends on it.
        watch: Says when to stop.

    Returns:
        The trees up to the best part.
    """
    is_quantity = data.task == "regression"
    kind = getattr(ensemble, f"{name}{'Regressor' if is_quantity else 'Classifier'}")
    # As weights, because scikit-learn warns of class weights where a forest grows on.
    balanced = arguments.get("class_weight") == "balanced"
    arguments = {key: value for key, value in arguments.items() if key != "class_weight"}
    forest = kind(**arguments, n_estimators=0, warm_start=True, random_state=seed, n_jobs=1)
    rows = data.train
    y = rows.y if is_quantity else rows.y.astype(np.int64)
    # Far from 0 the variance within a node, a difference of squares, is lost in rounding.
    is_far = y.dtype == np.float64 and arguments.get("criterion") != "poisson"
    offset = float(y.mean()) if is_far else 0.0
    weight = _weight(rows, balanced)
    held = None if watch.is_blind else np.ascontiguousarray(data.validation.x, np.float32)
    total: Any = 0.0
    n_kept = n_before = 0
    for step, size in enumerate(sizes, start=1):
        if size > n_before:  # a part may be empty where there are more parts than trees
            forest.set_params(n_estimators=size).fit(
                rows.x, y - offset if is_far else y, sample_weight=weight
            )
        predict = None
        if held is not None:
            total = total + sum(_predicted(tree, held) for tree in forest.estimators_[n_before:])
            predict = partial(_mean, total / size + offset, forest, data)
        n_before = size
        verdict = watch.observe(step, {}, predict)
        if verdict.improved or watch.is_blind or not n_kept:
            n_kept = size
        if verdict.stop:
            break
    trees = [tree.tree_ for tree in forest.estimators_[:n_kept]]
    dtype = y.dtype if is_quantity else np.dtype(np.float32)
    nodes = Nodes.of(trees, rows.input_shape[0], dtype, offset)
    return Forest(nodes, None if is_quantity else forest.classes_, data.n_classes)


def _weight(rows: Split, balanced: bool) -> NDArray[np.float64] | None:
    """Returns weights with a mean of 1, because ``max_samples`` is a share of their sum."""
    of_classes = compute_sample_weight("balanced", rows.y) if balanced else None
    if rows.sample_weight is None:
        return of_classes  # its mean is 1
    weight = rows.sample_weight.astype(np.float64)
    weight = weight if of_classes is None else weight * of_classes
    return np.asarray(weight / weight.mean())


def _predicted(tree: Any, x: NDArray[np.float32]) -> NDArray[np.float64]:
    """Returns what one tree of a forest predicts, ``(n,)`` or ``(n, classes)``."""
    predict = getattr(tree, "predict_proba", tree.predict)
    return np.asarray(predict(x, check_input=False))


def _mean(mean: NDArray[Any], forest: Any, data: Development) -> NDArray[np.floating]:
    if data.task == "regression":
        return mean.astype(data.train.y.dtype)
    return all_classes(forest.classes_, mean.astype(np.float32), data.n_classes)
