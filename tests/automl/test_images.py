"""Folders of images and columns of texts, from the request to the study."""

from __future__ import annotations

import numpy as np
import pytest
from images import write

from tuner.automl.automl_request import AutoMLRequest
from tuner.automl.planning import plan
from tuner.data import Development, Split, load
from tuner.errors import RequestError
from tuner.learners.combined import own_params


def test_images_are_searched_with_convolutions(tmp_path):
    write(tmp_path / "pets", n=20)
    request = AutoMLRequest(data=str(tmp_path / "pets"), out="model")
    data = load(request.dataset, request.base).development
    spec = plan(data, request, 60.0, n_workers=2)
    assert spec.name == "pets"
    assert spec.validation.folds == 3
    assert spec.validation.repeats == 1
    assert [one.name for one in spec.references] == ["small_cnn", "deep_cnn"]
    for one in spec.references:
        learner, own = own_params(one.params)
        assert learner == "cnn"
        assert {"n_blocks", "filters_1", "epochs"} <= set(own)
    assert "cnn_filters" in {parameter.name for parameter in spec.search_space.parameters}


def test_texts_are_searched_with_embeddings_and_linear_models():
    texts = np.array([f"text number {n}" for n in range(90)], dtype=object)
    y = np.arange(90, dtype=np.float32) % 2
    parts = [Split(texts[rows], y[rows]) for rows in (slice(0, 60), slice(60, 90))]
    data = Development(*parts, "binary", class_names=("a", "b"), feature_names=("text",))
    spec = plan(data, AutoMLRequest(data="t.csv", target="y", out="m"), 60.0, n_workers=2)
    learners = [own_params(one.params)[0] for one in spec.references]
    assert learners == ["linear_model", "embedding"]


@pytest.mark.parametrize(
    ("given", "option"),
    [
        ({"target": "price"}, "--target"),
        ({"drop": ("id",)}, "--drop"),
        ({"group": "patient"}, "--group"),
        ({"dialect": {"sep": ";"}}, "--sep"),
    ],
)
def test_options_of_tables_are_refused_for_images(tmp_path, given, option):
    with pytest.raises(RequestError, match=f"{option} is for tables, but .* is a folder of images"):
        AutoMLRequest(data=str(tmp_path), out="model", **given)


def test_table_needs_a_target(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "homes.csv").touch()
    with pytest.raises(RequestError, match=r"--target is missing: name the column of homes\.csv"):
        AutoMLRequest(data="homes.csv", out="model")
    with pytest.raises(RequestError, match=r"there is no file or folder home\.csv"):
        AutoMLRequest(data="home.csv", out="model")
