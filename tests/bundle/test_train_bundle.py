from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from made_configurations import MakeConfiguration

from tuner.bundle import Bundle, load_bundle, train
from tuner.bundle.write import load_data
from tuner.data import load
from tuner.errors import BundleError, DataError, ModelError, RequestError
from tuner.results.configuration_file import read, write
from tuner.spec import CsvDataset


def fingerprint_of(folder: Path) -> str:
    return load(CsvDataset(csv="class.csv", target="class"), folder).fingerprint


def test_bundle_describes_the_trained_model(trained: Bundle) -> None:
    path = trained.path
    assert sorted(file.name for file in path.iterdir()) == [
        "MODEL.md",
        "bundle.json",
        "model.keras",
    ]
    info = json.loads((path / "bundle.json").read_text(encoding="utf-8"))
    assert (info["study"], info["trial"], info["epochs"]) == ("boxes", 7, 40)
    assert info["params"]["units_1"] == 8
    assert info["scores"]["validation"] == {"accuracy": 0.9}
    assert set(info["scores"]["test"]) >= {"loss", "accuracy", "precision", "recall"}
    assert info["scores"]["test"]["accuracy"] > 0.8
    assert info["baseline"]["predicts"] == "always small"
    assert info["baseline"]["test"]["accuracy"] == pytest.approx(0.7, abs=0.15)
    assert info["data_fingerprint"] == fingerprint_of(path.parent)
    assert info["dataset"] == {"csv": "../class.csv", "target": "class"}
    assert [column["treatment"] for column in info["data"]["schema"]["columns"]] == [
        *("number", "number", "target")
    ]
    assert {"python", "keras", "tuner"} <= set(info["versions"])
    assert str(path.parent) not in json.dumps(info), "a bundle may be given away"


def test_bundle_is_shown_as_json_text_and_card(trained: Bundle) -> None:
    info = trained.info
    assert trained.to_dict() == {
        "bundle": str(trained.path),
        "epochs": 40,
        "seeds": [11],
        "params": info["params"],
        "scores": info["scores"],
        "baseline": info["baseline"]["test"],
    }
    words = trained.words()
    assert "study boxes, trial 7\n40 epochs on 120 rows; scored once on 30 rows" in words
    assert "always small: 0." in words
    assert words.endswith(f"next  tuner predict {trained.path} ROWS.csv")
    card = (trained.path / "MODEL.md").read_text(encoding="utf-8")
    assert "Predicts one of two classes: " in card
    assert "From 2 columns: width, height." in card
    assert "tuner predict model rows.csv" in card
    assert "| dropout | 0.1 |" in card


def test_written_model_takes_raw_rows(trained: Bundle) -> None:
    rows = np.array([[9.5, 9.5], [0.5, 0.5]], dtype=np.float32)
    probabilities = load_bundle(trained.path).predict(rows)
    assert probabilities.shape == (2, 2)
    np.testing.assert_allclose(probabilities.sum(axis=1), 1, atol=1e-6)
    names = trained.info["data"]["class_names"]
    assert [names[i] for i in probabilities.argmax(axis=1)] == ["large", "small"]


@pytest.mark.slow
def test_configuration_read_from_a_file_trains_to_the_same_scores(
    tmp_path: Path, make_configuration: MakeConfiguration
) -> None:
    first = train(make_configuration(), tmp_path / "first")
    write(make_configuration(), tmp_path / "best.toml")
    second = train(read(tmp_path / "best.toml"), tmp_path / "second")
    assert first.info["scores"] == second.info["scores"]


@pytest.mark.slow
def test_bundle_of_quantities_has_their_metrics_and_baseline(
    tmp_path: Path, make_configuration: MakeConfiguration
) -> None:
    bundle = train(make_configuration(), tmp_path / "model")
    assert bundle.predict(np.ones((3, 2), np.float32)).shape == (3,)
    assert set(bundle.info["scores"]["test"]) == {"loss", "mse", "mae"}
    assert bundle.info["baseline"]["predicts"].startswith("always the mean, ")


def test_other_data_than_the_studys_are_refused(
    tmp_path: Path, make_configuration: MakeConfiguration
) -> None:
    configuration = make_configuration(data_fingerprint="0" * 64)
    with pytest.raises(DataError, match=r"price are not those of the study boxes: .* 000000000000"):
        train(configuration, tmp_path / "model")
    assert not (tmp_path / "model").exists()
    assert len(load_data(make_configuration(data_fingerprint=None)).sealed_test) == 30


def test_output_folder_is_checked_before_data_are_loaded(
    tmp_path: Path, make_configuration: MakeConfiguration
) -> None:
    configuration = make_configuration(dataset="no such data")
    with pytest.raises(RequestError, match="is not empty and holds no model bundle"):
        train(configuration, tmp_path)


def test_diverging_training_leaves_nothing(
    tmp_path: Path, make_configuration: MakeConfiguration
) -> None:
    params = {"n_layers": 0, "optimizer": "sgd", "learning_rate": 1e30}
    with pytest.raises(BundleError, match="the training failed, nothing was written: loss is"):
        train(make_configuration(params=params), tmp_path / "a" / "model")
    assert not (tmp_path / "a").exists()


@pytest.mark.slow
def test_a_bundle_is_replaced_with_force(
    tmp_path: Path, make_configuration: MakeConfiguration
) -> None:
    train(make_configuration(), tmp_path / "model")
    with pytest.raises(RequestError, match="already holds a model bundle"):
        train(make_configuration(), tmp_path / "model")
    bundle = train(make_configuration(trial=8), tmp_path / "model", force=True)
    assert bundle.info["trial"] == 8


OWN = """
import keras

@keras.saving.register_keras_serializable(package="own")
class Twice(keras.layers.Layer):
    def call(self, x):
        return 2 * x

class Unregistered(keras.layers.Layer):
    def call(self, x):
        return 3 * x

def build_model(params, data):
    layer = Unregistered() if params["unregistered"] else Twice()
    model = keras.Sequential([keras.Input(data.input_shape), layer, keras.layers.Dense(1)])
    model.compile(keras.optimizers.Adam(), keras.losses.BinaryCrossentropy(from_logits=True))
    return model
"""


@pytest.mark.slow
def test_users_network_is_trained_and_loaded_again(
    tmp_path: Path, make_configuration: MakeConfiguration
) -> None:
    (tmp_path / "own_network.py").write_text(OWN)
    own = {"model": "own_network:build_model", "base": tmp_path}
    configuration = make_configuration("class", params={"unregistered": False}, **own)

    train(configuration, tmp_path / "models" / "model")

    code = (
        "import sys, numpy as np\n"
        "from tuner.bundle import load_bundle\n"
        "b = load_bundle(sys.argv[1], allow_code=True)\n"
        "p = b.predict(np.ones((1, 2), np.float32))\n"
        "print(p.shape, bool(((p >= 0) & (p <= 1)).all()), *b.info['scores']['test'])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, tmp_path / "models" / "model"],
        capture_output=True,
        text=True,
        check=True,
        cwd=tmp_path / "models",
    )
    # It logs its loss alone; the others come from its predictions.
    assert done.stdout.strip() == "(1, 2) True loss accuracy precision recall"

    # The folder is named as it was asked for, not the hidden one that it is written to first.
    words = r"/other/model\.keras cannot be loaded: .*@keras.saving.register_keras_serializable\(\)"
    with pytest.raises(BundleError, match=words):
        train(make_configuration("class", params={"unregistered": True}, **own), tmp_path / "other")
    assert not (tmp_path / "other").exists()


@pytest.mark.slow
def test_model_that_predicts_otherwise_when_loaded_is_refused(
    tmp_path: Path, make_configuration: MakeConfiguration, monkeypatch: pytest.MonkeyPatch
) -> None:
    import keras

    from tuner.learners.keras.networks import saving

    real = saving.load_model

    def forgetful(*args: object) -> keras.Model:
        model = real(*args)  # type: ignore[arg-type]
        model.set_weights([weight * 0 for weight in model.get_weights()])
        return model

    monkeypatch.setattr(saving, "load_model", forgetful)
    with pytest.raises(BundleError, match="the saved model predicts otherwise than the trained"):
        train(make_configuration(), tmp_path / "model")
    assert not (tmp_path / "model").exists()


def test_unknown_model_is_refused(tmp_path: Path, make_configuration: MakeConfiguration) -> None:
    with pytest.raises(ModelError, match="no module"):
        train(make_configuration(model="absent:build"), tmp_path / "model")
