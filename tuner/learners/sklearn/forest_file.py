"""Saves forests without pickle: ``skops.io`` with plain arrays, which are checked when read."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from tuner.learners.sklearn.array_file import (
    Broken,
    array,
    known_classes,
    read_arrays,
    write_arrays,
)
from tuner.learners.sklearn.forest import FIELDS, LEAF, Forest, Nodes

_DTYPES: dict[str, Any] = {"threshold": np.float32, "missing_left": np.bool_}


def write_forest(forest: Forest, folder: Path) -> None:
    """Writes a forest into a folder.

    Raises:
        OSError: The file cannot be written.
    """
    nodes = forest.nodes
    arrays = {name: getattr(nodes, name) for name in ("sizes", *FIELDS, "value")}
    classes = {} if forest.classes is None else {"classes": forest.classes}
    write_arrays(arrays | classes, folder)


def read_forest(folder: Path, n_features: int, n_classes: int) -> Forest:
    """Reads what `write_forest` wrote.

    Args:
        folder: Folder of the file.
        n_features: Columns of the rows to predict.
        n_classes: How many classes the data have; 0 for a quantity.

    Raises:
        BundleError: The file is missing, broken, or holds something else than such trees.
    """
    return read_arrays(folder, lambda found: _forest(found, n_features, n_classes))


def _forest(found: dict[str, Any], n_features: int, n_classes: int) -> Forest:
    sizes = array(found, "sizes", np.int32, 1).astype(np.int64)
    columns = {name: array(found, name, _DTYPES.get(name, np.int32), 1) for name in FIELDS}
    value = array(found, "value", (np.float32, np.float64), 2)
    classes = known_classes(found, n_classes)
    left, right, feature = (columns[name] for name in ("left", "right", "feature"))
    if len(sizes) == 0 or (sizes < 1).any():
        raise Broken("a tree has no nodes")
    if any(len(column) != sizes.sum() for column in columns.values()):
        raise Broken("its trees have more or fewer nodes than it says")
    inner = left != LEAF
    if len(value) != (~inner).sum() or value.shape[1] != (1 if classes is None else len(classes)):
        raise Broken("its leaves have more or fewer values than they need")
    size = np.repeat(sizes, sizes)
    position = np.arange(len(left)) - np.repeat(np.cumsum(sizes) - sizes, sizes)
    for child in (left, right):
        # Each child behind its parent, so that there are no circles.
        if ((child <= position) | (child >= size))[inner].any():
            raise Broken("a node of a tree has children that are not behind it")
    if ((feature < 0) | (feature >= n_features)).any():
        raise Broken(f"a tree splits by a column that is not one of {n_features}")
    nodes = Nodes(sizes.astype(np.int32), **columns, value=value, n_features=n_features)
    return Forest(nodes, classes, n_classes)
