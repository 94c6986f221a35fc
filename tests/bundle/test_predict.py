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
from commands import Command

from tuner.bundle import Bundle, load_bundle, predict
from tuner.bundle.predict import is_predictions, write_predictions
from tuner.errors import BundleError, DataError, RequestError, SpecError
from tuner.learners.keras.fitted_network import Network


@pytest.fixture
def rows(tmp_path: Path) -> Path:
    file = tmp_path / "rows.csv"
    file.write_text("id,height,width\nfirst,9.5,9.5\nsecond,0.5,0.5\n", encoding="utf-8")
    return file


def test_csv_has_the_class_and_its_probabilities(trained: Bundle, rows: Path) -> None:
    text = predict(trained.path, rows)
    first, second = csv.DictReader(io.StringIO(text))
    assert (first["prediction"], second["prediction"]) == ("large", "small")
    assert list(first) == ["prediction", "probability_large", "probability_small"]
    assert float(first["probability_large"]) > 0.5 > float(second["probability_large"])
    assert float(first["probability_large"]) + float(first["probability_small"]) == pytest.approx(
        1, abs=1e-6
    )


def test_json_and_table_have_the_same_columns(trained: Bundle, rows: Path) -> None:
    found = json.loads(predict(trained, rows, "json"))
    assert [row["prediction"] for row in found] == ["large", "small"]
    assert isinstance(found[0]["probability_small"], float)
    header, _, first, _ = predict(trained, rows, "table").splitlines()
    assert header.split() == ["prediction", "probability_large", "probability_small"]
    assert first.split()[0] == "large"


class Scripted:
    """A network whose output the test chooses."""

    def __init__(self, *output: Any) -> None:
        self.output = np.array(output, dtype=np.float32)

    def predict(self, rows: np.ndarray, **_: Any) -> np.ndarray:
        return self.output


def scripted(trained: Bundle, *output: Any, **info: Any) -> Bundle:
    data = trained.info["data"] | info.pop("data", {})
    bundle = replace(trained, info={**trained.info, "data": data, **info})
    logits = bool(bundle.info.get("logits"))
    network = Network(Scripted(*output), data["task"], bundle.path, logits)
    bundle.__dict__["fitted"] = network
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
def test_probabilities_follow_from_any_form_of_output(
    trained: Bundle, output: Any, logits: bool, expected: Any
) -> None:
    found = scripted(trained, *output, logits=logits).predict(ROWS)
    np.testing.assert_allclose(found, expected, atol=1e-6)


@pytest.mark.parametrize(
    ("class_names", "outputs", "columns"),
    [
        (["3", "5"], [0.1, 0.2, 0.3, 0.4], ["3", "5", "2", "3 (2)"]),
        (["1.2e+06", "1.2e+06"], [0.4, 0.6], ["1.2e+06", "1.2e+06 (2)"]),  # of an older version
    ],
)
def test_every_output_has_a_column_of_its_own(
    trained: Bundle, rows: Path, class_names: list[str], outputs: list[float], columns: list[str]
) -> None:
    bundle = scripted(trained, outputs, outputs, data={"class_names": class_names})
    row, _ = csv.DictReader(io.StringIO(predict(bundle, rows)))
    assert list(row) == ["prediction", *(f"probability_{name}" for name in columns)]
    assert row["prediction"] == columns[-1]


def test_predicted_quantities_have_one_column_each(trained: Bundle, rows: Path) -> None:
    quantity = {"task": "regression", "class_names": []}
    one = scripted(trained, [0.1], [2.5], data=quantity)
    assert predict(one, rows) == "prediction\n0.1\n2.5\n"
    several = scripted(trained, [0.1, 1], [2.5, 2], data=quantity)
    assert predict(several, rows) == "prediction_1,prediction_2\n0.1,1.0\n2.5,2.0\n"


def test_model_without_columns_reads_arrays_only(trained: Bundle, tmp_path: Path) -> None:
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


def test_missing_column_is_refused(trained: Bundle, tmp_path: Path) -> None:
    (tmp_path / "rows.csv").write_text("height\n1\n")
    with pytest.raises(DataError, match=r'rows.csv lacks 1 column that the model takes: "width"'):
        predict(trained, tmp_path / "rows.csv")


GERMAN = {"csv": "c.csv", "target": "y", "sep": ";", "decimal": ",", "thousands": "."}


@pytest.mark.parametrize(
    ("text", "given"),
    [
        ("height;width\n1.009,5;9,5\n", {}),
        ("height|width\n1.009,5|9,5\n", {"sep": "|"}),
        ("height;width\n1009.5;9.5\n", {"decimal": "."}),
        ('height,width\n"1,009.5",9.5\n', {"sep": ",", "thousands": ","}),
        ("height;width\n1’009.5;9.5\n", {"thousands": "'"}),
    ],
)
def test_rows_are_read_as_the_training_file_was(
    trained: Bundle, tmp_path: Path, text: str, given: dict[str, str]
) -> None:
    seen: list[Any] = []
    bundle = scripted(trained, [0.9], dataset=GERMAN)
    bundle.model.predict = lambda rows, **_: seen.append(rows) or np.array([[0.9]])  # type: ignore[method-assign]  # scripted
    (tmp_path / "rows.csv").write_text(text, encoding="utf-8")
    assert predict(bundle, tmp_path / "rows.csv", dialect=given).startswith("prediction,")
    names = trained.info["data"]["feature_names"]
    assert dict(zip(names, seen[0][0].tolist(), strict=True)) == {"height": 1009.5, "width": 9.5}


def test_the_command_takes_a_dialect(
    trained: Bundle, rows: Path, tmp_path: Path, command: Command
) -> None:
    expected = command("predict", trained.path, rows)
    assert expected.status == 0
    other = tmp_path / "other.csv"
    other.write_text("height:id:width\n9,5:ä:9,5\n0,5:ö:0,5\n", encoding="latin-1")
    options = ["--sep", ":", "--decimal", ",", "--encoding", "latin-1"]
    assert command("predict", trained.path, other, *options).out == expected.out
    command("predict", trained.path, other, "--sep", "::").refused(2, "sep: must be one character")


def test_error_for_an_unfit_dialect_names_the_options(trained: Bundle, tmp_path: Path) -> None:
    bundle = scripted(trained, [0.9], dataset=GERMAN)
    rows = tmp_path / "rows.csv"
    rows.write_text("height;width\n1.5;9.5\n")
    with pytest.raises(DataError, match=r'"9.5" is 9.5 with --decimal "."; give it'):
        predict(bundle, rows)
    with pytest.raises(SpecError, match=r'how the rows are written: decimal: must be "." or ","'):
        predict(bundle, rows, dialect={"decimal": ";"})


def test_folder_without_a_bundle_is_refused(tmp_path: Path) -> None:
    with pytest.raises(RequestError, match=r"absent is not a model bundle: it is not a folder"):
        load_bundle(tmp_path / "absent")
    with pytest.raises(RequestError, match=r"it holds no bundle.json; write one with `tuner train"):
        load_bundle(tmp_path)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda info: "{", "bundle.json cannot be read: .*; train the bundle again"),
        (lambda info: "[]", "tuner_bundle is nothing, this version of tuner reads 1"),
        (lambda info: json.dumps(info | {"tuner_bundle": 3}), "tuner_bundle is 3, this version"),
        (
            lambda info: json.dumps({k: v for k, v in info.items() if k != "scores"}),
            "bundle.json: scores: is missing; train the bundle again$",
        ),
    ],
)
def test_broken_description_is_refused(
    trained: Bundle, tmp_path: Path, change: Any, words: str
) -> None:
    copy = tmp_path / "model"
    shutil.copytree(trained.path, copy)
    (copy / "bundle.json").write_text(change(dict(trained.info)), encoding="utf-8")
    with pytest.raises(BundleError, match=words):
        load_bundle(copy)


def test_broken_or_missing_model_is_refused(trained: Bundle, tmp_path: Path) -> None:
    copy = tmp_path / "model"
    shutil.copytree(trained.path, copy)
    (copy / "model.keras").write_bytes((copy / "model.keras").read_bytes()[:1000])
    with pytest.raises(BundleError, match=r"model.keras cannot be loaded: .*train the bundle agai"):
        load_bundle(copy).predict(ROWS)
    (copy / "model.keras").unlink()
    with pytest.raises(BundleError, match=r"model: model.keras is missing; train the bundle again"):
        load_bundle(copy)


def test_bundle_is_loaded_with_keras_alone(trained: Bundle) -> None:
    import keras

    model = keras.models.load_model(trained.path / "model.keras")
    np.testing.assert_array_equal(model.predict(ROWS, verbose=0)[:, 0], trained.predict(ROWS)[:, 1])


def test_importing_bundle_imports_neither_tensorflow_nor_optuna_nor_sqlalchemy() -> None:
    code = (
        "import sys, tuner.bundle\n"
        "print([m for m in ('tensorflow', 'keras', 'optuna', 'sqlalchemy') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


@pytest.fixture
def critic(trained: Bundle) -> Bundle:
    """A bundle for texts."""
    data = {"kind": "text", "class_names": ["bad", "good"], "task": "binary", "input_shape": ()}
    return scripted(trained, [0.9], data=data)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (
            "reviews.json",
            r'"reviews\.json" is a file from which no texts can be read; give texts in',
        ),
        ("reviews", r'"reviews" is a file from which no texts'),
        ("folder", r'"folder" is a folder from which no texts'),
        ("loop.json", r'"loop\.json" is a file from which'),
        (
            "reviewz.json",
            r'there is no file "reviewz\.json"; give texts in a \.txt file, one a line',
        ),
        ("reviewz.txt", r"there is no file reviewz\.txt"),
        ("nowhere/reviews", r'there is no file "nowhere/reviews"'),
        ("C:\\reviews", r"there is no file"),
        ("my other reviews.XLSX", r'there is no file "my other reviews\.XLSX"'),
        ("~/no_reviews.pkl", r'there is no file "~/no_reviews\.pkl"'),
    ],
)
def test_the_name_of_a_file_is_never_taken_for_a_text(
    critic: Bundle, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str, words: str
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("reviews.json").write_text('["good"]')
    Path("reviews").write_text("good")
    Path("loop.json").symlink_to("loop.json")
    Path("folder").mkdir()
    with pytest.raises(DataError, match=words):
        predict(critic, text)


@pytest.mark.parametrize(
    "text",
    ["great", "Great.", "It was ok.", "I loved it. Really", "and/or a plot", "", "x" * 5000, "a\0"],
)
def test_a_text_is_classified(critic: Bundle, text: str) -> None:
    assert predict(critic, text).splitlines()[1].startswith("good,")


def test_predictions_replace_only_predictions(trained: Bundle, rows: Path, tmp_path: Path) -> None:
    bundle = scripted(trained, [0.9], [0.1])
    out = tmp_path / "out"
    for form in ("csv", "json", "table", "csv"):
        write_predictions(bundle, rows, out, form)  # type: ignore[arg-type]
        assert out.read_text() == predict(bundle, rows, form)  # type: ignore[arg-type]

    before = rows.read_text()
    with pytest.raises(
        RequestError, match=r"rows\.csv is there already, a file of 45 bytes, and w"
    ):
        write_predictions(bundle, rows, rows)
    assert rows.read_text() == before
    write_predictions(bundle, rows, rows, force=True)
    assert rows.read_text() == out.read_text()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("prediction,probability_a,probability_b\n", True),
        ("prediction\n", True),
        ("prediction_1,prediction_2\n", True),
        ('[{"prediction": 3.0}]', True),
        ("id,prediction,probability_a\n", False),
        ("prediction,note\n", False),
        ("prediction of the weather\n", False),
        ('[{"prediction": 3.0, "id": 1}]', False),
        ("[" * 100_000, False),
        ("[]", False),
        ("", False),
    ],
)
def test_is_predictions_looks_at_the_columns(text: str, expected: bool) -> None:
    assert is_predictions(text) is expected
