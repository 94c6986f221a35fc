from __future__ import annotations

import math

import numpy as np
import pytest

from tuner.errors import MetricError, TrialFailed
from tuner.learners.watch import Watch
from tuner.spec import EarlyStopping


def run(
    values: list[float],
    direction: str = "maximize",
    on_epoch=None,
    early_stopping: EarlyStopping | None = None,
    epochs: int | None = None,
) -> tuple[Watch, list[bool]]:
    """Plays a loop: the values are val_accuracy, epoch by epoch, until the watch stops it."""
    watch = Watch(
        epochs or len(values),
        "accuracy",
        direction,
        on_step=on_epoch,
        early_stopping=early_stopping,
    )
    improved = []
    for epoch, value in enumerate(values, start=1):
        verdict = watch.observe(epoch, {"loss": 1.0, "val_loss": 1.0, "val_accuracy": value})
        improved.append(verdict.improved)
        if verdict.stop:
            break
    return watch, improved


def test_the_value_is_the_best_epochs_not_the_last():
    watch, improved = run([0.5, 0.9, 0.7, 0.8])
    result = watch.result()
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


def test_reason_from_the_hook_prunes_and_is_stored():
    watch, _ = run(
        [0.5, 0.4, 0.3, 0.9], on_epoch=lambda epoch, *_: "below the median" if epoch == 3 else None
    )
    result = watch.result()
    assert (result.state, result.value, result.epoch, result.epochs) == ("pruned", 0.5, 1, 3)
    assert result.reason == "pruned at epoch 3: below the median"


def test_the_last_epoch_cannot_be_pruned():
    result = run([0.5, 0.4], on_epoch=lambda e, *_: "too low" if e == 2 else None)[0].result()
    assert (result.state, result.reason) == ("complete", None)


def test_reason_of_early_stopping_has_its_patience():
    watch, _ = run([0.5, 0.9, 0.8, 0.8, 0.8, 0.8], early_stopping=EarlyStopping(patience=2))
    result = watch.result()
    assert (result.state, result.value, result.epoch, result.epochs) == ("complete", 0.9, 2, 4)
    assert result.reason == "early stopping: no better val_accuracy for 2 epochs"


def test_reason_of_early_stopping_has_its_min_delta():
    rule = EarlyStopping(patience=1, min_delta=0.01)
    result = run([0.5, 0.505, 0.8], early_stopping=rule)[0].result()
    assert result.reason == "early stopping: no better val_accuracy (by more than 0.01) for 1 epoch"
    assert result.value == 0.505  # the best is the best, however small its lead


def test_early_stopping_comes_before_pruning_in_the_same_epoch():
    watch, _ = run(
        [0.5, 0.4, 0.4], on_epoch=lambda *_: "no", early_stopping=EarlyStopping(patience=1)
    )
    assert watch.result().state == "pruned"  # the first epoch: nothing to wait for yet
    watch, _ = run(
        [0.5, 0.4, 0.4],
        on_epoch=lambda e, *_: "no" if e == 2 else None,
        early_stopping=EarlyStopping(patience=1),
    )
    assert watch.result().state == "complete"


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
    watch = Watch(9, "accuracy", "maximize", on_step=lambda epoch, *_: hooked.append(epoch))
    watch.observe(1, {"loss": 1.0, "val_loss": 1.0, "val_accuracy": 0.5})
    verdict = watch.observe(2, logs)
    assert (verdict.stop, verdict.improved) == (True, False)
    assert hooked == [1]
    assert len(watch.logs) == 1
    with pytest.raises(TrialFailed, match=words) as caught:
        watch.result()
    assert "a lower learning_rate" in caught.value.reason


def test_metric_that_is_not_watched_may_be_nan():
    watch = Watch(1, "accuracy", "maximize")
    watch.observe(1, {"loss": 1.0, "val_loss": 1.0, "val_accuracy": 0.5, "val_f1": math.nan})
    assert watch.result().value == 0.5


@pytest.mark.parametrize("logs", [{"val_acuracy": None}, {}])
def test_absent_metric_is_an_error_that_lists_those_there_are(logs):
    watch = Watch(3, "acuracy", "maximize")
    assert watch.observe(1, {"loss": 1.0, "val_loss": 1.0, "val_accuracy": 0.5, **logs}).stop
    words = (
        'objective.metric: the model does not measure "acuracy"; did you mean accuracy\\? '
        "It measures: loss, accuracy"
    )
    with pytest.raises(MetricError, match=words):
        watch.result()


def test_fit_stopped_by_a_users_callback_has_a_reason():
    result = run([0.5, 0.9], epochs=5)[0].result()
    assert result.reason == "stopped at epoch 2 by a callback of the model's own"


def test_fit_without_epochs_fails():
    with pytest.raises(TrialFailed, match="no epoch was run"):
        Watch(5, "accuracy", "maximize").result()


@pytest.mark.parametrize("step", [0, 1, 3])
def test_steps_that_are_not_counted_one_by_one_fail_the_trial(step):
    watch = run([0.5], epochs=5)[0]
    assert watch.observe(step, {"val_accuracy": 0.9}).stop
    with pytest.raises(TrialFailed, match=rf"^epoch {step} was reported where epoch 2 is due: "):
        watch.result()


def step(loss: float = 1.0, accuracy: float = 0.5) -> dict[str, float]:
    return {"loss": loss, "val_loss": 1.0, "val_accuracy": accuracy}


def test_replayed_steps_count_and_reach_no_hook():
    observed = []
    rule = EarlyStopping(patience=2)
    watch = Watch(
        *(9, "accuracy", "maximize"),
        on_step=lambda epoch, *_: observed.append(epoch),
        early_stopping=rule,
    )
    watch.observe(1, step(accuracy=0.1))
    assert watch.replay([step(accuracy=0.9), step(accuracy=0.8)])
    assert watch.observe(3, step(accuracy=0.8)).stop
    assert observed == [1, 3]
    assert (watch.result().epoch, watch.result().epochs) == (1, 3)


def test_steps_that_would_have_ended_the_fit_are_not_replayed():
    watch = Watch(9, "accuracy", "maximize")
    assert not watch.replay([step(), step(loss=math.nan)])
    assert watch.logs == []


def test_blind_watch_runs_all_steps_and_counts_the_last():
    watch = Watch(2)
    assert watch.is_blind
    assert not watch.observe(1, {"loss": 1.0}).stop
    assert watch.observe(2, {"loss": 2.0}).stop
    result = watch.result()
    assert (result.epoch, result.value, result.history) == (2, None, {"loss": [1.0, 2.0]})


def test_blind_watch_fails_when_the_loss_diverges():
    watch = Watch(3, word="iteration")
    assert watch.observe(1, {"loss": math.nan}).stop
    with pytest.raises(TrialFailed, match=r"^loss is NaN at iteration 1: "):
        watch.result()


def test_metric_that_the_learner_does_not_log_is_scored_from_predictions():
    watch = Watch(2, "f1", "maximize", score=lambda predictions: float(predictions.mean()))
    watch.observe(1, {"loss": 1.0}, lambda: np.array([0.25, 0.75]))
    watch.observe(2, {"loss": 1.0, "val_f1": 0.9}, lambda: np.array([0.0]))
    assert [logs["val_f1"] for logs in watch.logs] == [0.5, 0.9]


def test_metric_that_is_not_defined_for_the_predictions_ends_the_fit():
    def score(predictions):
        raise MetricError("log_loss cannot be computed from these predictions")

    watch = Watch(2, "log_loss", "minimize", score=score)
    assert watch.observe(1, {"loss": 1.0}, lambda: np.array([2.0])).stop
    with pytest.raises(MetricError, match="log_loss cannot be computed"):
        watch.result()


def test_step_that_is_not_scored_is_neither_best_nor_reported() -> None:
    seen: list[int] = []
    watch = Watch(4, "accuracy", "maximize", on_step=lambda step, *_: seen.append(step))
    watch.skip(1)
    watch.observe(2, {"val_accuracy": 0.5})
    watch.skip(3)
    watch.observe(4, {"val_accuracy": 0.4})
    result = watch.result()
    assert (result.epoch, result.epochs, result.value) == (2, 4, 0.5)
    assert result.history == {"val_accuracy": [0.5, 0.4]}
    assert seen == [2, 4]


def test_step_that_is_not_scored_must_be_the_next_one() -> None:
    watch = Watch(4, "accuracy", "maximize")
    watch.skip(2)
    with pytest.raises(TrialFailed, match="epoch 2 was reported where epoch 1 is due"):
        watch.result()
