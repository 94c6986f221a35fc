from __future__ import annotations

import math

import pytest

from tuner.errors import MetricError, TrialFailed
from tuner.learners.keras.training import Course, Monitor
from tuner.spec import EarlyStopping


def run(
    values: list[float],
    direction: str = "maximize",
    on_epoch=None,
    early_stopping: EarlyStopping | None = None,
    epochs: int | None = None,
) -> tuple[Course, list[bool]]:
    """Plays a loop: the values are val_accuracy, epoch by epoch, until the course says stop."""
    monitor = Monitor("accuracy", direction, on_epoch)
    course = Course(monitor, epochs or len(values), early_stopping)
    improved = []
    for epoch, value in enumerate(values, start=1):
        verdict = course.observe(epoch, {"loss": 1.0, "val_loss": 1.0, "val_accuracy": value})
        improved.append(verdict.improved)
        if verdict.stop:
            break
    return course, improved


def test_the_value_is_the_best_epochs_not_the_last():
    course, improved = run([0.5, 0.9, 0.7, 0.8])
    result = course.result()
    assert (result.state, result.value, result.epoch, result.epochs) == ("complete", 0.9, 2, 4)
    assert result.reason is None
    assert improved == [True, True, False, False]


def test_the_best_is_the_least_when_minimized():
    result = run([0.5, 0.3, 0.4], "minimize")[0].result()
    assert (result.value, result.epoch) == (0.3, 2)


def test_the_earliest_of_equal_epochs_is_the_best():
    assert run([0.5, 0.9, 0.9])[0].result().epoch == 2


def test_the_history_holds_every_log_of_every_epoch():
    history = run([0.5, 0.9])[0].result().history
    assert history == {"loss": [1.0, 1.0], "val_loss": [1.0, 1.0], "val_accuracy": [0.5, 0.9]}


def test_the_hook_sees_each_epoch_once_in_order():
    seen = []
    run([0.5, 0.9], on_epoch=lambda *args: seen.append(args))
    assert [(epoch, value) for epoch, value, _ in seen] == [(1, 0.5), (2, 0.9)]
    assert seen[0][2]["loss"] == 1.0


def test_a_text_from_the_hook_prunes_and_is_kept():
    course, _ = run(
        [0.5, 0.4, 0.3, 0.9], on_epoch=lambda epoch, *_: "below the median" if epoch == 3 else None
    )
    result = course.result()
    assert (result.state, result.value, result.epoch, result.epochs) == ("pruned", 0.5, 1, 3)
    assert result.reason == "pruned at epoch 3: below the median"


def test_the_last_epoch_cannot_be_pruned():
    result = run([0.5, 0.4], on_epoch=lambda e, *_: "too low" if e == 2 else None)[0].result()
    assert (result.state, result.reason) == ("complete", None)


def test_early_stopping_tells_how_long_it_waited():
    course, _ = run([0.5, 0.9, 0.8, 0.8, 0.8, 0.8], early_stopping=EarlyStopping(patience=2))
    result = course.result()
    assert (result.state, result.value, result.epoch, result.epochs) == ("complete", 0.9, 2, 4)
    assert result.reason == "early stopping: no better val_accuracy for 2 epochs"


def test_early_stopping_names_its_least_change():
    rule = EarlyStopping(patience=1, min_delta=0.01)
    result = run([0.5, 0.505, 0.8], early_stopping=rule)[0].result()
    assert result.reason == "early stopping: no better val_accuracy (by more than 0.01) for 1 epoch"
    assert result.value == 0.505  # the best is the best, however small its lead


def test_a_run_that_settles_is_not_pruned_in_the_same_epoch():
    course, _ = run(
        [0.5, 0.4, 0.4], on_epoch=lambda *_: "no", early_stopping=EarlyStopping(patience=1)
    )
    assert course.result().state == "pruned"  # the first epoch: nothing to wait for yet
    course, _ = run(
        [0.5, 0.4, 0.4],
        on_epoch=lambda e, *_: "no" if e == 2 else None,
        early_stopping=EarlyStopping(patience=1),
    )
    assert course.result().state == "complete"


@pytest.mark.parametrize(
    ("logs", "words"),
    [
        (
            {"loss": 1.0, "val_loss": 1.0, "val_accuracy": math.nan},
            "val_accuracy is NaN at epoch 2",
        ),
        ({"loss": 1.0, "val_loss": math.inf, "val_accuracy": 0.5}, "val_loss is infinite at epoch"),
        ({"loss": math.nan, "val_loss": 1.0, "val_accuracy": 0.5}, "^loss is NaN at epoch 2: .*"),
    ],
)
def test_numbers_that_are_not_finite_fail_the_trial(logs, words):
    hooked = []
    monitor = Monitor("accuracy", "maximize", lambda epoch, *_: hooked.append(epoch))
    course = Course(monitor, 9)
    course.observe(1, {"loss": 1.0, "val_loss": 1.0, "val_accuracy": 0.5})
    verdict = course.observe(2, logs)
    assert (verdict.stop, verdict.improved) == (True, False)
    assert hooked == [1]
    with pytest.raises(TrialFailed, match=words) as caught:
        course.result()
    assert "a lower learning_rate" in caught.value.reason


def test_what_is_not_watched_may_be_nan():
    course = Course(Monitor("accuracy", "maximize"), 1)
    course.observe(1, {"loss": 1.0, "val_loss": 1.0, "val_accuracy": 0.5, "val_f1": math.nan})
    assert course.result().value == 0.5


@pytest.mark.parametrize("logs", [{"val_acuracy": None}, {}])
def test_an_absent_metric_is_an_error_that_lists_those_there_are(logs):
    course = Course(Monitor("acuracy", "maximize"), 3)
    assert course.observe(1, {"loss": 1.0, "val_loss": 1.0, "val_accuracy": 0.5, **logs}).stop
    words = (
        'objective.metric: the model does not measure "acuracy"; did you mean accuracy\\? '
        "It measures: loss, accuracy"
    )
    with pytest.raises(MetricError, match=words):
        course.result()


def test_a_run_that_something_else_stopped_says_so():
    result = run([0.5, 0.9], epochs=5)[0].result()
    assert result.reason == "stopped at epoch 2 by a callback of the model's own"


def test_a_run_without_epochs_fails():
    with pytest.raises(TrialFailed, match="no epoch was run"):
        Course(Monitor("accuracy", "maximize"), 5).result()
