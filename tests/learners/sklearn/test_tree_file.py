"""Trees on the disk: they predict the same, and loading them runs no code."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import skops.io
from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor
from sklearn.linear_model import LinearRegression

from tuner.errors import BundleError
from tuner.learners.sklearn import FILE
from tuner.learners.sklearn.tree_file import read_trees, write_trees

X = np.random.default_rng(0).normal(size=(60, 3))


def trees(kind: Any = HistGradientBoostingRegressor) -> Any:
    y = X[:, 0] > 0 if kind is HistGradientBoostingClassifier else X[:, 0]
    return kind(max_iter=3, min_samples_leaf=2, random_state=1).fit(X, y)


def test_trees_predict_the_same_when_they_are_read_again(tmp_path: Path) -> None:
    for kind in (HistGradientBoostingClassifier, HistGradientBoostingRegressor):
        write_trees(trees(kind), tmp_path)
        np.testing.assert_array_equal(read_trees(tmp_path, 3).predict(X), trees(kind).predict(X))


@pytest.mark.parametrize("kind", [HistGradientBoostingClassifier, HistGradientBoostingRegressor])
def test_joined_trees_predict_the_same_when_they_are_read_again(tmp_path: Path, kind: Any) -> None:
    write_trees(trees(kind), tmp_path, joined=True)
    np.testing.assert_array_equal(read_trees(tmp_path, 3).predict(X), trees(kind).predict(X))


def test_joined_trees_of_several_classes_and_categories_are_read_again(tmp_path: Path) -> None:
    x = np.random.default_rng(0).integers(0, 6, (90, 3)).astype(float)
    kind = HistGradientBoostingClassifier
    fitted = kind(max_iter=3, min_samples_leaf=2, categorical_features=[0]).fit(x, x[:, 0] % 3)
    write_trees(fitted, tmp_path, joined=True)
    again = read_trees(tmp_path, 3)
    np.testing.assert_array_equal(again.predict_proba(x), fitted.predict_proba(x))


@pytest.mark.parametrize(
    ("name", "value"), [("sizes", [5, -9]), ("a_round", 0), ("nodes", []), ("groups", [[1]])]
)
def test_forged_joined_trees_are_refused(tmp_path: Path, name: str, value: Any) -> None:
    write_trees(with_categories(), tmp_path, joined=True)
    content = skops.io.load(tmp_path / FILE)
    kind = content[name].dtype
    content[name] = np.array(value, kind if kind.names is None else np.int64)
    skops.io.dump(content, tmp_path / FILE)
    with pytest.raises(BundleError, match="train the bundle again"):
        read_trees(tmp_path, 3)


def test_forged_nodes_of_joined_trees_are_refused(tmp_path: Path) -> None:
    forged = trees()
    forged._predictors[1][0].nodes["right"][0] = 0
    write_trees(forged, tmp_path, joined=True)
    with pytest.raises(BundleError, match="children that are not behind it"):
        read_trees(tmp_path, 3)


@pytest.mark.parametrize(
    ("field", "value", "said"),
    [
        ("left", 2**31, "children that are not behind it"),
        ("right", 0, "children that are not behind it"),
        ("feature_idx", 3, "a column that is not one of 3"),
        ("feature_idx", -1, "a column that is not one of 3"),
        ("is_categorical", 1, "splits numbers as if they were categories"),
    ],
)
def test_forged_nodes_are_refused(tmp_path: Path, field: str, value: int, said: str) -> None:
    forged = trees()
    forged._predictors[1][0].nodes[field][0] = value
    write_trees(forged, tmp_path)
    with pytest.raises(BundleError, match=said):
        read_trees(tmp_path, 3)


def test_nodes_of_another_form_are_refused(tmp_path: Path) -> None:
    forged = trees()
    forged._predictors[1][0].nodes = np.zeros(3)
    write_trees(forged, tmp_path)
    with pytest.raises(BundleError, match=r"model\.skops cannot be loaded: .*; train the bundle"):
        read_trees(tmp_path, 3)


def test_other_estimators_are_refused(tmp_path: Path) -> None:
    write_trees(LinearRegression().fit(X, X[:, 0]), tmp_path)
    with pytest.raises(BundleError, match="holds LinearRegression and no boosted trees"):
        read_trees(tmp_path, 3)


def test_code_in_a_file_is_not_run(tmp_path: Path) -> None:
    write_trees(trees(), tmp_path)
    with zipfile.ZipFile(tmp_path / FILE) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    schema = json.loads(parts["schema.json"])
    schema["content"]["content"]["max_iter"] = {
        "__class__": "system",
        "__module__": "os",
        "__loader__": "FunctionNode",
        "content": {"module_path": "os", "function": "system"},
        "__id__": 1,
    }
    parts["schema.json"] = json.dumps(schema).encode()
    with zipfile.ZipFile(tmp_path / FILE, "w") as archive:
        for name, content in parts.items():
            archive.writestr(name, content)
    with pytest.raises(BundleError, match=r"os\.system"):
        read_trees(tmp_path, 3)


@pytest.mark.parametrize("content", [b"", b"no archive", b"PK\x05\x06" + bytes(18)])
def test_broken_files_are_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / FILE).write_bytes(content)
    with pytest.raises(BundleError, match=r"model\.skops cannot be loaded"):
        read_trees(tmp_path, 3)


def with_categories() -> Any:
    x = np.random.default_rng(0).integers(0, 6, (90, 3)).astype(float)
    y = 9 * np.isin(x[:, 0], (1, 4)) + x[:, 2]
    kind = HistGradientBoostingRegressor
    return kind(max_iter=3, min_samples_leaf=2, categorical_features=[0, 1]).fit(x, y)


def test_trees_with_categories_predict_the_same_when_they_are_read_again(tmp_path: Path) -> None:
    fitted = with_categories()
    write_trees(fitted, tmp_path)
    rows = np.random.default_rng(1).integers(0, 6, (90, 3)).astype(float)
    rows[::5] = np.nan
    rows[1] = [9, 7, 1]  # unknown codes
    np.testing.assert_array_equal(read_trees(tmp_path, 3).predict(rows), fitted.predict(rows))
    assert fitted._preprocessor is not None  # as it was


@pytest.mark.parametrize(
    ("field", "value", "said"),
    [
        ("bitset_idx", 2**31, "a group of categories that it does not have"),
        ("feature_idx", 2, "splits numbers as if they were categories"),
    ],
)
def test_forged_splits_by_categories_are_refused(
    tmp_path: Path, field: str, value: int, said: str
) -> None:
    forged = with_categories()
    nodes = forged._predictors[0][0].nodes
    nodes[field][np.flatnonzero(nodes["is_categorical"])[0]] = value
    write_trees(forged, tmp_path)
    with pytest.raises(BundleError, match=said):
        read_trees(tmp_path, 3)


def test_forged_groups_of_categories_are_refused(tmp_path: Path) -> None:
    forged = with_categories()
    forged._predictors[0][0].raw_left_cat_bitsets = np.zeros((9, 1), np.uint32)
    write_trees(forged, tmp_path)
    with pytest.raises(BundleError, match="the groups of a tree's categories have another form"):
        read_trees(tmp_path, 3)


@pytest.mark.parametrize("name", ["_preprocessor", "_loss"])
def test_trees_within_trees_are_refused(tmp_path: Path, name: str) -> None:
    forged = trees()
    write_trees(forged, tmp_path)
    setattr(forged, name, trees())
    skops.io.dump(forged, tmp_path / FILE)
    with pytest.raises(BundleError, match="it holds more than boosted trees"):
        read_trees(tmp_path, 3)


def test_columns_of_categories_come_first(tmp_path: Path) -> None:
    x = np.random.default_rng(0).integers(0, 6, (90, 3)).astype(float)
    fitted = HistGradientBoostingRegressor(max_iter=3, categorical_features=[2]).fit(x, x[:, 2])
    with pytest.raises(ValueError, match="the columns of categories must come first"):
        write_trees(fitted, tmp_path)
