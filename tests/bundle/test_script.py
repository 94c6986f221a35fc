from __future__ import annotations

import ast
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from made_configurations import MakeConfiguration

from tuner.bundle import export, train
from tuner.errors import DataError, ModelError, RequestError
from tuner.results.configuration_file import read

# As on a machine that has Keras and NumPy only: importing anything of ours fails.
HIDE = """
import runpy, sys
sys.modules["tuner"] = None
runpy.run_path(sys.argv[1], run_name="__main__")
"""


WEIGHTED = """
import numpy as np

def load_data():
    x = np.random.default_rng(0).normal(size=(80, 2))
    return x, 1e5 * x[:, 0] + 3e5, np.linspace(0, 2, 80)
"""


@pytest.mark.slow
@pytest.mark.parametrize("target", ["class", "price", "weighted"])
def test_script_has_the_scores_of_the_bundle_without_tuner(
    tmp_path: Path, make_configuration: MakeConfiguration, target: str
) -> None:
    params = {"n_layers": 2, "units_1": 8, "units_2": 4, "dropout": 0.2, "batch_norm": True}
    params |= {"optimizer": "rmsprop", "learning_rate": 0.07, "l2": 0.001}
    params |= {} if target == "class" else {"target_scaling": "standard"}
    configuration = make_configuration("price", params=params, epochs=5)
    if target == "class":
        configuration = make_configuration("class", params=params, epochs=5)
    elif target == "weighted":
        (tmp_path / "weighted_rows.py").write_text(WEIGHTED)
        configuration = replace(
            configuration, dataset="weighted_rows:load_data", data_fingerprint=None
        )

    written = export(configuration, tmp_path / "best.py")
    done = subprocess.run(
        [sys.executable, "-I", "-c", HIDE, tmp_path / "best.py"],
        capture_output=True,
        text=True,
        check=True,
        cwd=tmp_path.parent,
    )

    assert [file.name for file in written] == ["best.py", "best-data.npz"]
    last_line = done.stdout.splitlines()[-1]
    assert last_line.startswith("test {")
    scores = ast.literal_eval(last_line.removeprefix("test "))
    bundle = train(configuration, tmp_path / "model")
    # Another graph adds up its float32 numbers in another order: the last digit may differ.
    assert scores == pytest.approx(bundle.info["scores"]["test"], rel=1e-5)
    assert (tmp_path / "best.keras").is_file()


def test_the_script_is_readable(tmp_path: Path, make_configuration: MakeConfiguration) -> None:
    export(make_configuration(params={"n_layers": 1, "units_1": 8}), tmp_path / "best.py")
    text = (tmp_path / "best.py").read_text(encoding="utf-8")
    assert text.startswith('"""The network of study boxes, trial 7: mse 0.9000 on validation.\n')
    assert "best-data.npz beside it: 120 rows to train on, 30 rows to test.\n" in text
    assert "EPOCHS = 3\nBATCH_SIZE = 16\nSEED = 11\n" in text
    assert "            keras.layers.Dense(8),\n" in text
    assert "        optimizer=keras.optimizers.Adam(),\n" in text
    assert "tuner" not in text
    assert max(map(len, text.splitlines())) <= 100


def test_data_of_the_script_are_written_beside_it(
    tmp_path: Path, make_configuration: MakeConfiguration
) -> None:
    export(make_configuration(), tmp_path / "best.py")
    with np.load(tmp_path / "best-data.npz") as data:
        shapes = {name: data[name].shape for name in data}
    assert shapes == {
        "x_train": (120, 2),
        "y_train": (120,),
        "x_test": (30, 2),
        "y_test": (30,),
    }


def test_export_suffix_decides_the_form(
    tmp_path: Path, make_configuration: MakeConfiguration
) -> None:
    for name in ("best.toml", "best.json"):
        assert export(make_configuration(), tmp_path / name) == [tmp_path / name]
        assert read(tmp_path / name).params == make_configuration().params
    with pytest.raises(RequestError, match=r"NAME.toml, NAME.json, or NAME.py for a script that"):
        export(make_configuration(), tmp_path / "best.txt")


def test_failed_export_leaves_nothing(
    tmp_path: Path, make_configuration: MakeConfiguration
) -> None:
    out = tmp_path / "out"
    out.mkdir()
    (out / "best.py").mkdir()  # a path that cannot be written to
    with pytest.raises(RequestError, match=r"cannot write .*best.py: Is a directory"):
        export(make_configuration(), out / "best.py")
    assert [file.name for file in out.iterdir()] == ["best.py"]
    with pytest.raises(RequestError, match=r"cannot write .*/nowhere/best.py: No such file"):
        export(make_configuration(), tmp_path / "nowhere" / "best.py")


def test_other_data_than_the_studys_are_refused(
    tmp_path: Path, make_configuration: MakeConfiguration
) -> None:
    with pytest.raises(DataError, match="are not those of the study boxes"):
        export(make_configuration(data_fingerprint="0" * 64), tmp_path / "best.py")


PRECISE = """
import numpy as np

def load_data():
    x = np.random.default_rng(0).normal(size=(90, 2))
    return x, 300_000_000.25 + x[:, 0] - x[:, 1]
"""


@pytest.mark.slow
def test_target_of_more_digits_than_float32_is_trained_but_not_a_script(
    tmp_path: Path, make_configuration: MakeConfiguration
) -> None:
    (tmp_path / "precise_rows.py").write_text(PRECISE)
    params = {"target_scaling": "standard", "learning_rate": 0.05}
    configuration = replace(
        make_configuration(params=params, epochs=20),
        dataset="precise_rows:load_data",
        data_fingerprint=None,
    )
    with pytest.raises(ModelError, match=r"more digits than float32.*; export NAME.toml"):
        export(configuration, tmp_path / "best.py")
    bundle = train(configuration, tmp_path / "model")
    scores = bundle.info["scores"]["test"]
    assert scores["mae"] < 0.3 < bundle.info["baseline"]["test"]["mae"]
    trivial = bundle.info["baseline"]["test"]
    assert trivial["loss"] == pytest.approx(trivial["mse"] / 2, rel=0.4)  # the variance is about 2
    predicted = bundle.predict(np.array([[0.5, 0.25]], np.float32))
    assert predicted.dtype == np.float64
    assert predicted[0] == pytest.approx(300_000_000.5, abs=0.5)
