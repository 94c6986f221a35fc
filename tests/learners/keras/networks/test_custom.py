from __future__ import annotations

import itertools
from pathlib import Path

import keras
import pytest
from fitting import network

from tuner.errors import MetricError, ModelError
from tuner.learners.checks import check_metric
from tuner.learners.keras.networks.measured import available_metrics, known_metrics

COUNT = itertools.count()
START = """import keras


def build_model(params, data):
    model = keras.Sequential([keras.Input(data.input_shape), keras.layers.Dense(1)])
"""


@pytest.fixture
def build(tmp_path: Path, make_splits):
    """Builds from the source of a user's module; each has a name of its own."""

    def build(body: str, params: dict | None = None, function: str = "build_model"):
        module = f"user_model_{next(COUNT)}"
        (tmp_path / f"{module}.py").write_text(START + body)
        return network(f"{module}:{function}", params or {}, make_splits(), tmp_path)

    return build


def test_a_users_function_gets_the_parameters_and_the_data(build):
    model = build(
        "    model.compile(keras.optimizers.SGD(params.pop('rate')), 'mse')\n    return model\n",
        params := {"rate": 0.5},
    )
    assert isinstance(model, keras.Model)
    assert float(model.optimizer.learning_rate) == 0.5
    assert params == {"rate": 0.5}  # the function has a copy


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ("    pass\n", r":build_model\" returned None \(is the return missing\?\)"),
        ("    return {'model': model}\n", "returned dict; it must return a compiled keras.Model"),
        ("    return model.layers[0]\n", r"returned keras\.\S*Dense; it must return a compiled"),
        ("    return model\n", r"not compiled; call model.compile\(optimizer=…, loss=…"),
        ("    return params['rate']\n", r"raised KeyError: 'rate' \(user_model_\d+.py, line 6\)"),
        (
            "    return keras.layers.Dense(-3)\n",
            r"raised ValueError: .*units.* \(user_model_\d+.py, line 6\)",
        ),
        ("    import nonsense_package\n", "raised ModuleNotFoundError: .*nonsense_package"),
    ],
)
def test_unusable_build_model_is_an_error_in_one_line(build, body, words):
    with pytest.raises(ModelError, match=words) as caught:
        build(body)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (
            "params['lr']",
            r"raised KeyError: 'lr' \(.*, line 6\); the parameters are: learning_rate, u",
        ),
        ("params['learning']", r"KeyError: 'learning' \(.*\); did you mean learning_rate\?$"),
        (
            "params.units",
            r"\(.*, line \d+\); the parameters are a dict: write \[\"units\"\] instead",
        ),
        ("params.pop('lr')", r"KeyError: 'lr' \(.*\); the parameters are: learning_rate, units$"),
        ("params.unit", r"AttributeError: .*'unit' \(.*\); did you mean units\?$"),
        ("{}['units']", r"raised KeyError: 'units' \(user_model_\d+\.py, line 6\)$"),
        ("{}[3]", r"raised KeyError: 3 \(user_model_\d+\.py, line 6\)$"),
        ("model.unit", r"raised AttributeError: .*'unit' \(user_model_\d+\.py, line 6\)$"),
    ],
)
def test_error_for_an_unknown_parameter_lists_those_there_are(build, body, words):
    with pytest.raises(ModelError, match=words):
        build(f"    {body}\n", {"learning_rate": 0.1, "units": 3})


def test_error_for_a_missing_function_offers_the_nearest(build):
    with pytest.raises(ModelError, match=r'has no function "build_modle".*build_model'):
        build("    return model\n", function="build_modle")


def test_memory_error_of_build_model_passes_unchanged(build):
    with pytest.raises(MemoryError, match="too many units"):
        build("    raise MemoryError('too many units')\n")


def test_users_metrics_can_be_the_objective(build, make_splits):
    model = build(
        "    model.compile('sgd', 'mse', metrics=['mae', keras.metrics.R2Score(name='r2')])\n"
        "    return model\n"
    )
    before = model.get_weights()
    available = available_metrics(model, make_splits("regression"))
    assert available == ("loss", "mae", "r2")
    assert all((a == b).all() for a, b in zip(before, model.get_weights(), strict=True))
    check_metric("r2", available, "regression")
    with pytest.raises(MetricError, match=r"did you mean mae.* It measures: loss, mae, r2"):
        check_metric("maee", available, "regression")


def test_model_that_does_not_fit_the_data_is_refused(build, make_splits):
    model = build("    model.compile('sgd', 'mse')\n    return model\n")
    words = (
        r"does not fit the data blobs, rows of x have the shape \(5,\) and of y \(\): "
        r"ValueError: .* Input 0 .* incompatible"
    )
    with pytest.raises(ModelError, match=words):
        available_metrics(model, make_splits(features=5))


@pytest.mark.parametrize(
    ("metrics", "known"),
    [
        (
            "'mae', 'accuracy', keras.metrics.MeanAbsoluteError(name='error'), "
            "keras.metrics.RootMeanSquaredError(), keras.metrics.R2Score(), "
            "keras.metrics.Precision(name='p'), keras.metrics.Recall(thresholds=0.5), "
            "keras.metrics.AUC()",
            {
                "mae": "mae",
                "accuracy": "accuracy",
                "error": "mae",
                "root_mean_squared_error": "rmse",
                "p": "precision",
                "recall": "recall",
                "auc": "auc",
            },
        ),
        # Of another form, or of one's own, whatever the name.
        ("keras.metrics.Recall(thresholds=0.9), keras.metrics.AUC(curve='PR'), mae", {}),
        ("keras.metrics.MeanMetricWrapper(mae, name='mae')", {}),
        ("keras.metrics.Mean(name='mae')", {}),
    ],
)
def test_only_metrics_of_keras_are_known(build, metrics, known):
    keras.utils.clear_session()  # else a second AUC is named auc_1
    model = build(
        "    def mae(y_true, y_pred):\n        return keras.ops.mean(y_pred)\n"
        f"    model.compile('sgd', 'mse', metrics=[{metrics}])\n    return model\n"
    )
    assert known_metrics(model) == known


def test_model_with_its_own_test_step_has_no_known_metrics(build):
    model = build(
        "    class Net(keras.Sequential):\n"
        "        def test_step(self, data):\n            return {'mae': 0.0}\n"
        "    model = Net(model.layers)\n"
        "    model.compile('sgd', 'mse', metrics=['mae'])\n    return model\n"
    )
    assert known_metrics(model) == {}
