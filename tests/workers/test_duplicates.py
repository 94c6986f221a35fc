"""Runs of studies whose sampler proposes a configuration again."""

from __future__ import annotations

import json

import pytest
from laboratory import Laboratory

from tuner.results.study_text import summary
from tuner.results.views import trials
from tuner.storage.database import Database

FEW = ("low = 0.001\nhigh = 0.1\nlog = true", "low = 0.1\nhigh = 0.2\nstep = 0.1")


@pytest.fixture
def few(laboratory: Laboratory) -> Laboratory:
    """The scripted study with two combinations, and a sampler that proposes them again."""
    text = laboratory.study.read_text()
    assert FEW[0] in text
    laboratory.study.write_text(text.replace(*FEW).replace("n_trials = 4", "n_trials = 6"))
    return laboratory


@pytest.mark.slow
def test_equal_trials_take_over_value_epoch_and_curves(few: Laboratory) -> None:
    result = few.run(workers=1)
    trained = {row.params["learning_rate"]: row for row in result.trials if row.reused is None}
    reused = [row for row in result.trials if row.reused is not None]
    assert (len(trained), len(reused), result.counts["complete"]) == (2, 4, 6)
    database = Database(few.url)
    study = database.study("scripted")
    for row in reused:
        own = trained[row.params["learning_rate"]]
        assert row.reused == own.number
        assert (row.values, row.epoch, row.epochs) == (own.values, own.epoch, own.epochs)
        assert row.seed == own.seed, "the seed that gives the value again"
        assert study.trials[row.number].intermediate_values == (
            study.trials[own.number].intermediate_values
        )
        one, other = (database.curves(study, number) for number in (row.number, own.number))
        assert {k: v.tolist() for k, v in one.items()} == {k: v.tolist() for k, v in other.items()}
    assert result.best is not None
    assert result.best.number in {row.number for row in trained.values()}
    assert "6 complete, 0 pruned, 0 failed, 4 reused" in summary(result)
    assert result.to_dict()["reused"] == 4
    listed = json.loads(trials(result, "json"))
    assert [one["number"] for one in listed if "reused" in one] == [row.number for row in reused]
    assert f"equal to trial {reused[0].reused}, whose value it takes over" in trials(result)


@pytest.mark.slow
def test_equal_trials_are_trained_again_if_the_study_says_so(few: Laboratory) -> None:
    few.study.write_text('duplicates = "repeat"\n' + few.study.read_text())
    result = few.run(workers=1, n_trials=4)
    assert (result.n_reused, result.counts["complete"]) == (0, 4)
    assert len({row.seed for row in result.trials}) == 4
    assert "reused" not in result.to_dict()
