"""What the command line does, as functions; ``import tuner`` offers the main ones.

Nothing here imports TensorFlow until a model is trained or loaded in this process.
"""

from __future__ import annotations

import shlex
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from optuna.trial import TrialState

from tuner.errors import RequestError, StudyError
from tuner.results.configuration import Configuration
from tuner.results.rows import BestTrial
from tuner.results.stored_study import read_result
from tuner.results.study_result import StudyResult
from tuner.spec import StudySpec
from tuner.spec.access import Access
from tuner.spec.models import Confirm
from tuner.spec.paths import expanded
from tuner.storage.artifacts import chosen_location
from tuner.storage.curves import Curves
from tuner.storage.database import Database
from tuner.storage.url import chosen_url
from tuner.studies.catalog import locate
from tuner.studies.companion import find_companion
from tuner.studies.definition import matches_file, names_the_same, stored_base
from tuner.studies.submitting import pause, resume, stop, submit
from tuner.workers.confirm_request import (
    ConfirmRequest,
    as_begun,
    confirm_stored,
    confirm_study,
)
from tuner.workers.request import EngineName, RunRequest
from tuner.workers.running import Observe, RunOutcome, open_for_work, run_study

if TYPE_CHECKING:
    from tuner.bundle import Bundle

__all__ = [
    "confirm",
    "curves",
    "export",
    "load",
    "pause",
    "resume",
    "run",
    "stop",
    "submit",
    "train",
]


def run(
    study: str,
    *,
    n_trials: int | None = None,
    more: int | None = None,
    timeout: float | str | None = None,
    workers: int | None = None,
    storage: str | None = None,
    study_name: str | None = None,
    seed: int | None = None,
    settings: Sequence[str] = (),
    engine: EngineName = "local",
    address: str | None = None,
    gpus_per_worker: float = 0.0,
    checkpoints: str | None = None,
    confirm: bool | None = None,
) -> StudyResult:
    """Creates or resumes a study and runs it to its wanted number of trials.

    Args:
        study: Name of a study, or path of a study file.
        n_trials: Finished trials wanted in total; the study file's if None.
        more: Finished trials wanted beyond those there are; excludes ``n_trials``.
        timeout: Time for this run, in seconds or as ``"20m"``; the study file's if None.
        workers: Number of worker processes; one a core if None.
        storage: Optuna storage URL; ``TUNER_STORAGE``, ``OPTUNA_STORAGE`` or
            ``sqlite:///tuner.db`` if None.
        study_name: Name in the database; the study file's name if None.
        seed: Seed of the study instead of the file's.
        settings: Keys of the study file with other values, as ``"budget.n_trials=10"``.
        engine: What places the workers: ``"local"``, or ``"ray"`` for a cluster.
        address: Of the Ray cluster; one is started on this machine if None.
        gpus_per_worker: Share of a GPU that each of Ray's workers needs.
        checkpoints: Where long trials save checkpoints, from which a retry continues: a folder,
            or ``s3://BUCKET/PREFIX``. ``TUNER_CHECKPOINTS``, or a folder beside the SQLite file,
            if None.
        confirm: Whether the best configurations are trained again afterwards, as :func:`confirm`
            does; whether the study file has a table ``[confirm]`` if None.

    Returns:
        The study as it stands afterwards; ``result.winner`` is what ``train`` takes.

    Raises:
        TunerError: The request was wrong, the study cannot be continued, or fewer trials are
            finished than were wanted although the run was neither interrupted nor out of time.
        KeyboardInterrupt: Ctrl-C; running trials went back to the queue.
    """
    request = RunRequest(
        study=study,
        n_trials=n_trials,
        more=more,
        timeout=timeout,
        workers=workers,
        storage=storage,
        study_name=study_name,
        seed=seed,
        settings=settings,
        checkpoints=checkpoints,
        engine=engine,
        address=address,
        gpus_per_worker=gpus_per_worker,
        confirm=confirm,
    )
    result = run_request(request)
    if result.ending == "interrupted":
        raise KeyboardInterrupt
    if result.short:
        raise StudyError(result.short)
    return result


def run_request(request: RunRequest, observe: Observe | None = None) -> StudyResult:
    """As :func:`run`, but the result says how the run ended, and an observer may watch it.

    Args:
        request: What is asked for.
        observe: Called with the study's spec before the workers are started; returns the run's
            observer.

    Raises:
        TunerError: The request was wrong, or the study cannot be continued.
        KeyboardInterrupt: Ctrl-C, before there was a study.
    """
    spec = request.read_spec()
    url = chosen_url(request.storage)
    checkpoints = chosen_location(request.checkpoints, url)
    with open_for_work(url) as database:
        outcome = run_study(request, spec, checkpoints, database, observe)
        ending, short = outcome.ending, outcome.short
        if _is_to_be_confirmed(request, spec, outcome):
            wanted = as_begun(spec.confirm or Confirm(), outcome.study, database)
            confirmed = confirm_stored(
                *(outcome.study, spec, wanted, request, checkpoints, database, observe)
            )
            ending, short = confirmed.ending, confirmed.short
        # The stored study may have been changed during the run.
        access = None if names_the_same(outcome.study, spec) else Access.given()
        companion = find_companion(database, outcome.study)
        result = read_result(
            *(outcome.study, str(database), outcome.wall_s),
            base=spec.base,
            access=access,
            companion=companion,
        )
    return replace(result, ending=ending, n_workers=outcome.n_workers, short=short)


def _is_to_be_confirmed(request: RunRequest, spec: StudySpec, outcome: RunOutcome) -> bool:
    """Returns whether a run ends with a confirmation: it is asked for, and there is something."""
    asked = spec.confirm is not None if request.confirm is None else request.confirm
    if not asked or outcome.short or outcome.ending not in ("done", "timeout"):
        return False
    return bool(outcome.study.get_trials(deepcopy=False, states=(TrialState.COMPLETE,)))


def confirm(
    study: str,
    *,
    top: int | None = None,
    repeats: int | None = None,
    fresh_splits: bool | None = None,
    timeout: float | str | None = None,
    workers: int | None = None,
    storage: str | None = None,
    study_name: str | None = None,
    checkpoints: str | None = None,
    allow_code: bool = False,
    data_roots: Sequence[str | Path] = (),
) -> StudyResult:
    """Trains the best configurations of a stored study and its references again, with other seeds.

    They are trained as trials of a companion study, ``STUDY-confirm``. A confirmation that was
    begun before is continued; trials that the search has found since become candidates, too.

    Args:
        study: As in :func:`load`.
        top: How many of the best configurations; by default what the study file says, or 5.
        repeats: How often each is trained; by default as it was begun, or what the study file
            says, or 10. Those that cannot win any more are not.
        fresh_splits: Whether each repeat also divides the rows into training and validation anew;
            by default as it was begun, or what the study file says, or wherever rows of a table
            may be mixed.
        timeout: As in :func:`run`.
        workers: As in :func:`run`.
        storage: As in :func:`run`.
        study_name: As in :func:`load`.
        checkpoints: As in :func:`run`.
        allow_code: As in :func:`load`.
        data_roots: As in :func:`load`.

    Returns:
        The study as it stands afterwards; ``result.winner`` is what ``train`` takes.

    Raises:
        TunerError: The request was wrong, or the study cannot be confirmed.
        KeyboardInterrupt: Ctrl-C; running trials went back to the queue.
    """
    request = ConfirmRequest(
        study=study,
        top=top,
        repeats=repeats,
        fresh_splits=fresh_splits,
        timeout=timeout,
        workers=workers,
        storage=storage,
        study_name=study_name,
        checkpoints=checkpoints,
        allow_code=allow_code,
        data_roots=data_roots,
    )
    result = confirm_request(request)
    if result.ending == "interrupted":
        raise KeyboardInterrupt
    if result.short:
        raise StudyError(result.short)
    return result


def confirm_request(
    request: ConfirmRequest,
    observe: Observe | None = None,
    note: Callable[[str], None] = lambda text: None,
) -> StudyResult:
    """As :func:`confirm`, but the result says how the run ended, and an observer may watch it.

    Args:
        request: What is asked for.
        observe: As in :func:`run_request`.
        note: Called with a line for people about candidates that were taken in.

    Raises:
        TunerError: The request was wrong, or the study cannot be confirmed.
        KeyboardInterrupt: Ctrl-C, before there was a companion study.
    """
    url = chosen_url(request.storage)
    with open_for_work(url, must_exist=True) as database:
        location = chosen_location(request.checkpoints, url)
        done = confirm_study(request, location, database, observe, note)
        result = read_result(
            *(done.study, str(database)),
            base=done.spec.base,
            access=done.access,
            companion=find_companion(database, done.study),
        )
    outcome = done.outcome
    return replace(result, ending=outcome.ending, n_workers=outcome.n_workers, short=outcome.short)


def load(
    study: str,
    storage: str | None = None,
    study_name: str | None = None,
    *,
    allow_code: bool = False,
    data_roots: Sequence[str | Path] = (),
) -> StudyResult:
    """Reads a stored study: what :func:`run` returned, and what other runs have added.

    If the study file is here and names the same data and network, :func:`train` takes the result
    as it takes that of :func:`run`. Otherwise a database alone says what is read and run, and the
    last two arguments limit it.

    Args:
        study: Its name in the database, or the name or path of its file.
        storage: As in :func:`run`.
        study_name: Its name in the database, if that is not the file's.
        allow_code: Lets ``module:function`` code run that the database names.
        data_roots: Folders below which files are read that the database names; the working folder
            if empty.

    Raises:
        UnknownNameError: No study of that name is stored.
        RequestError: One of ``data_roots`` is not a folder.
    """
    base, name = locate(study)
    access: Access | None = Access.given(data_roots, allow_code=allow_code)
    database = Database(chosen_url(storage), must_exist=True)
    try:
        opened = database.study(study_name or name)
        base = base or stored_base(opened)
        if matches_file(opened, study, base):
            access = None
        companion = find_companion(database, opened)
        return read_result(opened, str(database), base=base, access=access, companion=companion)
    finally:
        database.close()


def curves(
    study: str,
    trial: int,
    *,
    storage: str | None = None,
    study_name: str | None = None,
) -> Curves:
    """Reads what a trial logged at each epoch, the last attempt's if it was retried.

    Args:
        study: As in :func:`load`.
        trial: Number of the trial: complete, pruned, or failed (then as far as it came).
        storage: As in :func:`run`.
        study_name: As in :func:`load`.

    Returns:
        Log name ("loss", "val_loss", "accuracy", …) → float32 array of shape (epochs,); NaN
        where an epoch did not log it.

    Raises:
        UnknownNameError: There is no such study or trial.
        StudyError: No curves are stored of the trial.
    """
    _, name = locate(study)
    database = Database(chosen_url(storage), must_exist=True)
    try:
        opened = database.study(study_name or name)
        found = database.curves(opened, trial)
    finally:
        database.close()
    if not found:
        raise StudyError(
            f"trial {trial} of {opened.study_name} has no curves: they are stored when a trial of "
            "`tuner run` ends; its state is listed by "
            f"`tuner trials {shlex.quote(opened.study_name)}`"
        )
    return found


def export(
    study: str,
    path: str | Path,
    *,
    trial: int | None = None,
    pick: str | None = None,
    storage: str | None = None,
    study_name: str | None = None,
    force: bool = False,
    allow_code: bool = False,
    data_roots: Sequence[str | Path] = (),
    note: Callable[[str], None] = lambda text: None,
) -> list[Path]:
    """Writes a configuration as TOML, JSON or a Python script, by the ending of ``path``.

    Args:
        study: As in :func:`load`.
        path: The file; an earlier export in it is replaced.
        trial: Number of the trial; the winner of the study's confirmation if None, or the best
            one of the search if it is not confirmed.
        pick: Chooses the trial by a sentence instead, such as
            ``"accuracy within 0.005, then n_params"``; see :mod:`tuner.results.pick`.
        storage: As in :func:`run`.
        study_name: As in :func:`load`.
        force: Replace any other file that is there, too.
        allow_code: As in :func:`load`; a script is written with the network built.
        data_roots: As in :func:`load`; a script has its data beside it.
        note: Called with a line that says which trial was taken, if none was asked for.

    Returns:
        The files that were written: a script has its data beside it.
    """
    from tuner import bundle
    from tuner.results.confirmation_text import taken

    if pick is not None and trial is not None:
        raise RequestError("--trial and --pick both choose a trial: give one of them")
    result = load(study, storage, study_name, allow_code=allow_code, data_roots=data_roots)
    if pick is not None:
        trial = result.pick(pick).number
    written = bundle.export(result.configuration(trial), expanded(path), force=force)
    if trial is None:
        note(taken(result))
    return written


def train(
    configuration: StudyResult | Configuration | BestTrial | str | Path,
    out_dir: str | Path,
    *,
    force: bool = False,
) -> Bundle:
    """Trains a configuration on everything but the test split and writes the model bundle.

    Args:
        configuration: What :func:`run` or :func:`confirm` returned, of which the ``winner`` is
            taken, one of its trials such as ``result.best``, or an exported file (TOML or JSON).
        out_dir: Folder of the bundle.
        force: Replace a bundle that is there.

    Raises:
        TunerError: The configuration is wrong, or the bundle cannot be written.
    """
    from tuner import bundle
    from tuner.results.configuration_file import read

    if isinstance(configuration, StudyResult):
        configuration = configuration.configuration()
    elif isinstance(configuration, BestTrial):
        found = configuration.configuration
        if found is None:
            raise RequestError(
                f"trial {configuration.number} cannot be trained: tuner did not run it, and its "
                "parameters are not in the search space or its data and model are not known"
            )
        configuration = found
    elif not isinstance(configuration, Configuration):
        configuration = read(expanded(configuration))
    return bundle.train(configuration, expanded(out_dir), force=force)
