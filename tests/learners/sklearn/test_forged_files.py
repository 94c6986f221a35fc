"""Files that a stranger has forged run none of their code, whichever learner reads them."""

from __future__ import annotations

import io
import json
import os
import pickle
import zipfile
from pathlib import Path
from typing import Any

import pytest
import skops.io
from tables import data, described

from tuner.errors import BundleError
from tuner.learners.registry import LEARNERS, open_learner
from tuner.learners.setup import Setup
from tuner.learners.sklearn import FILE
from tuner.learners.watch import Watch

# Model to parameters that make it small.
MODELS: dict[str, dict[str, Any]] = {
    "hist_gradient_boosting": {"max_iter": 1},
    "random_forest": {"n_estimators": 1, "n_parts": 1},
    "extra_trees": {"n_estimators": 1, "n_parts": 1},
    "linear_model": {},
    "k_neighbors": {},
}


def call(command: str) -> dict[str, Any]:
    """The state of an object that is made by running a command, as a file of skops has it."""
    words = skops.io.dumps((["sh", "-c", command],))
    with zipfile.ZipFile(io.BytesIO(words)) as archive:
        arguments = json.loads(archive.read("schema.json"))
    return {
        "__class__": "Popen",
        "__module__": "subprocess",
        "__loader__": "ConstructorFromReduceNode",
        "content": arguments,
    }


def partial(command: str) -> dict[str, Any]:
    """Likewise, of a partial call that is made when somebody calls the object."""
    state = call(command)
    empty: dict[str, Any] = {
        "__class__": "dict",
        "__module__": "builtins",
        "__loader__": "DictNode",
    }
    empty |= {"content": {}, "key_types": state["content"]}
    return {
        "__class__": "partial",
        "__module__": "functools",
        "__loader__": "PartialNode",
        "content": {
            "func": {
                "__class__": "system",
                "__module__": "os",
                "__loader__": "FunctionNode",
                "content": {"module_path": "os", "function": "system"},
            },
            "args": state["content"],
            "kwds": empty,
            "namespace": empty,
        },
    }


def saved(model: str, folder: Path) -> dict[str, Any]:
    """Fits and saves a model; returns what `Learner.load` is given."""
    found = data()
    learner = open_learner(model, Setup())
    params = MODELS[model]
    learner.fit(params, found, 1, Watch(learner.steps(params))).save(folder)
    return {"data": described(found)}


def test_every_learner_of_scikit_learn_is_tested_here() -> None:
    names = {name for name, where in LEARNERS.items() if where.startswith("tuner.learners.sklearn")}
    assert names == set(MODELS)


@pytest.mark.parametrize("forge", [call, partial])
@pytest.mark.parametrize("model", MODELS)
def test_code_in_a_file_is_not_run(model: str, forge: Any, tmp_path: Path) -> None:
    info = saved(model, tmp_path)
    with zipfile.ZipFile(tmp_path / FILE) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    schema = json.loads(parts["schema.json"])
    attributes = schema["content"]
    attributes = attributes if schema["__loader__"] == "DictNode" else attributes["content"]
    name = sorted(attributes)[0]
    attributes[name] = forge(f"touch '{tmp_path}/marker'") | {"__id__": 1}
    parts["schema.json"] = json.dumps(schema).encode()
    with zipfile.ZipFile(tmp_path / FILE, "w") as archive:
        for part, content in parts.items():
            archive.writestr(part, content)
    with pytest.raises(BundleError, match=r"model\.skops cannot be loaded: .*(Popen|system)"):
        open_learner(model, Setup()).load(tmp_path, info)
    assert not (tmp_path / "marker").exists()


class Malicious:
    """Runs a command when it is unpickled."""

    def __init__(self, command: str) -> None:
        self.command = command

    def __reduce__(self) -> Any:
        return os.system, (self.command,)


@pytest.mark.parametrize("model", MODELS)
def test_pickle_is_not_read(model: str, tmp_path: Path) -> None:
    info = saved(model, tmp_path)
    (tmp_path / FILE).write_bytes(pickle.dumps(Malicious(f"touch '{tmp_path}/marker'")))
    with pytest.raises(BundleError, match=r"model\.skops cannot be loaded"):
        open_learner(model, Setup()).load(tmp_path, info)
    assert not (tmp_path / "marker").exists()


@pytest.mark.parametrize("model", MODELS)
def test_file_of_another_learner_is_refused(model: str, tmp_path: Path) -> None:
    info = saved(model, tmp_path)
    kinds = {"hist_gradient_boosting": "trees", "random_forest": "forest", "extra_trees": "forest"}
    kind = kinds.get(model, model)
    for other in MODELS:
        if kinds.get(other, other) != kind:
            with pytest.raises(BundleError, match=r"(model\.skops|features\.json) cannot be"):
                open_learner(other, Setup()).load(tmp_path, info)
