"""A bundle is data: none of its code runs unless the user allows it, or names code of their own."""

from __future__ import annotations

import json
import shutil
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from commands import Command

from tuner.bundle import Bundle, load_bundle
from tuner.errors import BundleError, ModelError

LAYERS = """
from pathlib import Path
import keras

Path(__file__).with_suffix(".ran").touch()

@keras.saving.register_keras_serializable(package="{package}")
class Doubled(keras.layers.Layer):
    def call(self, x):
        return 2 * x

def build_model(params, data):
    ...
"""
ROWS = np.array([[1.0, 2.0], [3.0, 4.0]], np.float32)


@pytest.fixture
def foreign(trained: Bundle, tmp_path: Path) -> Iterator[Path]:
    """A bundle as a stranger sends it: its ``bundle.json`` names a module that lies inside it."""
    import keras

    folder = tmp_path / "foreign"
    shutil.copytree(trained.path, folder)
    package = f"foreign_{tmp_path.name}"
    module = f"layers_{tmp_path.name}"
    (folder / f"{module}.py").write_text(LAYERS.format(package=package))
    info = dict(trained.info) | {"model": f"{module}:build_model", "base": "."}
    (folder / "bundle.json").write_text(json.dumps(info))

    @keras.saving.register_keras_serializable(package=package)
    class Doubled(keras.layers.Layer):
        def call(self, x: object) -> object:
            return 2 * x  # type: ignore[operator]

    model = keras.Sequential([keras.Input((2,)), Doubled(), keras.layers.Dense(1, "sigmoid")])
    model.save(folder / "model.keras")
    registered = f"{package}>Doubled"
    keras.saving.get_custom_objects().pop(registered)
    path = list(sys.path)
    yield folder
    sys.path[:] = path
    sys.modules.pop(module, None)
    keras.saving.get_custom_objects().pop(registered, None)


def ran(folder: Path) -> list[str]:
    return [file.name for file in folder.glob("*.ran")]


def test_code_of_a_bundle_does_not_run_by_itself(foreign: Path) -> None:
    before = list(sys.path)
    with pytest.raises(
        BundleError,
        match=r"cannot be loaded: the class Doubled in it is not Keras's own; the bundle names "
        r"layers_\w+:build_model for it, but no code of a bundle is run by itself: "
        r".*--code FILE\.py, or add --allow-code if you trust the maker",
    ) as refused:
        load_bundle(foreign).predict(ROWS)
    assert "\n" not in str(refused.value)
    assert ran(foreign) == []
    assert sys.path == before


def test_code_of_a_bundle_runs_when_allowed(foreign: Path) -> None:
    assert load_bundle(foreign, allow_code=True).predict(ROWS).shape == (2, 2)
    assert len(ran(foreign)) == 1


def test_layers_come_from_code_that_the_user_names(foreign: Path, tmp_path: Path) -> None:
    [module] = foreign.glob("layers_*.py")
    mine = tmp_path / "mine" / module.name
    mine.parent.mkdir()
    shutil.copy(module, mine)
    assert load_bundle(foreign, code=mine).predict(ROWS).shape == (2, 2)
    assert (len(ran(mine.parent)), ran(foreign)) == (1, [])


def test_a_bundle_of_own_code_with_keras_layers_needs_no_permission(
    trained: Bundle, foreign: Path
) -> None:
    shutil.copy(trained.path / "model.keras", foreign / "model.keras")
    assert load_bundle(foreign).predict(ROWS).shape == (2, 2)
    assert ran(foreign) == []


@pytest.mark.parametrize(
    ("code", "match"),
    [
        ("absent.py", r"there is no file .*absent\.py"),
        ("my layers.py", r"is not a Python module; name a file such as my_network\.py"),
        ("broken.py", r"broken\.py\" raised ZeroDivisionError: .*broken\.py, line 1"),
    ],
)
def test_code_that_cannot_be_imported_is_an_error(
    code: str, match: str, foreign: Path, tmp_path: Path
) -> None:
    (tmp_path / "broken.py").write_text("1 / 0\n")
    with pytest.raises(ModelError, match=match):
        load_bundle(foreign, code=tmp_path / code).predict(ROWS)


def test_predict_runs_named_code_but_not_the_bundles(
    foreign: Path, command: Command, tmp_path: Path
) -> None:
    (tmp_path / "rows.csv").write_text("width,height\n1,2\n")
    command("predict", foreign, "rows.csv").refused(1, r"no code of a bundle is run by itself")
    assert ran(foreign) == []
    [module] = foreign.glob("layers_*.py")
    shutil.copy(module, tmp_path)
    answer = command("predict", foreign, "rows.csv", "--code", module.name)
    assert (answer.status, answer.out.splitlines()[0][:10]) == (0, "prediction")
    assert ran(foreign) == []


def test_predict_runs_the_code_of_a_trusted_bundle(
    foreign: Path, command: Command, tmp_path: Path
) -> None:
    (tmp_path / "rows.csv").write_text("width,height\n1,2\n")
    assert command("predict", foreign, "rows.csv", "--allow-code").status == 0
    assert len(ran(foreign)) == 1


def test_lambda_layers_are_refused(trained: Bundle, tmp_path: Path) -> None:
    import keras

    shutil.copytree(trained.path, tmp_path / "model")
    layer = keras.layers.Lambda(lambda x: 2 * x, output_shape=(2,))
    keras.Sequential([keras.Input((2,)), layer]).save(tmp_path / "model" / "model.keras")
    with pytest.raises(BundleError, match=r"model\.keras cannot be loaded: "):
        load_bundle(tmp_path / "model", allow_code=True).predict(ROWS)


def test_an_archive_that_fills_the_memory_is_not_unpacked(foreign: Path) -> None:
    with zipfile.ZipFile(foreign / "model.keras", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("config.json", b" " * (80 << 20))
    with pytest.raises(BundleError, match=r"it unpacks from 0 MiB to 80 MiB, which no saved model"):
        load_bundle(foreign).predict(ROWS)


def test_error_names_the_cause_without_the_configuration(foreign: Path) -> None:
    """Here a file of the reader's machine, which Keras refuses to read for a bundle."""
    file = foreign / "model.keras"
    with zipfile.ZipFile(file) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    config = json.loads(parts["config.json"])
    config["config"]["layers"][1] = {
        "module": "keras.layers",
        "class_name": "StringLookup",
        "config": {"vocabulary": "/etc/passwd"},
        "registered_name": None,
    }
    parts["config.json"] = json.dumps(config).encode()
    with zipfile.ZipFile(file, "w") as archive:
        for name, content in parts.items():
            archive.writestr(name, content)
    with pytest.raises(BundleError, match=r"cannot be loaded: .*Requested the loading of a vocab"):
        load_bundle(foreign).predict(ROWS)
