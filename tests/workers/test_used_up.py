"""Runs of studies with a finite space, and of trials that were enqueued with wrong values."""

from __future__ import annotations

import json

import optuna
import pytest
from laboratory import Laboratory
from optuna.trial import TrialState

from tuner.errors import RequestError
from tuner.storage.database import Database

BRUTE = (
    ('name = "random"', 'name = "bruteforce"'),
    ("low = 0.001\nhigh = 0.1\nlog = true", "low = 0.1\nhigh = 0.3\nstep = 0.1"),
    ("n_trials = 4", "n_trials = 20"),
)


@pytest.fixture
def finite(laboratory: Laboratory) -> Laboratory:
    """The scripted study with three combinations, of which twenty trials are wanted."""
    text = laboratory.study.read_text()
    for old, new in BRUTE:
        assert old in text
        text = text.replace(old, new)
    laboratory.study.write_text(text)
    return laboratory


def opened(laboratory: Laboratory) -> optuna.Study:
    return Database(laboratory.url).study("scripted")


def rates(laboratory: Laboratory) -> list[float]:
    trials = opened(laboratory).get_trials(states=(TrialState.COMPLETE,))
    return sorted(trial.params["learning_rate"] for trial in trials)


@pytest.mark.slow
def test_run_succeeds_when_the_space_is_used_up(finite: Laboratory) -> None:
    run = finite.run(workers=2)
    assert (run.ending, rates(finite)) == ("done", [0.1, 0.2, 0.3])
    assert run.to_dict()["is_used_up"] is True
    for again in ({}, {"more": 5}, {"n_trials": 50}):
        other = finite.run(workers=2, **again)
        assert (other.ending, other.n_workers) == ("done", None)
    opened(finite).enqueue_trial({"learning_rate": 0.2, "epochs": 3})
    assert finite.run(workers=2).counts["complete"] == 4
    assert finite.run(workers=2).n_workers is None


@pytest.mark.slow
def test_worker_of_the_service_leaves_a_study_whose_space_is_used_up(
    finite: Laboratory,
) -> None:
    finite.submit()
    assert finite.serve(workers=2) == "done"
    assert rates(finite) == [0.1, 0.2, 0.3]
    done = "scripted is done: every combination of the search space has been tried, 3 in all"
    assert finite.recorder.notes().count(done) == 1
    assert finite.serve("scripted") == "done"
    assert ("study", "scripted") not in finite.recorder.events, "nothing was begun"


@pytest.mark.slow
def test_run_continues_after_any_number_of_wrongly_enqueued_trials(laboratory: Laboratory) -> None:
    laboratory.submit(n_trials=2)
    study = opened(laboratory)
    for number in range(12):
        study.enqueue_trial({"learning_rate": 7 + number, "epochs": 3})
    assert laboratory.serve() == "done"
    states = [trial.state for trial in study.trials]
    assert states == 12 * [TrialState.FAIL] + 2 * [TrialState.COMPLETE]


def test_the_same_command_does_nothing_when_the_space_is_used_up(
    finite: Laboratory, command
) -> None:
    """No process is started: the stored study shows that nothing is left to try."""
    finite.store()
    study = opened(finite)
    for rate in (0.1, 0.2, 0.3):
        study.add_trial(made(rate))
    words = ["run", finite.study, "--storage", finite.url]
    answer = command(*words)
    assert (answer.status, answer.err) == (0, "")
    assert "every combination of the search space has been tried, 3 in all" in answer.out
    assert json.loads(command(*words, "--json").out)["is_used_up"] is True


def test_a_study_with_another_kind_of_a_parameter_is_refused(laboratory: Laboratory) -> None:
    laboratory.store()
    kind = optuna.distributions.CategoricalDistribution(["slow", "fast"])
    opened(laboratory).add_trial(
        optuna.trial.create_trial(
            params={"learning_rate": "slow"}, distributions={"learning_rate": kind}, value=1.0
        )
    )
    with pytest.raises(
        RequestError,
        match=r"study 'scripted' cannot go on: its trial 0, which was added by hand, has "
        r"learning_rate as Categorical.*, but the search space has Float.*--study-name NAME",
    ):
        laboratory.run(workers=1)


def made(rate: float) -> optuna.trial.FrozenTrial:
    return optuna.trial.create_trial(
        params={"learning_rate": rate, "epochs": 3},
        distributions={
            "learning_rate": optuna.distributions.FloatDistribution(0.1, 0.3, step=0.1),
            "epochs": optuna.distributions.IntDistribution(3, 3),
        },
        value=rate,
        user_attrs={"seed": 1, "epoch": 1, "epochs": 3},
    )
