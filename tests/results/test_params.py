from __future__ import annotations

import pytest

from tuner.results.params import phrases
from tuner.space import SearchSpace
from tuner.units import count, duration, figure, setting

SPACE = SearchSpace.parse(
    {
        "n_layers": {"type": "int", "low": 0, "high": 3},
        "units": {"type": "int", "low": 1, "high": 9, "repeat": "n_layers"},
        "dropout": {"type": "float", "low": 0, "high": 1, "repeat": "n_layers"},
        "depth": {"type": "int", "low": 1, "high": 3},
        "filters": {"type": "int", "low": 1, "high": 9, "repeat": "depth"},
        "optimizer": {"type": "categorical", "choices": ["adam", "sgd"]},
    },
    "test.toml",
)


@pytest.mark.parametrize(
    ("params", "shown"),
    [
        ({"n_layers": 2, "units_1": 8, "units_2": 4}, ["2 layers of 8, 4 units"]),
        ({"n_layers": 1, "units_1": 8}, ["1 layer of 8 units"]),
        ({"n_layers": 0}, ["no layers"]),
        (
            {"n_layers": 2, "units_1": 8, "units_2": 4, "dropout_1": 0.1, "dropout_2": 0.25},
            ["2 layers of 8, 4 units with dropout 0.1, 0.25"],
        ),
        ({"n_layers": 1, "dropout_1": 0.5}, ["1 layer with dropout 0.5"]),
        ({"depth": 2, "filters_1": 3, "filters_2": 5}, ["depth 2 of 3, 5 filters"]),
        (
            {"optimizer": "adam", "n_layers": 1, "units_1": 8, "momentum_2": 0.5},
            ["optimizer adam", "1 layer of 8 units", "momentum_2 0.5"],
        ),
    ],
)
def test_repeated_parameters_are_grouped(params: dict[str, object], shown: list[str]) -> None:
    assert phrases(params, SPACE) == shown  # type: ignore[arg-type]


def test_parameters_of_a_learner_are_shown_without_its_name() -> None:
    params = {"learner": "mlp", "mlp_dropout": 0.1, "mlp_optimizer": "adam"}
    assert phrases(params) == ["mlp", "dropout 0.1", "optimizer adam"]
    assert phrases({**params, "other": 1})[0] == "learner mlp"


def test_groups_without_a_space_have_no_count() -> None:
    params = {"n_layers": 2, "units_1": 8, "units_2": 4, "rate": 0.00123456}
    assert phrases(params) == ["n_layers 2", "units 8, 4", "rate 0.00123"]


@pytest.mark.parametrize(
    ("value", "text"),
    [(0.99774, "0.9977"), (0, "0"), (4.2e-5, "4.2e-05"), (-0.5, "-0.5000"), (1234.56, "1234.56")],
)
def test_figures_have_their_significant_digits(value: float, text: str) -> None:
    assert figure(value) == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0.04, "0 s"),
        (0.84, "0.8 s"),
        (9.96, "10 s"),
        (59.7, "1 min"),
        (112.3, "1 min 52 s"),
        (3599.9, "1 h"),
        (7500, "2 h 5 min"),
    ],
)
def test_durations_have_readable_units(seconds: float, text: str) -> None:
    assert duration(seconds) == text


def test_settings_and_counts_are_written_in_words() -> None:
    assert [setting(value) for value in (True, False, 3, "relu", 0.1)] == [
        "yes",
        "no",
        "3",
        "relu",
        "0.1",
    ]
    assert (count(1, "trial"), count(0, "trial")) == ("1 trial", "0 trials")
