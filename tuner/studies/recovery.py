"""Returns trials of processes that are gone to the queue, and counts how often that happens.

Two counts, for two kinds of evidence: ``attempts``, where a run has seen a worker die over its
trial, and ``left_behind``, where a trial was found without its process and the reason is unknown.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import optuna
from optuna.trial import TrialState

from tuner.search import ATTRIBUTE
from tuner.storage.artifacts import chosen_location
from tuner.storage.database import Database, RunningTrial
from tuner.storage.lease import is_alive
from tuner.trials.checkpoints import remove_of

ATTEMPTS_ALLOWED = 3
"""How many workers may die over one trial before the trial is failed."""

LEFT_BEHIND_ALLOWED = 10
"""How often a trial may be found without its process, for whatever reason, before it is failed.

Mostly the trial is innocent (a full disk, a machine that was switched off), so this is more than
the attempts; but a trial may also take its whole machine down each time."""

GONE = "its process is gone"
"""The cause where a trial was found without its process."""

SILENT_SECONDS = 360.0
"""After this time without a heartbeat a trial of another machine counts as abandoned; longer than
a run waits for its database, so that a waiting run is not taken for dead."""


@dataclass(frozen=True)
class Returned:
    """A trial whose worker died: back in the queue, or failed for ``failed``."""

    number: int
    failed: str | None


def abandoned(database: Database, study: optuna.Study) -> list[RunningTrial]:
    """The running trials of the study whose processes are gone; changes nothing.

    On this machine that is seen at once; elsewhere it is when their heartbeats have ceased.
    """
    return [
        trial
        for trial in database.running(study)
        if trial.lease is not None and _is_gone(trial.lease, trial.silent_s)
    ]


def return_abandoned(
    database: Database,
    study: optuna.Study,
    cause: str | None = None,
    *,
    checkpoints: str | None = None,
    died: int | None = None,
) -> list[Returned]:
    """Requeues the trials whose processes are gone, see :func:`abandoned`.

    Args:
        database: The open storage.
        study: The study.
        cause: Why they are gone. None if they were stopped on purpose: then it is not counted.
        checkpoints: Where those of trials that are failed are removed; the usual location if None.
        died: The pid of a worker that this process has seen die by itself. Only for its trial is
            an attempt counted: for the others it is not known whether the trial was the cause.
    """
    returned = []
    for trial in abandoned(database, study):
        assert trial.lease is not None
        failed = None
        if cause is not None:
            attrs, failed = _setback(trial, cause, died)
            if not failed and not database.write_to_held(trial.trial_id, trial.lease, attrs):
                continue  # another process has done it
        if failed is None:
            done = database.give_back(trial.trial_id, trial.lease)
        elif done := fail_trial(database, trial.trial_id, trial.lease, failed):
            location = checkpoints or chosen_location(None, database.url)
            remove_of(database, study, trial.number, location)
        if done:
            returned.append(Returned(trial.number, failed))
    return returned


def _setback(
    trial: RunningTrial, cause: str, died: int | None
) -> tuple[dict[str, int], str | None]:
    """What is stored of a trial that lost its process, and why it fails, if that was too often."""
    lease = trial.lease or {}
    if died is not None and lease.get("pid") == died and is_alive(lease) is False:
        attempts = trial.attempts + 1
        reason = f"{attempts} workers died over it; {cause}"
        return {"attempts": attempts}, reason if attempts >= ATTEMPTS_ALLOWED else None
    times = trial.left_behind + 1
    reason = f"its process was gone {times} times before it ended; {cause}"
    return {"left_behind": times}, reason if times >= LEFT_BEHIND_ALLOWED else None


def fail_trial(database: Database, trial_id: int, lease: Mapping[str, Any], reason: str) -> bool:
    """Fails a running trial and stores why, and that samplers should avoid its parameters.

    Returns:
        False if no process of that lease runs it any more.
    """
    failed = {ATTRIBUTE: 1.0}
    return database.write_to_held(trial_id, lease, {"reason": reason}, TrialState.FAIL, failed)


def _is_gone(lease: Mapping[str, Any], silent_s: float) -> bool:
    alive = is_alive(lease)
    return silent_s > SILENT_SECONDS if alive is None else not alive
