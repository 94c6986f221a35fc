"""A bundle of several members: what it predicts, and what is refused."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from made_members import NAMES, about, describe, fitted_folds, folds_of, member, table

from tuner.bundle import Bundle, load_bundle, predict
from tuner.bundle.members import Members, Voter
from tuner.bundle.write_members import write_members
from tuner.data import SealedData
from tuner.errors import BundleError, DataError, RequestError


def write(data: SealedData, folder: Path, **changes: Any) -> Bundle:
    members = [
        member(data, folder / "one", 1, weight=0.75, temperature=0.5, **changes),
        member(data, folder / "two", 2, weight=0.25),
    ]
    out = folder / "model"
    return write_members(out, members, data, folds_of(data), about(data), describe)


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Bundle:
    return write(table(), tmp_path_factory.mktemp("members"))


@pytest.fixture
def copy(bundle: Bundle, tmp_path: Path) -> Path:
    return Path(shutil.copytree(bundle.path, tmp_path / "model"))


def test_bundle_predicts_the_weighted_mean_of_its_calibrated_members(bundle: Bundle) -> None:
    data = table()
    x = data.development.rows.x
    one, two = (
        np.mean(
            [
                m.predict(x)
                for m in fitted_folds(data, {"max_iter": 5 + trial, "min_samples_leaf": 4})
            ],
            axis=0,
        )
        for trial in (1, 2)
    )
    sharp = one**2 / (one**2).sum(axis=1, keepdims=True)
    np.testing.assert_allclose(bundle.predict(x), 0.75 * sharp + 0.25 * two, rtol=1e-9)
    np.testing.assert_array_equal(load_bundle(bundle.path).predict(x), bundle.predict(x))


@pytest.mark.parametrize("task", ["multiclass", "regression"])
def test_other_tasks_are_written_and_read(tmp_path: Path, task: str) -> None:
    data = table(task)
    members = [member(data, tmp_path / "models")]
    written = write_members(
        tmp_path / "model", members, data, folds_of(data), about(data), describe
    )
    x = data.development.rows.x
    np.testing.assert_array_equal(load_bundle(written.path).predict(x), written.predict(x))
    assert predict(written.path, write_rows(tmp_path)).startswith("prediction")


def write_rows(folder: Path) -> Path:
    (folder / "rows.csv").write_text("color,depth,height,width\nred,1,2,3\nblue,4,5,9\n")
    return folder / "rows.csv"


def test_columns_are_found_by_name_in_frames_dicts_and_files(
    bundle: Bundle, tmp_path: Path
) -> None:
    expected = bundle.predict(np.array([[3, 2, 1], [9, 5, 4]], np.float32))
    frame = pd.read_csv(write_rows(tmp_path), index_col=0)
    np.testing.assert_array_equal(bundle.predict(frame), expected)
    np.testing.assert_array_equal(bundle.predict(frame.to_dict("list")), expected)
    np.testing.assert_array_equal(bundle.predict(frame.to_dict("records")), expected)
    np.testing.assert_array_equal(bundle.predict(frame.iloc[1].to_dict()), expected[1:])
    lines = predict(bundle, tmp_path / "rows.csv").splitlines()
    assert lines[0] == "prediction,probability_small,probability_large"
    assert [float(cell) for cell in lines[1].split(",")[1:]] == pytest.approx(expected[0])


@pytest.mark.slow
def test_predict_command_imports_neither_optuna_nor_sqlalchemy(
    bundle: Bundle, tmp_path: Path
) -> None:
    code = (
        "import sys\nfrom tuner.cli import main\ntry:\n    main()\nfinally:\n"
        "    print({'optuna', 'sqlalchemy', 'alembic'} & set(sys.modules), file=sys.stderr)"
    )
    words = ["predict", str(bundle.path), str(write_rows(tmp_path))]
    done = subprocess.run([sys.executable, "-c", code, *words], capture_output=True, text=True)
    assert done.stdout.startswith("prediction,"), done.stderr
    assert done.stderr.splitlines()[-1] == "set()"


def test_missing_column_is_named(bundle: Bundle) -> None:
    with pytest.raises(
        DataError, match=r'lack 1 column that the model takes: "depth"; did you mean deepth'
    ):
        bundle.predict({"width": [1.0], "height": [2.0], "deepth": [3.0]})


@pytest.mark.parametrize(
    ("cells", "said"),
    [
        (["one", "2"], "the model takes numbers alone: could not convert string"),
        ([1.0, None], 'column "width" has missing values, but the model takes numbers without'),
    ],
)
def test_cells_that_the_model_cannot_take_are_named(
    bundle: Bundle, cells: list[Any], said: str
) -> None:
    with pytest.raises(DataError, match=said):
        bundle.predict({"width": cells, "height": [1, 2], "depth": [1, 2]})


def test_arrays_of_another_shape_are_refused(bundle: Bundle) -> None:
    with pytest.raises(DataError, match=r"takes rows of shape \(3,\), but these have \(2,\)"):
        bundle.predict(np.zeros((4, 2), np.float32))


def test_member_that_predicts_otherwise_than_in_the_search_is_not_kept(tmp_path: Path) -> None:
    data = table()
    other = member(data, tmp_path / "other", 9).out_of_fold[::-1]
    with pytest.raises(BundleError, match="of trial 1 predicts otherwise than in the search"):
        write(data, tmp_path, out_of_fold=other)
    assert not (tmp_path / "model").exists()


def test_bundle_is_replaced_only_by_force(bundle: Bundle, copy: Path, tmp_path: Path) -> None:
    data = table()
    members = [member(data, tmp_path / "models")]
    rest = (members, data, folds_of(data), about(data), describe)
    with pytest.raises(RequestError, match="already holds a model bundle; add --force"):
        write_members(copy, *rest)
    assert len(write_members(copy, *rest, force=True).info["members"]) == 1


def test_weights_that_do_not_sum_to_one_are_not_written(tmp_path: Path) -> None:
    data = table()
    members = [member(data, tmp_path / "models", weight=0.5)]
    with pytest.raises(BundleError, match=r"weights that sum to 1, but they sum to 0\.5"):
        write_members(tmp_path / "model", members, data, folds_of(data), about(data), describe)


def test_held_out_predictions_come_from_models_that_have_not_seen_the_row() -> None:
    class Constant:
        def __init__(self, value: float) -> None:
            self.value = value

        def predict(self, x: np.ndarray) -> np.ndarray:
            return np.full(len(x), self.value)

    folds = [np.array([0, 2]), np.array([1]), np.array([2])]
    members = Members([Voter([Constant(1), Constant(3), Constant(5)])])  # type: ignore[list-item]
    found = members.held_out(np.zeros((4, 1)), folds)
    np.testing.assert_array_equal(found, [1, 3, 3, np.nan])
    assert members.predict(np.zeros((1, 1))).tolist() == [3]


# A stranger's bundle.


def change(copy: Path, **values: Any) -> None:
    info = json.loads((copy / "bundle.json").read_text())
    (copy / "bundle.json").write_text(json.dumps(info | values))


def change_member(copy: Path, **values: Any) -> None:
    info = json.loads((copy / "bundle.json").read_text())
    info["members"][0] |= values
    (copy / "bundle.json").write_text(json.dumps(info))


@pytest.mark.parametrize(
    ("values", "said"),
    [
        (
            {"learner": "os:system"},
            r'members\.learner: must be a learner that tuner ships, but got "os:system"',
        ),
        ({"learner": "../../evil"}, r"members\.learner: must be a learner"),
        ({"folder": "../../../etc"}, "folder.*unknown key"),
        ({"folds": 0}, r"members\.folds: must be"),
        ({"folds": 10**9}, r"members\.folds: must be"),
        ({"weight": -1.0}, r"members\.weight: must be"),
        ({"weight": 0.9}, r"members: must have weights that sum to 1, but they sum to 1\.15"),
        ({"temperature": 0.0}, r"members\.temperature: must be"),
        ({"params": {"a": [1]}}, "params.*must be a number"),
    ],
)
def test_forged_members_are_refused(copy: Path, values: dict[str, Any], said: str) -> None:
    change_member(copy, **values)
    with pytest.raises(BundleError, match=said) as caught:
        load_bundle(copy)
    assert "\n" not in str(caught.value)


def test_unknown_version_is_refused(copy: Path) -> None:
    change(copy, tuner_bundle=3)
    with pytest.raises(BundleError, match="this version of tuner reads 1 and 2"):
        load_bundle(copy)


def test_member_without_files_is_refused(copy: Path) -> None:
    change_member(copy, folds=7)
    with pytest.raises(BundleError, match=r"members/1/fold-3/fitted\.json cannot be read"):
        load_bundle(copy).predict(np.zeros((1, 3), np.float32))


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("[]", "is broken"),
        ("{", "is broken"),
        ('{"model": "os:system", "library": "own"}', "tuner has no learner 'os:system'"),
        (" " * (2**24 + 1), "is too large for what it should hold"),
    ],
)
def test_forged_description_of_a_fold_is_refused(copy: Path, content: str, said: str) -> None:
    (copy / "members/1/fold-0/fitted.json").write_text(content)
    with pytest.raises(BundleError, match=said):
        load_bundle(copy).predict(np.zeros((1, 3), np.float32))


def test_broken_trees_are_refused_in_one_line(copy: Path) -> None:
    file = copy / "members/2/fold-1/model.skops"
    file.write_bytes(file.read_bytes()[:100])
    with pytest.raises(BundleError, match=r"fold-1/model\.skops cannot be loaded") as caught:
        load_bundle(copy).predict(np.zeros((1, 3), np.float32))
    assert "\n" not in str(caught.value)


def test_names_are_in_the_bundle(bundle: Bundle) -> None:
    assert bundle.info["data"]["feature_names"] == list(NAMES)
    assert "2 members fitted on 80 rows" in bundle.words()
    assert bundle.to_dict()["scores"]["test"] == {"log_loss": 0.3}


def test_words_end_with_the_trivial_predictor_and_the_next_command(bundle: Bundle) -> None:
    info = {
        **bundle.info,
        "scores": {
            "validation": {"rmse": 19842.1, "mse": 3.93e8},
            "test": {"rmse": 19423.92, "mse": 3.77287e8},
            "test_interval": {"mse": [3.08085e8, 4.53465e8]},
        },
        "baseline": {
            "predicts": "always the mean, 399034",
            "test": {"rmse": 163480.0, "mse": 2.67259e10},
        },
    }
    text = Bundle(Path("my model"), info).words()
    assert max(map(len, text.splitlines())) <= 80
    assert "  mse on test        3.77287e+08 (3.08085e+08 to 4.53465e+08)\n" in text
    assert "  always the mean, 399034: rmse 163480, mse 2.67259e+10\n" in text
    assert text.endswith("\n\nnext  tuner predict 'my model' ROWS.csv")
    assert "tuner predict" not in Bundle(Path("my model"), info).words(command=False)
