"""One confirmation: what it is asked for, and its run."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import optuna

from tuner.errors import RequestError, TunerError
from tuner.spec import StudySpec
from tuner.spec.access import Access
from tuner.spec.models import Confirm
from tuner.spec.quantities import seconds
from tuner.storage.database import Database
from tuner.studies.catalog import find_study, locate
from tuner.studies.companion import (
    companion_name,
    find_companion,
    prepare_companion,
    require_confirmable,
)
from tuner.studies.definition import matches_file, stored_base, stored_spec
from tuner.units import count
from tuner.workers.request import RunRequest
from tuner.workers.running import Observe, RunOutcome, run_study


@dataclass(frozen=True, kw_only=True)
class ConfirmRequest:
    """A request to train the best configurations of a study again.

    The attributes are the arguments of :func:`tuner.api.confirm`.

    Raises:
        RequestError: A value is out of range.
    """

    study: str
    top: int | None = None
    repeats: int | None = None
    fresh_splits: bool | None = None
    timeout: float | str | None = None
    workers: int | None = None
    storage: str | None = None
    study_name: str | None = None
    checkpoints: str | None = None
    allow_code: bool = False
    data_roots: Sequence[str | Path] = ()

    def __post_init__(self) -> None:
        for option, value, least, most, why in (
            ("--top", self.top, 1, 100, ""),
            ("--repeats", self.repeats, 3, 1000, ": fewer say nothing of how much they differ"),
            ("--workers", self.workers, 1, None, ""),
        ):
            if value is not None and value < least:
                raise RequestError(f"{option} must be at least {least}, but got {value}{why}")
            if value is not None and most is not None and value > most:
                raise RequestError(f"{option} must be at most {most}, but got {value}")
        try:
            if self.timeout is not None:
                seconds(self.timeout)
        except ValueError as error:
            raise RequestError(f"--timeout {error}") from None

    def wanted(self, file: Confirm | None, study: optuna.Study, database: Database) -> Confirm:
        """Returns what is asked for: by options, else as it was begun, else by the study file."""
        begun = as_begun(file or Confirm(), study, database)
        asked = {
            "top": self.top,
            "repeats": self.repeats,
            "fresh_splits": self.fresh_splits,
            "timeout": None if self.timeout is None else seconds(self.timeout),
        }
        given = {key: value for key, value in asked.items() if value is not None}
        return begun.model_copy(update=given)


def as_begun(wanted: Confirm, study: optuna.Study, database: Database) -> Confirm:
    """Returns what is wanted, but as an earlier confirmation was begun if there was one."""
    found = find_companion(database, study)
    if found is None:
        return wanted
    stored = found[1]
    return wanted.model_copy(
        update={
            "top": stored.top,
            "repeats": stored.repeats,
            "fresh_splits": stored.fresh_splits,
        }
    )


@dataclass(frozen=True)
class Confirmed:
    """A confirmation that has been run.

    Attributes:
        study: The study that was confirmed.
        spec: Its spec.
        outcome: How that ended.
        access: What the study may use of this machine; None if the user's own file names it.
    """

    study: optuna.Study
    spec: StudySpec
    outcome: RunOutcome
    access: Access | None


def confirm_study(
    request: ConfirmRequest,
    checkpoints: str,
    database: Database,
    observe: Observe | None = None,
    note: Callable[[str], None] = lambda text: None,
) -> Confirmed:
    """Trains the best configurations of a stored study again, or those that still lack repeats.

    Args:
        request: What is asked for.
        checkpoints: Where trials keep theirs, see :mod:`tuner.storage.artifacts`.
        database: The open storage.
        observe: See :data:`tuner.workers.running.Observe`.
        note: Called with a line for people about candidates that were taken in.

    Raises:
        TunerError: The study is not there, cannot be confirmed, or its trials cannot be run here.
        KeyboardInterrupt: Ctrl-C, before there was a companion.
    """
    base, name = locate(request.study)
    study = database.study(request.study_name or name)
    require_confirmable(study, database)
    base = base or stored_base(study) or Path.cwd()
    access: Access | None = Access.given(request.data_roots, allow_code=request.allow_code)
    file = None
    if matches_file(study, request.study, base):
        access = None
        with contextlib.suppress(TunerError):  # what is stored decides all but [confirm]
            file = find_study(request.study).confirm
    spec = stored_spec(database, study).model_copy(update={"base": base})
    if access is not None:
        access.check_code(spec.own_code)
        if not isinstance(spec.dataset, str):
            access.file(spec.dataset.path(spec.base))
    wanted = request.wanted(file or spec.confirm, study, database)
    run = RunRequest(study=companion_name(study.study_name), workers=request.workers)
    outcome = confirm_stored(
        *(study, spec, wanted, run, checkpoints, database, observe, note), access=access
    )
    return Confirmed(study, spec, outcome, access)


def confirm_stored(
    study: optuna.Study,
    spec: StudySpec,
    wanted: Confirm,
    run: RunRequest,
    checkpoints: str,
    database: Database,
    observe: Observe | None = None,
    note: Callable[[str], None] = lambda text: None,
    *,
    access: Access | None = None,
) -> RunOutcome:
    """Trains the best configurations of a study again, or those that still lack repeats.

    Args:
        study: The study.
        spec: Its spec.
        wanted: What is asked for.
        run: How many workers there are, and what places them.
        checkpoints: As in :func:`confirm_study`.
        database: As in :func:`confirm_study`.
        observe: As in :func:`confirm_study`.
        note: As in :func:`confirm_study`.
        access: As in :func:`tuner.workers.running.run_study`.

    Raises:
        TunerError: As in :func:`confirm_study`.
    """
    companion = prepare_companion(database, study, spec, wanted, access)
    if companion.added:
        more = count(len(companion.added), "further candidate")
        note(f"{study.study_name} has better trials since: {more}, {', '.join(companion.added)}")
    # Of what and how many trainings there are is its own matter, not that of the search.
    name = companion.name
    request = replace(run, study=name, study_name=name, n_trials=None, more=None, warm_start=None)
    return run_study(request, companion.spec, checkpoints, database, observe, access=access)
