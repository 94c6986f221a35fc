"""What places the workers of a run: here, processes on this machine."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import optuna
from optuna.trial import TrialState

from tuner import search
from tuner.spec import Objective
from tuner.storage.constraints import violated_by
from tuner.storage.database import Database
from tuner.storage.error_mapping import storage_errors
from tuner.studies import lifecycle, recovery
from tuner.studies.definition import stored_spec
from tuner.studies.queue import n_finished
from tuner.workers.ending import Ending
from tuner.workers.messages import Job
from tuner.workers.observer import Observer
from tuner.workers.supervisor import Supervisor

Engine = Callable[[Job, Database, int, Observer], Ending]
"""Runs a study with so many workers, see :func:`run_here`."""


def run_here(job: Job, database: Database, n_workers: int, observer: Observer) -> Ending:
    """Runs a study with worker processes on this machine.

    Args:
        job: What each worker is given.
        database: The open storage.
        n_workers: Number of processes.
        observer: Is called for everything that happens.
    """

    def prepare(data: dict[str, Any]) -> optuna.Study:
        study = lifecycle.create_or_resume(database, job.study_name, job.spec, data)
        begin(study, job, database, n_workers, observer)
        return study

    return Supervisor(job, database, n_workers, observer, prepare).run()


def begin(
    study: optuna.Study, job: Job, database: Database, n_workers: int, observer: Observer
) -> None:
    """Requeues trials whose processes are gone, and reports how far the study is."""
    database.begun = True
    returned = recovery.return_abandoned(
        database, study, recovery.GONE, checkpoints=job.checkpoints
    )
    for trial in returned:
        observer.note(f"trial {trial.number} was left behind by a process that is gone")
    finished, total = n_finished(database.counts(study)), job.n_trials
    with storage_errors(database.url):
        spec = stored_spec(database, study)
        left = search.left_of(spec, study)
    if left is not None:  # there may be fewer to try than are wanted
        total = min(total, finished + left.may_begin + left.running)
    observer.started(
        study.study_name, finished, total, n_workers, best_so_far(study, spec.objective)
    )


def best_so_far(study: optuna.Study, objective: Objective) -> tuple[int, float] | None:
    """Returns number and value of the best complete trial; None before the first.

    Of several objectives it is the first one's value.
    """
    try:
        trial = study.best_trial
        if math.isfinite(trial.values[0]):
            return trial.number, trial.values[0]
    except ValueError:
        return None
    except TypeError:
        pass  # a trial with constraints that are no numbers was added by hand
    except RuntimeError:
        pass  # there are several objectives
    # A value that is not finite was added by hand: the best of the others, which takes longer.
    trials = study.get_trials(deepcopy=False, states=(TrialState.COMPLETE,))
    kept = [one for one in trials if math.isfinite(one.values[0]) and not violated_by(one)]
    done = [(one.number, one.values[0]) for one in kept]
    return min(done, key=lambda one: (objective.loss(one[1]), one[0]), default=None)
