"""A network for texts, from a study's parameters to a prediction for a raw sentence."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tuner import bundle
from tuner.errors import DataError, ModelError
from tuner.results.configuration import Configuration

CODE = """
import numpy as np

def load_data():
    rng = np.random.default_rng(0)
    words = [["awful", "dull", "poor"], ["great", "fine", "superb"]]
    x, y = [], []
    for _ in range(200):
        kind = int(rng.integers(2))
        filling = rng.choice(["the", "film", "was", "a", "plot"], 5)
        x.append(" ".join([*filling, *rng.choice(words[kind], 2)]))
        y.append(["bad", "good"][kind])
    return np.array(x, dtype=object), np.array(y)
"""


@pytest.fixture(scope="module")
def configuration(tmp_path_factory: pytest.TempPathFactory) -> Configuration:
    base = tmp_path_factory.mktemp("texts")
    (base / "few_words.py").write_text(CODE)
    return Configuration(
        study="few-words",
        trial=0,
        metric="accuracy",
        direction="maximize",
        value=None,
        dataset="few_words:load_data",
        model="embedding",
        params={"learning_rate": 0.02, "sequence_length": 10, "max_tokens": 50},
        epochs=6,
        batch_size=16,
        seed=1,
        base=base,
    )


@pytest.mark.slow
def test_text_bundle_classifies_raw_sentences(configuration: Configuration, tmp_path: Path) -> None:
    trained = bundle.train(configuration, tmp_path / "model")
    assert trained.info["scores"]["test"]["accuracy"] > 0.9
    assert trained.words().endswith("predict " + str(tmp_path / "model") + ' "A TEXT"')
    (row,) = json.loads(bundle.predict(tmp_path / "model", "a superb and fine film", "json"))
    assert row["prediction"] == "good"
    many = tmp_path / "many.txt"
    many.write_text("the plot was dull\nthe film was great\n")
    rows = json.loads(bundle.predict(tmp_path / "model", many, "json"))
    assert [row["prediction"] for row in rows] == ["bad", "good"]
    with pytest.raises(DataError, match=r"there is no file .*lost\.txt"):
        bundle.predict(tmp_path / "model", tmp_path / "lost.txt")


def test_text_network_is_not_exported_as_a_script(
    configuration: Configuration, tmp_path: Path
) -> None:
    with pytest.raises(ModelError, match=r"best\.py: a network for texts carries its vocabulary"):
        bundle.export(configuration, tmp_path / "best.py")
