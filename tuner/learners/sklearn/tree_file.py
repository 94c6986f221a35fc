"""Boosted trees as data: the first of them alone, and saved without pickle.

Loading runs no code from the file. Its form is that of ``skops.io``, a zip archive of JSON and
arrays: it constructs objects of the types that it trusts, which are scikit-learn's own, and no
others. Pickle, and joblib with it, run whatever the file says; ONNX rounds the thresholds of trees
to float32, so that predictions would differ.

Private names of scikit-learn, read in 1.9.1, because nothing public gives access to the trees:
``sklearn.ensemble._hist_gradient_boosting.predictor.TreePredictor``, its ``nodes`` and
``raw_left_cat_bitsets``, and of the estimator ``_predictors``, ``_scorer``, ``_bin_mapper``,
``_loss`` and ``_preprocessor``. skops does not trust ``TreePredictor`` by default, since
scikit-learn follows the indices of its nodes without checking them: a forged file could crash the
process. So they are checked here. ``tests/learners/sklearn/test_tree_file.py`` breaks when one of
these names changes.
"""

from __future__ import annotations

import copy
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import skops.io
from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor
from sklearn.ensemble._hist_gradient_boosting.predictor import TreePredictor

from tuner.data.raised import described
from tuner.errors import BundleError
from tuner.learners.archives import check_unpacked_size
from tuner.learners.sklearn import FILE

Estimator = Any  # scikit-learn has no types
_WORDS = 8
"""Words of 32 bits in a set of categories."""
_FAST = 1  # a sixth of the time of the usual level 6, and hardly larger
_LOSSES = "sklearn._loss.loss"
"""Module of the losses, which turn sums of trees into predictions."""


def first_iterations(estimator: Estimator, n_iterations: int) -> Estimator:
    """Returns an estimator as it would be fitted with fewer iterations, and without stopping.

    Args:
        estimator: A fitted one; it shares its trees with the one that is returned.
        n_iterations: How many there are to be, at most as many as there are.
    """
    fewer = copy.copy(estimator)
    usual = type(estimator)()
    stopping = ("scoring", "validation_fraction", "n_iter_no_change", "tol")
    fewer.set_params(
        max_iter=n_iterations,
        early_stopping=False,
        **{name: getattr(usual, name) for name in stopping},
    )
    fewer._predictors = estimator._predictors[:n_iterations]
    fewer._scorer = None
    fewer.do_early_stopping_ = False
    fewer.train_score_ = fewer.validation_score_ = np.empty(0)
    return fewer


def write_trees(estimator: Estimator, folder: Path, *, joined: bool = False) -> None:
    """Writes a fitted estimator into a folder.

    Args:
        estimator: Its columns of categories, if it has any, come first, and hold all of the codes
            0, 1, 2 … in the rows that it was fitted on, or NaN.
        folder: Folder of the file.
        joined: Write the nodes of all trees as one array. Hundreds of trees are then read nine
            times faster, but skops alone does not put them together again.

    Raises:
        ValueError: They do not.
        OSError: The file cannot be written.
    """
    if getattr(estimator, "_preprocessor", None) is not None:
        estimator = _without_preprocessor(estimator)
    content = _joined(estimator) if joined else estimator
    level = _FAST if joined else None
    compression = {"compression": zipfile.ZIP_DEFLATED, "compresslevel": level}
    skops.io.dump(content, folder / FILE, **compression)


def n_nodes(estimator: Estimator) -> int:
    """Returns the number of nodes of all trees."""
    return sum(len(tree.nodes) for several in estimator._predictors for tree in several)


def _joined(estimator: Estimator) -> dict[str, Any]:
    """Returns an estimator without trees, and what `_separated` makes its trees of."""
    trees = [tree for several in estimator._predictors for tree in several]
    empty = copy.copy(estimator)
    empty._predictors = []
    return {
        "estimator": empty,
        "a_round": np.int64(len(estimator._predictors[0])),
        "sizes": np.array([len(tree.nodes) for tree in trees]),
        "nodes": np.concatenate([tree.nodes for tree in trees]),
        "group_sizes": np.array([len(tree.raw_left_cat_bitsets) for tree in trees]),
        "groups": np.concatenate([tree.raw_left_cat_bitsets for tree in trees]),
    }


def _separated(content: dict[str, Any]) -> Estimator:
    """Returns the estimator that `_joined` took apart; only its predictions are the same."""
    estimator, a_round = content["estimator"], int(content["a_round"])
    sizes, group_sizes = content["sizes"], content["group_sizes"]
    nodes = np.split(content["nodes"], np.cumsum(sizes)[:-1])
    groups = np.split(content["groups"], np.cumsum(group_sizes)[:-1])
    unused = np.zeros((0, _WORDS), np.uint32)  # of rows that are binned already
    trees = [
        TreePredictor(*each) for each in zip(nodes, [unused] * len(nodes), groups, strict=True)
    ]
    estimator._predictors = [trees[n : n + a_round] for n in range(0, len(trees), a_round)]
    return estimator


def _without_preprocessor(estimator: Estimator) -> Estimator:
    """Returns an estimator that takes codes as they are; it predicts the same.

    scikit-learn puts columns of categories first, and their values in place of codes. For rows of
    which both is true already that needs no file: what does it is a function, which skops does not
    trust.
    """
    is_category = np.asarray(estimator.is_categorical_)
    encoder = estimator._preprocessor.named_transformers_["encoder"]
    known = [codes[~np.isnan(codes)] for codes in encoder.categories_]
    in_order = (is_category[:-1] >= is_category[1:]).all()
    if not in_order or any((codes != np.arange(len(codes))).any() for codes in known):
        raise ValueError("the columns of categories must come first and hold the codes 0, 1, 2 …")
    plain = copy.copy(estimator)
    plain._preprocessor = None
    return plain


def read_trees(folder: Path, n_features: int) -> Estimator:
    """Reads what `write_trees` wrote.

    Args:
        folder: Folder of the file.
        n_features: Columns of the rows to predict.

    Raises:
        BundleError: The file is missing, broken, or holds something else than such trees.
    """
    file = folder / FILE
    check_unpacked_size(file)
    try:
        content = skops.io.load(file, trusted=[TreePredictor])
        estimator = _separated(content) if isinstance(content, dict) else content
        fault = _fault(estimator, n_features)
    except Exception as exc:  # a broken archive may raise anything, and so may a forged one
        said = described(exc, folder)
        raise BundleError(f"{file} cannot be loaded: {said}; train the bundle again") from exc
    if fault is not None:
        raise BundleError(f"{file} cannot be used: {fault}; train the bundle again")
    return estimator


def _fault(estimator: Estimator, n_features: int) -> str | None:
    """Returns why predicting with an estimator could read memory outside its trees, or None."""
    if type(estimator) not in (HistGradientBoostingClassifier, HistGradientBoostingRegressor):
        return f"it holds {type(estimator).__name__} and no boosted trees"
    trees = getattr(estimator, "_predictors", None)
    if not isinstance(trees, list) or not all(isinstance(several, list) for several in trees):
        return "it holds no trees"
    # What is called to predict must not be other trees, which nobody has looked at.
    if estimator._preprocessor is not None or type(estimator._loss).__module__ != _LOSSES:
        return "it holds more than boosted trees"
    is_category = estimator._bin_mapper.is_categorical_
    if type(is_category) is not np.ndarray or is_category.shape != (n_features,):
        return f"it is not for {n_features} columns"
    for tree in (tree for several in trees for tree in several):
        nodes = getattr(tree, "nodes", None) if isinstance(tree, TreePredictor) else None
        if not isinstance(nodes, np.ndarray) or nodes.ndim != 1 or not len(nodes):
            return "a tree has no nodes"
        inner = np.flatnonzero(nodes["is_leaf"] == 0)
        children = np.stack([nodes["left"][inner], nodes["right"][inner]])
        # Each child behind its parent, so that there are no circles.
        if ((children <= inner) | (children >= len(nodes))).any():
            return "a node of a tree has children that are not behind it"
        columns = nodes["feature_idx"][inner]
        if ((columns < 0) | (columns >= n_features)).any():
            return f"a tree splits by a column that is not one of {n_features}"
        by_category = inner[nodes["is_categorical"][inner] != 0]
        if not is_category[nodes["feature_idx"][by_category]].all():
            return "a tree splits numbers as if they were categories"
        groups = tree.raw_left_cat_bitsets
        if groups.ndim != 2 or groups.shape[1] != _WORDS:
            return "the groups of a tree's categories have another form"
        if (nodes["bitset_idx"][by_category] >= len(groups)).any():
            return "a tree splits by a group of categories that it does not have"
    return None
