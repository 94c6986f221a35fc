"""A trial is chosen by a sentence about its metrics."""

from __future__ import annotations

import pytest

from tuner.errors import RequestError, UnknownNameError
from tuner.results.pick import example, pick
from tuner.results.rows import TrialRow
from tuner.spec import Goal, Objective

ACCURACY = Objective(metric="accuracy", direction="maximize")
SIZE = Goal(metric="n_params", direction="minimize")
TIME = Goal(metric="predict_s", direction="minimize", role="store")


def row(number: int, accuracy: float, size: float, seconds: float | None = None) -> TrialRow:
    measured = {"n_params": size} | ({} if seconds is None else {"predict_s": seconds})
    return TrialRow(number, "complete", (accuracy, size), {}, measured=measured)


ROWS = (
    row(0, 0.960, 90_000, 0.30),
    row(1, 0.955, 20_000, 0.20),
    row(2, 0.950, 5_000, 0.25),
    row(3, 0.900, 300, 0.10),
    row(4, 0.900, 300),
)


@pytest.mark.parametrize(
    ("sentence", "number"),
    [
        ("accuracy", 0),
        ("n_params", 3),
        ("accuracy within 0.005, then n_params", 1),
        ("accuracy within 0.01, then n_params", 2),
        ("accuracy within 1 %, then n_params", 1),
        ("accuracy within 1%, then n_params", 1),
        ("accuracy within 2 % , then  n_params", 2),
        ("n_params at most 20_000, then accuracy", 1),
        ("n_params at most 20000", 1),
        ("n_params at most 20,000,then accuracy", 1),
        ("accuracy at least 0.95, then predict_s", 1),
        ("accuracy at least 9.5e-1, then predict_s within 0.05, then n_params", 2),
        ("predict_s", 3),
    ],
)
def test_clauses_choose_one_trial(sentence: str, number: int) -> None:
    assert pick(sentence, ROWS, (ACCURACY, SIZE), (SIZE, TIME)).number == number


def test_ties_go_to_the_first_objective_then_to_the_earliest() -> None:
    equal = [row(0, 0.8, 10), row(1, 0.9, 10), row(2, 0.9, 10)]
    assert pick("n_params", equal, (ACCURACY, SIZE), (SIZE,)).number == 1


def test_single_objective_with_a_stored_metric_is_picked_likewise() -> None:
    rows = [
        TrialRow(number, "complete", (value,), {}, measured={"predict_s": seconds})
        for number, (value, seconds) in enumerate([(0.9, 0.5), (0.89, 0.1)])
    ]
    assert pick("accuracy within 0.01, then predict_s", rows, (ACCURACY,), (TIME,)).number == 1


@pytest.mark.parametrize(
    ("sentence", "error", "match"),
    [
        (
            "acuracy, then n_params",
            UnknownNameError,
            r'^--pick: "acuracy": the study has no metric "acuracy"; did you mean accuracy\?$',
        ),
        (
            "accuracy within, then n_params",
            RequestError,
            r'^--pick: "accuracy within" is no clause: a clause is METRIC, METRIC within NUMBER',
        ),
        ("accuracy > 0.9", RequestError, r'"accuracy > 0\.9" is no clause: a clause is METRIC'),
        ("", RequestError, r'"" is no clause: a clause is METRIC'),
        (
            "accuracy within a bit",
            RequestError,
            r'^--pick: "accuracy within a bit" is no clause',
        ),
        (
            "accuracy within five",
            RequestError,
            r'"five" is no number of at least 0; write accuracy within 0\.01$',
        ),
        (
            "accuracy, n_params",
            RequestError,
            r'"accuracy, n_params" is no clause: a clause is METRIC',
        ),
        (
            "n_params at most 1,5",
            RequestError,
            r'"1,5" is no number; write n_params at most 10_000$',
        ),
        ("accuracy within -1", RequestError, r'"-1" is no number of at least 0'),
        ("accuracy at most nan", RequestError, r'"nan" is no number; write accuracy at most 0\.01'),
        ("n_params at most 5 %", RequestError, r"only within takes a share; write n_params within"),
        (
            "accuracy, then n_params at most 500",
            RequestError,
            r'"n_params at most 500" keeps no trial: n_params is between 90,000 and 90,000; write',
        ),
    ],
)
def test_wrong_clauses_are_named(sentence: str, error: type[Exception], match: str) -> None:
    with pytest.raises(error, match=match):
        pick(sentence, ROWS, (ACCURACY, SIZE), (SIZE, TIME))


def test_metric_that_no_trial_has_is_named() -> None:
    with pytest.raises(RequestError, match='"predict_s" keeps no trial: predict_s of none of them'):
        pick("predict_s", ROWS[4:], (ACCURACY, SIZE), (SIZE, TIME))


def test_example_names_the_metrics_of_the_study() -> None:
    assert example((ACCURACY, SIZE)) == "accuracy within 1 %, then n_params"
    assert example((ACCURACY,)) == "accuracy"
    assert pick(example((ACCURACY, SIZE)), ROWS, (ACCURACY, SIZE)).number == 1
