"""Exported scripts whose names hold anything, and files that are in their way."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest
from made_configurations import MakeConfiguration

from tuner.bundle import export
from tuner.bundle.script_files import is_script
from tuner.errors import BundleError, RequestError
from tuner.learners.setup import Script
from tuner.learners.sklearn.tree_script import tree_script

NAMES = [
    "a\nb",
    "\\x",
    "\\N{",
    '""" + "',
    "\x1b[2J\r",
    "end\\",
    "{braces}",
    "'\\'",
    "\x7f\x85\u2028",
]


@pytest.mark.parametrize("name", NAMES)
def test_any_study_name_gives_a_script(
    tmp_path: Path, make_configuration: MakeConfiguration, name: str
) -> None:
    configuration = make_configuration(study=name, params={"n_layers": 0})
    export(configuration, tmp_path / "best.py")
    text = (tmp_path / "best.py").read_text(encoding="utf-8")
    first = (ast.get_docstring(ast.parse(text), clean=False) or "").splitlines()[0]
    assert first.startswith("The network of study ")
    assert first.endswith(", trial 7: mse 0.9000 on validation.")
    assert is_script(text)


@pytest.mark.parametrize("task", ["regression", "binary", "multiclass"])
def test_script_of_trees_is_recognised(task: str) -> None:
    about = Script("study s", "best.py", "best-data.npz", "9 rows.", 3, seed=1, weighted=False)
    assert is_script(tree_script("HistGradientBoosting", {"max_leaf_nodes": 4}, task, about))


@pytest.mark.parametrize("name", ['a"b.py', "a\\N.py", "a'b c.py", "{x}.py"])
def test_any_file_name_gives_a_script(
    tmp_path: Path, make_configuration: MakeConfiguration, name: str
) -> None:
    _, companion = export(make_configuration(params={"n_layers": 0}), tmp_path / name)
    tree = ast.parse((tmp_path / name).read_text(encoding="utf-8"))
    texts = [node.value for node in ast.walk(tree) if isinstance(node, ast.Constant)]
    assert companion.name in texts


def test_a_script_that_is_not_python_is_not_written(
    tmp_path: Path, make_configuration: MakeConfiguration, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        "tuner.learners.keras.script.script_text.model_source", lambda model: "    model = (\n"
    )
    with pytest.raises(BundleError, match=r"best\.py: the script is not Python: .* as \.toml or"):
        export(make_configuration(), tmp_path / "best.py")
    assert not list(tmp_path.glob("best*"))


@pytest.mark.parametrize("name", ["best.py", "best-data.npz"])
def test_another_file_is_replaced_only_on_request(
    tmp_path: Path, make_configuration: MakeConfiguration, name: str
) -> None:
    configuration = make_configuration(params={"n_layers": 0})
    (tmp_path / name).write_text("mine")
    with pytest.raises(RequestError, match=rf"{name} is there already, a file of 4 bytes, and was"):
        export(configuration, tmp_path / "best.py")
    assert [path.read_text() for path in tmp_path.glob("best*")] == ["mine"]

    export(configuration, tmp_path / "best.py", force=True)
    assert is_script((tmp_path / "best.py").read_text())
    export(configuration, tmp_path / "best.py")  # its own earlier script and data
