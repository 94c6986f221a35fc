from __future__ import annotations

import math
import subprocess
import sys

import pytest
from fitting import network

from tuner.errors import MetricError, SpecError, UnknownNameError
from tuner.learners.checks import (
    check_data,
    check_metric,
    check_parameters,
    check_space,
    check_values,
)
from tuner.learners.keras.networks.families import FAMILIES, Cnn, Embedding, Mlp
from tuner.space import SearchSpace


def space(**parameters: dict) -> SearchSpace:
    return SearchSpace.parse(parameters, "space.toml")


def test_every_default_obeys_its_own_rule():
    for family in FAMILIES.values():
        check_values(family, {name: [value] for name, value in family.parameters().items()})


@pytest.mark.parametrize("name", ["units", "units_1", "units_12", "n_layers", "epochs"])
def test_repeated_parameters_are_known_with_their_number(name):
    check_parameters(Mlp, [name])


@pytest.mark.parametrize(
    ("name", "words"),
    [
        (
            "learning_rat",
            'the model "mlp" has no parameter "learning_rat"; did you mean learning_ra',
        ),
        ("unit_1", "did you mean units_1"),
        ("units_0", "has no parameter"),
        ("units_x", "has no parameter"),
        ("dropout_1", "did you mean dropout"),
        ("zzz", r'no parameter "zzz"\. It has: n_layers, units_i, activation, dropout'),
    ],
)
def test_error_for_an_unknown_parameter_offers_the_nearest(name, words):
    with pytest.raises(SpecError, match=words) as caught:
        check_parameters(Mlp, [name], "studies/wine.toml: search_space")
    assert str(caught.value).startswith("studies/wine.toml: search_space: ")


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        (
            "activation",
            "rellu",
            'activation must be "relu", .* did you mean relu\\?, but got "rellu"',
        ),
        ("optimizer", 3, 'optimizer must be "sgd", "rmsprop" or "adam", but got 3'),
        ("batch_norm", 1, "batch_norm must be true or false, but got 1"),
        ("units_2", 0, "units_2 must be at least 1, but got 0"),
        ("units_2", 1.5, "units_2 must be a whole number, such as 64, but got 1.5"),
        ("dropout", 1.0, "dropout must be less than 1, but got 1.0"),
        ("dropout", "much", 'dropout must be a number, such as 0.0, but got "much"'),
        ("learning_rate", 0.0, "learning_rate must be greater than 0, but got 0.0"),
        ("learning_rate", math.nan, "learning_rate must be a number"),
        ("momentum", 1.1, "momentum must be at most 1, but got 1.1"),
        ("epochs", True, "epochs must be a number, such as 50, but got true"),
    ],
)
def test_a_value_that_cannot_be_built_is_refused(name, value, words):
    with pytest.raises(SpecError, match=words):
        check_values(Mlp, {name: [value]})


def test_a_space_is_checked_by_its_choices_and_ends():
    check_space(
        Mlp,
        space(
            n_layers={"type": "int", "low": 0, "high": 3},
            units={"type": "int", "low": 4, "high": 64, "repeat": "n_layers"},
            activation={"type": "categorical", "choices": ["relu", "tanh"]},
            dropout={"type": "float", "low": 0.0, "high": 0.5},
        ),
    )


@pytest.mark.parametrize(
    ("parameters", "words"),
    [
        ({"l2": {"type": "float", "low": -1.0, "high": 1.0}}, "l2 must be at least 0, but got -1"),
        ({"momentum": {"type": "float", "low": 0.0, "high": 2.0}}, "momentum must be at most 1"),
        ({"units": {"type": "float", "low": 4, "high": 8}}, 'units.type must be "int"'),
        ({"optimizer": {"type": "categorical", "choices": ["adam", "adamw"]}}, "did you mean adam"),
        ({"lr": {"type": "float", "low": 0.1, "high": 1.0}}, 'no parameter "lr"'),
    ],
)
def test_space_that_could_suggest_unbuildable_values_is_refused(parameters, words):
    with pytest.raises(SpecError, match=words):
        check_space(Mlp, space(**parameters))


def test_metrics_follow_from_the_task():
    assert Mlp.metrics("regression") == ("loss", "mse", "mae")
    assert Mlp.metrics("multiclass") == ("loss", "accuracy")
    assert Mlp.metrics("binary") == (
        *("loss", "accuracy", "precision", "recall", "auc"),
        *("mse", "mae"),
    )


def test_absent_metric_is_refused_with_the_nearest_and_those_there_are():
    check_metric("accuracy", Mlp.metrics("binary"), "binary")
    check_metric("balanced_accuracy", Mlp.metrics("binary"), "binary")
    with pytest.raises(
        MetricError,
        match=r'objective\.metric: the model does not measure "val_accuracy"; did you mean',
    ):
        check_metric("val_accuracy", Mlp.metrics("binary"), "binary")
    words = (
        r'does not measure "accuracy": accuracy is not for a regression task\. It measures: loss, '
        r"mse, mae\. From predictions: r2, rmse, and other names of sklearn\.metrics\."
    )
    with pytest.raises(MetricError, match=words):
        check_metric("accuracy", Mlp.metrics("regression"), "regression")
    with pytest.raises(MetricError, match=r'"f1": .* needs an average: f1_macro'):
        check_metric("f1", Mlp.metrics("multiclass"), "multiclass")


def test_error_for_an_unknown_model_lists_those_there_are(make_splits, tmp_path):
    with pytest.raises(UnknownNameError, match='there is no model "mpl"; did you mean mlp'):
        network("mpl", {}, make_splits(), tmp_path)


def test_only_repeated_parameters_take_a_number():
    check_parameters(Cnn, ["filters_3", "units_1", "filters"])
    with pytest.raises(SpecError, match='no parameter "kernel_size_1"; did you mean kernel_size'):
        check_parameters(Cnn, ["kernel_size_1"])


@pytest.mark.parametrize("name", FAMILIES)
def test_data_of_another_kind_are_refused(name, make_splits, make_images, make_texts):
    family = FAMILIES[name]
    for data in (make_splits(), make_images(), make_texts()):
        if data.kind in family.kinds:
            check_data(family, data)
            continue
        with pytest.raises(SpecError, match=f'^model: "{name}" reads .*, but {data.name} holds '):
            check_data(family, data)


def test_data_of_another_kind_are_named_in_the_error(
    make_splits, make_images, make_texts, tmp_path
):
    words = (
        r'"cnn" reads images, but blobs holds a table of numbers, rows of the shape \(3,\); choo'
    )
    with pytest.raises(SpecError, match=words):
        network("cnn", {}, make_splits(), tmp_path)
    with pytest.raises(SpecError, match='"embedding" reads texts, but stripes holds images, rows'):
        network("embedding", {}, make_images(), tmp_path)
    with pytest.raises(SpecError, match="reads a table of numbers or images, but reviews holds te"):
        network("mlp", {}, make_texts(), tmp_path)


def test_space_with_an_output_unfit_for_the_task_is_refused(make_texts):
    data = make_texts()
    check_data(Embedding, data, space(output={"type": "categorical", "choices": ["logits"]}))
    for name, choice in [("output", "softmax"), ("loss", "categorical_crossentropy")]:
        words = f'^search_space: {name} = "{choice}" is not for a binary task, which has: output'
        with pytest.raises(SpecError, match=words):
            check_data(
                Embedding, data, space(**{name: {"type": "categorical", "choices": [choice]}})
            )


def test_families_and_epoch_logic_do_not_import_tensorflow():
    code = (
        "import sys, tuner.learners.keras.networks.families, tuner.learners.keras.training; "
        "print([m for m in ('tensorflow', 'keras', 'pandas', 'optuna') if m in sys.modules])"
    )
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert shown.stdout.strip() == "[]"
