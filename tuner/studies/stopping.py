"""Studies that stop by themselves, and what is stored of it."""

from __future__ import annotations

import optuna
from optuna.trial import TrialState

from tuner.search.unlikely import outlook
from tuner.spec import StudySpec
from tuner.storage.attributes import STOPPED, StoredStop, study_attr
from tuner.storage.database import Database
from tuner.storage.error_mapping import storage_errors
from tuner.studies.queue import FINISHED


def has_stopped(
    study: optuna.Study, database: Database, spec: StudySpec, wanted: int
) -> StoredStop | None:
    """Returns that and why the study has stopped, if it has not been asked for more since then.

    Args:
        study: The study.
        database: Where it is stored.
        spec: The study, as it is to be run now.
        wanted: Finished trials wanted in total.

    Returns:
        None if trials may begin; trials that wait in the queue may always.

    Raises:
        SpecError: What is stored is not what tuner stores there.
    """
    found = study_attr(StoredStop, database.study_attrs(study), STOPPED, study.study_name)
    holds = found is not None and spec.budget.stop is not None and wanted <= found.wanted
    return found if holds else None


def consider(
    study: optuna.Study, database: Database, spec: StudySpec, wanted: int
) -> StoredStop | None:
    """Stops the study if the trials that are left are unlikely to improve it.

    Args:
        study: The study.
        database: Where it is stored.
        spec: The study; it has a rule to stop.
        wanted: Finished trials wanted in total.

    Returns:
        That and why it has stopped; None if it goes on.
    """
    rule = spec.budget.stop
    assert rule is not None
    if (stopped := has_stopped(study, database, spec, wanted)) is not None:
        return stopped
    with storage_errors(database.url):
        trials = study.get_trials(deepcopy=False)
    n_finished = sum(one.state in FINISHED for one in trials)
    waits = any(one.state is TrialState.WAITING for one in trials)
    found = outlook(trials, rule, spec.objective, wanted)
    if n_finished >= wanted or waits or found is None or not found.is_unlikely:
        return None
    stop = StoredStop(finished=n_finished, wanted=wanted, gain=found.gain, error=found.error)
    with storage_errors(database.url):
        study.set_user_attr(STOPPED, stop.model_dump())
    return stop


def forget(study: optuna.Study, database: Database) -> None:
    """Removes what is stored of an earlier stop: the study goes on."""
    if database.study_attrs(study).get(STOPPED) is not None:
        with storage_errors(database.url):
            study.set_user_attr(STOPPED, None)
