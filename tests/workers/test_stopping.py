"""Runs of studies that stop by themselves."""

from __future__ import annotations

import pytest
from laboratory import Laboratory

from tuner.errors import SpecError
from tuner.results.study_text import summary
from tuner.storage.attributes import STOPPED
from tuner.storage.database import Database

STOP = 'stop = {{ when = "unlikely", min_trials = 6, patience = 1{more} }}'


@pytest.fixture
def stopping(laboratory: Laboratory) -> Laboratory:
    """The scripted study, whose values are known to be worth nothing after a few trials."""
    change(laboratory, "n_trials = 4", f"n_trials = 30\n{STOP.format(more=', error = 100')}")
    return laboratory


def change(laboratory: Laboratory, old: str, new: str) -> None:
    text = laboratory.study.read_text()
    assert old in text
    laboratory.study.write_text(text.replace(old, new))


@pytest.mark.slow
def test_run_ends_early_and_says_why(stopping: Laboratory) -> None:
    result = stopping.run(workers=1)
    n = result.counts["complete"]
    assert (result.ending, result.short) == ("done", None)
    assert 6 <= n < 30
    text = summary(result)
    assert f"stopped after {n} of 30 trials: the expected gain of the others, about " in text
    assert f"is below the error of estimation, 100; {30 - n} trials saved" in text
    stopped = result.to_dict()["stopped"]
    assert (stopped["finished"], stopped["wanted"], stopped["saved"]) == (n, 30, 30 - n)

    again = stopping.run(workers=1)
    assert (again.n_workers, again.counts["complete"]) == (None, n), "it does not start anew"
    assert again.stop == result.stop

    more = stopping.run(workers=1, more=2)
    assert (more.counts["complete"], more.stop) == (n + 2, None)

    change(stopping, STOP.format(more=", error = 100"), "")
    assert stopping.run(workers=1, n_trials=n + 3).counts["complete"] == n + 3


@pytest.mark.slow
def test_service_is_done_with_a_study_that_has_stopped(stopping: Laboratory) -> None:
    stopping.submit()
    assert stopping.serve() == "done"
    study = Database(stopping.url).study("scripted")
    n = study.user_attrs[STOPPED]["finished"]
    assert len(study.trials) == n < 30
    assert f"scripted is done: stopped after {n} of 30 trials" in stopping.recorder.notes()
    study.enqueue_trial({"learning_rate": 0.05, "epochs": 3})
    assert stopping.serve() == "done"
    assert len(study.get_trials()) == n + 1, "what is enqueued is run all the same"


@pytest.mark.slow
def test_error_of_a_metric_of_the_model_must_be_given(laboratory: Laboratory) -> None:
    change(laboratory, "n_trials = 4", f"n_trials = 30\n{STOP.format(more='')}")
    with pytest.raises(
        SpecError,
        match=r"budget\.stop\.error: is missing: only the model itself measures loss, .*"
        r"write error = 0\.01",
    ):
        laboratory.run(workers=1)


@pytest.mark.slow
def test_error_is_estimated_from_the_validation_rows(laboratory: Laboratory) -> None:
    change(laboratory, "n_trials = 4", f"n_trials = 2\n{STOP.format(more='')}")
    change(laboratory, 'metric = "loss"', 'metric = "mae"')
    laboratory.run(workers=1)
    for trial in Database(laboratory.url).study("scripted").trials:
        assert 0 < trial.user_attrs["standard_error"] < trial.value
