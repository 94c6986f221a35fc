"""Trials are loaded with everything, as Optuna's own storage loads them."""

from __future__ import annotations

import math
from collections.abc import Callable

import optuna
import pytest
from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution
from optuna.storages import RDBStorage
from optuna.trial import FrozenTrial, TrialState, create_trial
from servers import EVERY_BACKEND

from tuner.storage.database import Database
from tuner.storage.sql import reads

Open = Callable[..., Database]


def made_trials() -> list[FrozenTrial]:
    params = {"units": 8, "rate": 0.25, "optimizer": "sgd", "switch": None}
    distributions = {
        "units": IntDistribution(4, 512, log=True),
        "rate": FloatDistribution(0.0, 1.0, step=0.25),
        "optimizer": CategoricalDistribution(["adam", "sgd"]),
        "switch": CategoricalDistribution([None, True, 2, "x"]),
    }
    return [
        create_trial(
            value=0.5,
            params=params,
            distributions=distributions,
            user_attrs={"reason": "ümlaut 日本", "lease": {"pid": 1, "started": 0.5}, "none": None},
            system_attrs={"completed_rung_0": 0.25, "constraints:memory": 1.0},
            intermediate_values={1: 0.1, 3: math.inf, 9: -math.inf},
        ),
        create_trial(value=-math.inf, params={}, distributions={}),
        create_trial(state=TrialState.PRUNED, value=0.25, intermediate_values={2: 0.25}),
        create_trial(state=TrialState.FAIL, user_attrs={"reason": "NaN"}),
        create_trial(state=TrialState.WAITING, system_attrs={"fixed_params": params}),
        create_trial(state=TrialState.RUNNING, params=params, distributions=distributions),
    ]


@pytest.mark.parametrize("at_once", [500, 2])
def test_trials_are_loaded_as_optuna_loads_them(
    at_once: int, url: str, open_database: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reads, "_AT_ONCE", at_once)
    storage = open_database().storage
    plain = RDBStorage(url)
    study = optuna.create_study(storage=storage, study_name="s")
    other = optuna.create_study(storage=storage, study_name="other")
    for trial in made_trials():
        study.add_trial(trial)
        other.add_trial(trial)
    for one in (study, other):
        expected = plain.get_all_trials(one._study_id)
        assert repr(storage.get_all_trials(one._study_id)) == repr(expected)
        assert list(expected[0].params) == ["units", "rate", "optimizer", "switch"]
        assert storage.get_trial(expected[0]._trial_id) == expected[0]
        assert storage.get_trial(expected[-1]._trial_id) == expected[-1]
        waiting = (TrialState.WAITING, TrialState.RUNNING)
        assert storage.get_all_trials(one._study_id, states=waiting) == expected[4:]
    plain.engine.dispose()


@pytest.mark.parametrize("url", EVERY_BACKEND, indirect=True)
def test_values_of_several_objectives_are_loaded(open_database: Open) -> None:
    storage = open_database().storage
    study = optuna.create_study(storage=storage, directions=["minimize", "maximize"])
    study.tell(study.ask(), [0.5, math.inf])
    assert study.trials[0].values == [0.5, math.inf]


@pytest.mark.parametrize("url", EVERY_BACKEND, indirect=True)
def test_changes_of_other_processes_are_read(open_database: Open) -> None:
    mine, theirs = open_database(), open_database()
    optuna.create_study(storage=mine.storage, study_name="s")
    here, there = mine.study("s"), theirs.study("s")
    trials = [there.ask(), there.ask()]
    assert [trial.state for trial in here.trials] == 2 * [TrialState.RUNNING]
    there.tell(trials[1], 2.0)
    trials[0].report(0.5, 1)
    assert [trial.value for trial in here.trials] == [None, 2.0]
    assert here.trials[0].intermediate_values == {1: 0.5}
    there.tell(trials[0], 1.0)
    there.enqueue_trial({"x": 0.5})
    assert [trial.state.name for trial in here.trials] == ["COMPLETE", "COMPLETE", "WAITING"]
