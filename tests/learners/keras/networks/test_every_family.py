from __future__ import annotations

import zipfile
from pathlib import Path

import keras
import numpy as np
import pytest
from built import build
from fitting import refit, train

from tuner.learners.keras import training
from tuner.learners.keras.networks.families import FAMILIES

# What differs from layer to layer of Keras: everything that is saved beside plain weights.
RICH = {
    "linear": {"scaling": "standard", "schedule": "decay", "l1": 0.001},
    "mlp": {"activation": "maxout", "batch_norm": True, "dropout": 0.1, "schedule": "cyclic"},
    "cnn": {
        **{"activation": "maxout", "flip": True, "translation": 0.1, "contrast": 0.2},
        **{"filters": 4, "units": 4, "global_pooling": "average", "schedule": "plateau"},
    },
    "embedding": {"embedding_width": 4, "units": 4, "embedding_dropout": 0.2, "output": "logits"},
}
TASKS = {"linear": "regression", "mlp": "multiclass", "cnn": "multiclass", "embedding": "binary"}


SEEN = {"epochs": 12, "batch_size": 8, "seed": 1}


@pytest.mark.slow
@pytest.mark.parametrize("family", FAMILIES)
def test_a_family_is_trained_refitted_and_saved_whole(family, make_kind, tmp_path: Path):
    data = make_kind(family, TASKS[family])
    watched = ("mse", "minimize")
    if data.task != "regression":
        watched = ("accuracy", "maximize")

    def make():
        return build(family, data, learning_rate=0.05, **RICH[family])

    model, result = train(make, data, watched=watched, **SEEN)
    assert result.epochs == 12
    assert result.value > 0.8 or data.task == "regression"
    assert result.history["loss"][-1] < 0.8 * result.history["loss"][0]

    # The same rows, seed and epochs: the same training, with nothing to watch.
    model, history = refit(make, data.train, **SEEN)
    assert history["loss"] == result.history["loss"]

    model.save(tmp_path / "model.keras")
    with zipfile.ZipFile(tmp_path / "model.keras") as archive:
        assert b"tuner" not in archive.read("config.json")
    loaded = keras.models.load_model(tmp_path / "model.keras")
    np.testing.assert_array_equal(
        loaded.predict(data.test.x, verbose=0), model.predict(data.test.x, verbose=0)
    )
    assert training.evaluate(loaded, data.test) == training.evaluate(model, data.test)
    assert [v.numpy().sum() for v in loaded.optimizer.variables] == [
        v.numpy().sum() for v in model.optimizer.variables
    ]


# The tiny images and texts have classes only.
@pytest.mark.parametrize(
    ("family", "task"),
    [
        (family, task)
        for family in FAMILIES
        for task in ("regression", "binary", "multiclass")
        if task != "regression" or family not in ("cnn", "embedding")
    ],
)
def test_the_metrics_are_those_that_the_family_names(family, task, make_kind):
    data = make_kind(family, task)
    scores = training.evaluate(build(family, data), data.test)
    assert set(scores) == set(FAMILIES[family].metrics(data.task))
