"""The text of LightGBM's models, checked before LightGBM reads it.

LightGBM follows the numbers in the text without checking them: a forged one could crash the
process. So only what predicting needs is read here, checked, and written anew for LightGBM.

Source: the text that ``lightgbm.Booster.model_to_string`` of LightGBM 4 returns.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

_CATEGORY, _MOST = 1, 15  # of decision_type: one of its four bits, and all of them
_WHOLE = ("split_feature", "decision_type", "left_child", "right_child")
_CATEGORIES = ("cat_boundaries", "cat_threshold")


def checked_text(text: str, n_features: int, n_trees: int) -> str:
    """Returns the trees of a model, as LightGBM reads them.

    Args:
        text: The text of a model.
        n_features: Columns of the rows to predict.
        n_trees: How many trees an iteration has.

    Raises:
        ValueError: It is no such model.
    """
    head, *sections = text.partition("\nend of trees")[0].split("\nTree=")
    known = dict(line.split("=", 1) for line in head.splitlines() if "=" in line)
    if not sections or len(sections) % n_trees:
        raise ValueError(f"it has {len(sections)} trees, not {n_trees} for each iteration")
    if known.get("max_feature_idx") != str(n_features - 1):
        raise ValueError(f"it is not for {n_features} columns")
    names = " ".join(f"Column_{k}" for k in range(n_features))
    begin = [
        "tree",
        "version=v4",
        f"num_class={n_trees}",
        f"num_tree_per_iteration={n_trees}",
        "label_index=0",
        f"max_feature_idx={n_features - 1}",
        "objective=regression",  # sums of trees are all that is asked for
        f"feature_names={names}",
        f"feature_infos={' '.join(['none'] * n_features)}",
    ]
    trees = [f"Tree={k}\n{_tree(section, n_features)}" for k, section in enumerate(sections)]
    return "\n".join([*begin, "", *trees, "end of trees", ""])


def _tree(section: str, n_features: int) -> str:
    found = dict(line.split("=", 1) for line in section.splitlines() if "=" in line)
    value = _numbers(found, "leaf_value", np.float64)
    n_leaves = len(value)
    if n_leaves == 0 or found.get("num_leaves") != str(n_leaves):
        raise ValueError("a tree has not as many leaves as it says")
    if found.get("is_linear", "0") != "0":
        raise ValueError("a tree has linear leaves")
    whole = {name: _numbers(found, name, np.int64) for name in _WHOLE}
    threshold = _numbers(found, "threshold", np.float64)
    n_inner = n_leaves - 1
    if any(len(numbers) != n_inner for numbers in (*whole.values(), threshold)):
        raise ValueError("a tree has not as many nodes as it says")
    position = np.arange(n_inner)
    for child in (whole["left_child"], whole["right_child"]):
        # Inner nodes behind their parent, so that there are no circles; a leaf is -1 - its number.
        is_behind = (child > position) & (child < n_inner)
        if not (is_behind | ((child < 0) & (child >= -n_leaves))).all():
            raise ValueError("a node of a tree has children that are not behind it")
    if ((whole["split_feature"] < 0) | (whole["split_feature"] >= n_features)).any():
        raise ValueError(f"a tree splits by a column that is not one of {n_features}")
    kind = whole["decision_type"]
    if ((kind < 0) | (kind > _MOST)).any():
        raise ValueError("a tree splits in a way that is not known")
    by_category = kind & _CATEGORY != 0
    lines = {
        "num_leaves": n_leaves,
        **_categories(found, threshold[by_category]),
        **{name: _joined(numbers) for name, numbers in whole.items()},
        "threshold": _joined(threshold),
        "leaf_value": _joined(value),
        "is_linear": 0,
        "shrinkage": 1,
    }
    return "".join(f"{name}={value}\n" for name, value in lines.items()) + "\n"


def _categories(found: dict[str, str], sets: NDArray[np.float64]) -> dict[str, Any]:
    """Returns the sets of categories of a tree; ``sets`` are the numbers of those that it uses."""
    if not len(sets):
        return {"num_cat": 0}
    bounds, words = (_numbers(found, name, np.int64) for name in _CATEGORIES)
    is_right = len(bounds) > 1 and bounds[0] == 0 and bounds[-1] == len(words)
    if not is_right or (np.diff(bounds) < 0).any() or ((words < 0) | (words >= 2**32)).any():
        raise ValueError("the groups of a tree's categories have another form")
    n_sets = len(bounds) - 1
    if ((sets < 0) | (sets >= n_sets) | (sets != np.floor(sets))).any():
        raise ValueError("a tree splits by a group of categories that it does not have")
    return {"num_cat": n_sets, "cat_boundaries": _joined(bounds), "cat_threshold": _joined(words)}


def _numbers(found: dict[str, str], name: str, dtype: Any) -> NDArray[Any]:
    try:
        numbers = np.array(found.get(name, "").split(), dtype=dtype)
    except (ValueError, OverflowError):
        numbers = np.array([np.nan])
    if not np.isfinite(numbers).all():
        raise ValueError(f"its {name} are no numbers")
    return numbers


def _joined(numbers: NDArray[Any]) -> str:
    return " ".join(map(str, numbers.tolist()))
