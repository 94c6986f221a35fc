from __future__ import annotations

import numpy as np
import pytest
from built import build

from tuner.errors import SpecError
from tuner.learners.keras import training
from tuner.learners.keras.networks.feeding import targets
from tuner.learners.keras.networks.outputs import choose


@pytest.mark.parametrize(
    ("task", "output", "loss", "chosen"),
    [
        ("regression", "auto", "auto", ("linear", "mse")),
        ("regression", "auto", "mae", ("linear", "mae")),
        ("binary", "auto", "auto", ("sigmoid", "binary_crossentropy")),
        ("binary", "auto", "mse", ("sigmoid", "mse")),
        ("binary", "logits", "auto", ("logits", "binary_crossentropy")),
        ("multiclass", "auto", "auto", ("softmax", "categorical_crossentropy")),
        ("multiclass", "auto", "mse", ("softmax", "mse")),
        ("multiclass", "sigmoid", "mse", ("sigmoid", "mse")),
        ("multiclass", "auto", "binary_crossentropy", ("sigmoid", "binary_crossentropy")),
        ("multiclass", "sigmoid", "auto", ("sigmoid", "binary_crossentropy")),
        ("multiclass", "logits", "auto", ("logits", "categorical_crossentropy")),
    ],
)
def test_default_output_and_loss_follow_from_the_task(task, output, loss, chosen):
    assert choose(task, output, loss) == chosen


@pytest.mark.parametrize(
    ("task", "output", "loss", "words"),
    [
        ("regression", "sigmoid", "auto", '^params: output = "sigmoid" is not for a regression ta'),
        ("binary", "auto", "categorical_crossentropy", 'loss = "categorical_crossentropy" is not'),
        (
            "binary",
            "logits",
            "mse",
            'output = "logits" with loss = "mse" is not for a binary task, which has: output '
            '"sigmoid" with loss "binary_crossentropy" or "mse"; output "logits" with loss "binary',
        ),
    ],
)
def test_unfit_output_or_loss_is_refused_with_the_alternatives(task, output, loss, words):
    with pytest.raises(SpecError, match=words):
        choose(task, output, loss)


def test_model_with_an_unfit_output_is_not_built(make_splits):
    with pytest.raises(SpecError, match='output = "softmax" is not for a binary task'):
        build("mlp", make_splits(), output="softmax")


@pytest.mark.parametrize("task", ["binary", "multiclass"])
def test_logits_have_the_scores_of_the_probabilities(make_splits, task):
    data = make_splits(task)
    given, raw = (build("mlp", data, output=o, n_layers=1) for o in ("auto", "logits"))
    for model in (given, raw):  # weights so large that all kinds of outputs occur
        rng = np.random.default_rng(0)
        model.set_weights([rng.normal(size=w.shape) for w in given.get_weights()])
    scores, of_logits = (training.evaluate(model, data.test) for model in (given, raw))
    assert 0 < scores["accuracy"] < 1
    assert set(scores) - set(of_logits) == ({"mse", "mae"} if task == "binary" else set())
    for name, score in of_logits.items():
        assert score == pytest.approx(scores[name], rel=1e-5), name


@pytest.mark.parametrize("params", [{"loss": "mse"}, {"loss": "binary_crossentropy"}])
def test_a_loss_for_each_class_gets_the_classes_one_hot(make_splits, params):
    data = make_splits("multiclass")
    model = build("mlp", data, n_layers=1, **params)
    one_hot = np.array([[label == k for k in range(3)] for label in data.test.y], np.float32)
    np.testing.assert_array_equal(targets(model, data.test.y), one_hot)

    scores = training.evaluate(model, data.test)
    outputs = model.predict(data.test.x, verbose=0)
    mse = np.mean((outputs - one_hot) ** 2)
    cost = -np.mean(one_hot * np.log(outputs) + (1 - one_hot) * np.log(1 - outputs))
    assert scores["loss"] == pytest.approx(mse if params["loss"] == "mse" else cost, rel=1e-4)
    assert scores["mse"] == pytest.approx(mse, rel=1e-4)
    assert scores["accuracy"] == pytest.approx(np.mean(outputs.argmax(axis=1) == data.test.y))


def test_other_targets_stay_as_they_are(make_splits):
    for task in ("regression", "binary", "multiclass"):
        data = make_splits(task)
        assert targets(build("mlp", data), data.test.y) is data.test.y


def test_precision_and_recall_are_of_the_second_class(make_splits):
    data = make_splits("binary")
    model = build("linear", data)
    said = model.predict(data.test.x, verbose=0)[:, 0] > 0.5
    right = data.test.y == 1
    scores = training.evaluate(model, data.test)
    assert scores["precision"] == pytest.approx(np.sum(said & right) / max(1, said.sum()))
    assert scores["recall"] == pytest.approx(np.sum(said & right) / right.sum())
