"""A changed ``bundle.json`` gives the same predictions or one line of error."""

from __future__ import annotations

import contextlib
import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from commands import Command
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from mutations import damaged, mutated

from tuner.bundle import Bundle, load_bundle, predict
from tuner.bundle.card import card
from tuner.errors import BundleError, DataError
from tuner.learners.keras.fitted_network import Network

QUICK = settings(max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture])


class Scripted:
    """A network whose output does not depend on the rows."""

    def predict(self, rows: np.ndarray, **_: Any) -> np.ndarray:
        return np.linspace(0.1, 0.9, len(rows), dtype=np.float32)[:, None]


@pytest.fixture(scope="module")
def copy(trained: Bundle, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A bundle whose ``bundle.json`` may be overwritten; its network is never loaded."""
    folder = tmp_path_factory.mktemp("copy")
    shutil.copytree(trained.path, folder / "model")
    (folder / "rows.csv").write_text("width,height\n1,2\n3,4\n")
    return folder / "model"


def outcome(path: Path) -> Bundle | None:
    """The bundle; None if it was refused in one line that names the file."""
    try:
        return load_bundle(path)
    except BundleError as error:
        said = str(error)
    assert "\n" not in said
    assert "model/bundle.json" in said
    return None


def used(bundle: Bundle) -> str:
    """Everything that reads the description, with a scripted network; returns the predictions."""
    bundle.__dict__["model"] = Scripted()
    assert bundle.words()
    assert card(bundle.info, "model")
    assert json.dumps(bundle.to_dict())
    with contextlib.suppress(DataError):  # other columns than the file of rows has
        return predict(bundle, bundle.path.parent / "rows.csv", "json")
    return ""


@pytest.mark.slow
@QUICK
@given(st.data())
def test_mutated_description_is_read_or_refused(
    trained: Bundle, copy: Path, data: st.DataObject
) -> None:
    table = data.draw(mutated(dict(trained.info)))
    (copy / "bundle.json").write_text(json.dumps(table))
    bundle = outcome(copy)
    if bundle is None:
        return
    assert bundle.info == table
    predictions = used(bundle)
    about, before = table["data"], trained.info["data"]
    same = all(about[key] == before[key] for key in ("feature_names", "class_names"))
    if same and table["logits"] == trained.info["logits"]:
        (copy / "bundle.json").write_text(json.dumps(trained.info))
        assert predictions == used(load_bundle(copy))


@pytest.mark.slow
@QUICK
@given(st.data())
def test_damaged_description_is_read_or_refused(
    trained: Bundle, copy: Path, data: st.DataObject
) -> None:
    (copy / "bundle.json").write_bytes(data.draw(damaged(json.dumps(trained.info).encode())))
    bundle = outcome(copy)
    if bundle is not None:
        used(bundle)


@pytest.mark.parametrize(
    ("keys", "value", "match"),
    [
        (["data"], 5, r"data: must be a table, but got 5"),
        (["model"], 7, r"model: must be a string, but got 7"),
        (["logits"], "x", r'logits: must be true or false, but got "x"'),
        (["data", "task"], "zz", r'data\.task: must be "regression" or "binary" or "multiclass"'),
        (["data", "task"], None, r"data\.task: is missing"),
        (["data", "task"], "regression", r'data: task "regression" cannot have 2 classes'),
        (["data", "class_names"], 5, r"data\.class_names: must be a list, but got 5"),
        (["data", "class_names"], ["a"], r"data: class_names must have n_classes = 2 names"),
        (["data", "class_names"], ["a", 5], r"data\.class_names: must be a string, but got 5"),
        (["data", "feature_names"], ["a"], r"data: feature_names must have a name for each colu"),
        (["data", "input_shape"], [3], r"data: feature_names must have a name for each column"),
        (["data", "rows"], {"train": 1}, r"data\.rows\.validation: is missing"),
        (["data", "schema"], 3, r"data\.schema: must be a table, but got 3"),
        (
            ["data", "schema", "columns"],
            3,
            r"data\.schema: must be that of a table, but its",
        ),
        (["scores", "test"], {"loss": "low"}, r"scores\.test\.loss: must be a number"),
        (
            ["logitz"],
            True,
            r"logitz: unknown key \(did you mean logits\?\); train the bundle",
        ),
    ],
)
def test_predict_refuses_a_wrong_description_in_one_line(
    keys: list[str], value: Any, match: str, trained: Bundle, copy: Path, command: Command
) -> None:
    table = json.loads(json.dumps(trained.info))
    holder = table
    for key in keys[:-1]:
        holder = holder[key]
    if value is None:
        del holder[keys[-1]]
    else:
        holder[keys[-1]] = value
    (copy / "bundle.json").write_text(json.dumps(table))
    command("predict", copy, copy.parent / "rows.csv").refused(1, match)


def test_network_that_contradicts_its_description_is_refused(trained: Bundle, copy: Path) -> None:
    data = trained.info["data"] | {"kind": "image", "input_shape": [3, 3], "feature_names": []}
    (copy / "bundle.json").write_text(json.dumps(trained.info | {"data": data}))
    with pytest.raises(BundleError, match=r"model\.keras cannot predict rows as bundle\.json desc"):
        load_bundle(copy).predict(np.zeros((1, 3, 3), np.float32))


@pytest.mark.parametrize("output", [np.zeros((2, 2, 2)), np.zeros((5, 1)), np.array(1.0)])
def test_output_of_an_unexpected_shape_is_refused(trained: Bundle, output: np.ndarray) -> None:
    class Odd:
        def predict(self, rows: np.ndarray, **_: Any) -> np.ndarray:
            return output

    bundle = Bundle(trained.path, trained.info)
    bundle.__dict__["fitted"] = Network(Odd(), "binary", trained.path)
    with pytest.raises(BundleError, match=r"gives an output of shape \(.*\) for 2 rows, but"):
        bundle.predict(np.zeros((2, 2), np.float32))
