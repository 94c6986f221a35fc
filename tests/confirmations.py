"""Studies with a confirmation, made by hand: nothing is trained."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any

import optuna
from laboratory import DATA, Laboratory
from optuna.trial import TrialState, create_trial

from tuner.spec import StudySpec
from tuner.spec.models import Confirm
from tuner.storage.database import Database
from tuner.studies.catalog import find_study
from tuner.studies.companion import Companion, prepare_companion
from tuner.studies.lifecycle import create_or_resume

REFERENCE = """
[[reference]]
name = "document"
params = { learning_rate = 0.05, epochs = 3 }
"""


def searched(
    laboratory: Laboratory, values: Sequence[float], reference: float | None = None
) -> tuple[Database, optuna.Study, StudySpec]:
    """Stores the scripted study with a complete trial of each value, and of its reference."""
    if reference is not None:
        laboratory.add(REFERENCE)
    spec = find_study(str(laboratory.study))
    database = Database(laboratory.url)
    study = create_or_resume(database, "scripted", spec, {**DATA, "fingerprint": "0" * 64})
    for trial in study.get_trials(states=(TrialState.WAITING,)):
        study.tell(study.ask(), state=TrialState.FAIL)
        assert trial.user_attrs["origin"] == "document"
    for number, value in enumerate(values):
        study.add_trial(_trial(spec, value, 0.001 * (number + 1), seed=number))
    if reference is not None:
        attrs = {"role": "reference", "origin": "document"}
        study.add_trial(_trial(spec, reference, 0.05, seed=99, **attrs))
    return database, study, spec


def begun(
    database: Database, study: optuna.Study, spec: StudySpec, **wanted: Any
) -> tuple[Companion, optuna.Study]:
    """Prepares the companion of a study."""
    asked = Confirm().model_copy(update={"fresh_splits": False, **wanted})
    companion = prepare_companion(database, study, spec, asked)
    return companion, database.study(companion.name)


def add_repeats(
    companion: Companion,
    study: optuna.Study,
    values: Mapping[str, Sequence[float | None]],
    seconds: Mapping[str, float] | None = None,
    **attrs: Any,
) -> None:
    """Adds repeats of candidates; None is one that failed."""
    by_name = {one.name: one for one in companion.stored.candidates}
    for name, own in values.items():
        for repeat, value in enumerate(own):
            rate = by_name[name].params["learning_rate"]
            more = {"role": "confirm", "origin": name, "repeat": repeat, **attrs}
            trial = _trial(companion.spec, value, rate, seed=repeat, **more)
            if seconds and trial.datetime_start:
                took = timedelta(seconds=seconds[name])
                trial.datetime_complete = trial.datetime_start + took
            study.add_trial(trial)


def _trial(
    spec: StudySpec, value: float | None, rate: float, **attrs: Any
) -> optuna.trial.FrozenTrial:
    space = {p.name: p.distribution() for p in spec.search_space.parameters}
    ended = {"epoch": 2} if value is not None else {"reason": "loss is NaN at epoch 1"}
    return create_trial(
        state=TrialState.FAIL if value is None else TrialState.COMPLETE,
        value=value,
        params={"learning_rate": rate, "epochs": 3},
        distributions=space,
        user_attrs={"epochs": 3, "epochs_wanted": 3, **ended, **attrs},
    )
