"""Which trials take over the value of an equal one, and whose."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import optuna
import pytest
from optuna.trial import TrialState

from tuner.errors import SpecError
from tuner.spec import Role, StudySpec
from tuner.spec.models import EarlyStopping
from tuner.studies.catalog import find_study
from tuner.studies.definition import DUPLICATES, duplicates_of
from tuner.trials.reusing import equal_trial

PARAMS = {"units": 4}
ENDED = {"seed": 7, "epochs_wanted": 5, "epoch": 3, "epochs": 5}


@pytest.fixture
def spec() -> StudySpec:
    return find_study("xor").model_copy(update={"early_stopping": None})


def study_with(state: TrialState, **attrs: Any) -> tuple[optuna.Study, optuna.Trial]:
    """A study with one finished trial of `PARAMS`, and a running one."""
    study = optuna.create_study()
    trial = study.ask()
    trial.suggest_int("units", 4, 4)
    for key, value in attrs.items():
        trial.set_user_attr(key, value)
    study.tell(trial, 0.5 if state is TrialState.COMPLETE else None, state=state)
    return study, study.ask()


@pytest.mark.parametrize("role", [Role.SEARCH, Role.DEFAULT])
@pytest.mark.parametrize("state", [TrialState.COMPLETE, TrialState.PRUNED])
def test_search_takes_over_what_the_search_has_trained(
    role: Role, state: TrialState, spec: StudySpec
) -> None:
    _, trial = study_with(state, role="search", **ENDED)
    found = equal_trial(trial, PARAMS, role, spec)
    assert found is not None
    assert found.number == 0
    assert equal_trial(trial, {"units": 5}, role, spec) is None


@pytest.mark.parametrize("role", [Role.REFERENCE, Role.CONFIRM, Role.REPLAY])
def test_trials_that_measure_on_purpose_take_nothing_over(role: Role, spec: StudySpec) -> None:
    _, trial = study_with(TrialState.COMPLETE, role="search", **ENDED)
    assert equal_trial(trial, PARAMS, role, spec) is None


def test_reference_is_taken_over_only_without_early_stopping(spec: StudySpec) -> None:
    _, trial = study_with(TrialState.COMPLETE, role="reference", origin="document", **ENDED)
    assert equal_trial(trial, PARAMS, Role.SEARCH, spec) is not None
    stopping = spec.model_copy(update={"early_stopping": EarlyStopping(patience=3)})
    assert equal_trial(trial, PARAMS, Role.SEARCH, stopping) is None


@pytest.mark.parametrize(
    "attrs",
    [{}, {"reused": 3, **ENDED}, {**ENDED, "epoch": "three"}, {"role": "confirm", **ENDED}],
    ids=["added by hand", "taken over itself", "damaged", "confirmation"],
)
def test_values_that_the_search_has_not_measured_are_not_taken_over(
    attrs: dict[str, Any], spec: StudySpec
) -> None:
    _, trial = study_with(TrialState.COMPLETE, **attrs)
    assert equal_trial(trial, PARAMS, Role.SEARCH, spec) is None


def test_failed_trials_are_trained_again(spec: StudySpec) -> None:
    _, trial = study_with(TrialState.FAIL, role="search", **ENDED)
    assert equal_trial(trial, PARAMS, Role.SEARCH, spec) is None


def test_studies_of_earlier_versions_repeat_and_new_ones_reuse(spec: StudySpec) -> None:
    assert spec.duplicates is None
    assert duplicates_of(spec, {}) == "repeat"
    assert duplicates_of(spec, {DUPLICATES: "reuse"}) == "reuse"
    said = spec.model_copy(update={"duplicates": "repeat"})
    assert duplicates_of(said, {DUPLICATES: "reuse"}) == "repeat"


def test_damaged_attribute_is_an_error(spec: StudySpec) -> None:
    with pytest.raises(SpecError, match=r"tuner:duplicates: .*reuse.*but got 3"):
        duplicates_of(spec, {DUPLICATES: 3})


def test_duplicates_may_change_on_resume(tmp_path: Path) -> None:
    one, other = (find_study("xor", [f"duplicates={word}"]) for word in ("reuse", "repeat"))
    assert one.fingerprint == other.fingerprint == find_study("xor").fingerprint
    assert one.to_dict()["duplicates"] == "reuse"
