from __future__ import annotations

import csv
import io
import json
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tuner.bundle import Bundle, load_bundle, predict
from tuner.errors import BundleError, DataError


@pytest.fixture
def rows(tmp_path: Path) -> Path:
    file = tmp_path / "rows.csv"
    file.write_text("id,height,width\nfirst,9.5,9.5\nsecond,0.5,0.5\n", encoding="utf-8")
    return file


def test_a_class_and_its_probabilities(trained: Bundle, rows: Path) -> None:
    text = predict(trained.path, rows)
    first, second = csv.DictReader(io.StringIO(text))
    assert (first["prediction"], second["prediction"]) == ("large", "small")
    assert list(first) == ["prediction", "probability_large", "probability_small"]
    assert float(first["probability_large"]) > 0.5 > float(second["probability_large"])
    assert float(first["probability_large"]) + float(first["probability_small"]) == pytest.approx(
        1, abs=1e-6
    )


def test_for_programs_and_for_people(trained: Bundle, rows: Path) -> None:
    found = json.loads(predict(trained, rows, "json"))
    assert [row["prediction"] for row in found] == ["large", "small"]
    assert isinstance(found[0]["probability_small"], float)
    header, _, first, _ = predict(trained, rows, "table").splitlines()
    assert header.split() == ["prediction", "probability_large", "probability_small"]
    assert first.split()[0] == "large"


class Scripted:
    """A network that says what the test wants."""

    def __init__(self, *output: Any) -> None:
        self.output = np.array(output, dtype=np.float32)

    def predict(self, rows: np.ndarray, **_: Any) -> np.ndarray:
        return self.output


def scripted(trained: Bundle, *output: Any, **info: Any) -> Bundle:
    data = trained.info["data"] | info.pop("data", {})
    bundle = replace(trained, info={**trained.info, "data": data, **info})
    bundle.__dict__["model"] = Scripted(*output)
    return bundle


ROWS = np.zeros((2, 2), np.float32)


@pytest.mark.parametrize(
    ("output", "logits", "expected"),
    [
        ([0.25, 1.0], False, [[0.75, 0.25], [0, 1]]),
        ([[0.25], [1.0]], False, [[0.75, 0.25], [0, 1]]),
        ([[0.25, 0.75], [1, 0]], False, [[0.25, 0.75], [1, 0]]),
        ([[0.0], [100.0]], True, [[0.5, 0.5], [0, 1]]),
        ([[0.0], [-100.0]], True, [[0.5, 0.5], [1, 0]]),
        ([[1.0, 1.0], [500.0, -500.0]], True, [[0.5, 0.5], [1, 0]]),
    ],
)
def test_probabilities_whatever_the_network_says(
    trained: Bundle, output: Any, logits: bool, expected: Any
) -> None:
    found = scripted(trained, *output, logits=logits).predict(ROWS)
    np.testing.assert_allclose(found, expected, atol=1e-6)


def test_quantities(trained: Bundle, rows: Path) -> None:
    quantity = {"task": "regression", "class_names": []}
    one = scripted(trained, [0.1], [2.5], data=quantity)
    assert predict(one, rows) == "prediction\n0.1\n2.5\n"
    several = scripted(trained, [0.1, 1], [2.5, 2], data=quantity)
    assert predict(several, rows) == "prediction_1,prediction_2\n0.1,1.0\n2.5,2.0\n"


def test_arrays_for_a_model_that_takes_no_table(trained: Bundle, tmp_path: Path) -> None:
    shape = {"feature_names": [], "input_shape": [2, 2]}
    images = scripted(trained, [0.9], data=shape)
    np.save(tmp_path / "rows.npy", np.zeros((1, 2, 2)))
    assert predict(images, tmp_path / "rows.npy").startswith("prediction,probability_large")

    np.save(tmp_path / "rows.npy", np.zeros((1, 3)))
    with pytest.raises(DataError, match=r"takes rows of shape \(2, 2\), but these have \(3,\)"):
        predict(images, tmp_path / "rows.npy")
    (tmp_path / "rows.npy").write_text("no array")
    with pytest.raises(DataError, match=r"rows.npy is no array of numbers: .*numpy.save"):
        predict(images, tmp_path / "rows.npy")
    np.save(tmp_path / "rows.npy", np.array(["a"]))
    with pytest.raises(DataError, match=r"rows.npy is no array of numbers"):
        predict(images, tmp_path / "rows.npy")
    with pytest.raises(DataError, match=r"there is no file .*absent.npy"):
        predict(images, tmp_path / "absent.npy")
    (tmp_path / "rows.csv").write_text("a,b\n1,2\n")
    with pytest.raises(DataError, match="this model does not take the rows of a table"):
        predict(images, tmp_path / "rows.csv")


def test_a_missing_column(trained: Bundle, tmp_path: Path) -> None:
    (tmp_path / "rows.csv").write_text("height\n1\n")
    with pytest.raises(DataError, match=r'rows.csv lacks 1 column that the model takes: "width"'):
        predict(trained, tmp_path / "rows.csv")


def test_what_is_no_bundle(tmp_path: Path) -> None:
    with pytest.raises(BundleError, match=r"absent is not a model bundle: it is not a folder"):
        load_bundle(tmp_path / "absent")
    with pytest.raises(BundleError, match=r"it holds no bundle.json; write one with `tuner train"):
        load_bundle(tmp_path)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda info: "{", "bundle.json cannot be read: .*; train the bundle again"),
        (lambda info: "[]", "tuner_bundle is nothing, this version of tuner reads 1"),
        (lambda info: json.dumps(info | {"tuner_bundle": 2}), "tuner_bundle is 2, this version"),
        (
            lambda info: json.dumps({k: v for k, v in info.items() if k != "scores"}),
            "bundle.json: scores: is missing; train the bundle again$",
        ),
    ],
)
def test_a_broken_description(trained: Bundle, tmp_path: Path, change: Any, words: str) -> None:
    copy = tmp_path / "model"
    shutil.copytree(trained.path, copy)
    (copy / "bundle.json").write_text(change(dict(trained.info)), encoding="utf-8")
    with pytest.raises(BundleError, match=words):
        load_bundle(copy)


def test_a_broken_or_missing_model(trained: Bundle, tmp_path: Path) -> None:
    copy = tmp_path / "model"
    shutil.copytree(trained.path, copy)
    (copy / "model.keras").write_bytes((copy / "model.keras").read_bytes()[:1000])
    with pytest.raises(BundleError, match=r"model.keras cannot be loaded: .*train the bundle agai"):
        load_bundle(copy).predict(ROWS)
    (copy / "model.keras").unlink()
    with pytest.raises(BundleError, match=r"model: model.keras is missing; train the bundle again"):
        load_bundle(copy)


def test_keras_alone_loads_it(trained: Bundle) -> None:
    import keras

    model = keras.models.load_model(trained.path / "model.keras")
    np.testing.assert_array_equal(model.predict(ROWS, verbose=0)[:, 0], trained.predict(ROWS)[:, 1])


def test_nothing_heavy_is_imported_before_it_is_needed() -> None:
    code = (
        "import sys, tuner.bundle; print([m for m in ('tensorflow', 'keras') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
