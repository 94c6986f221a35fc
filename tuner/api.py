"""What the command line does, as functions; ``import tuner`` offers the main ones.

Nothing here imports TensorFlow until a model is trained or loaded in this process.
"""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from tuner.errors import RequestError, StudyError
from tuner.results.configuration import Configuration
from tuner.results.rows import BestTrial
from tuner.results.stored_study import read_result
from tuner.results.study_result import StudyResult
from tuner.spec.access import Access
from tuner.spec.paths import expanded
from tuner.storage.artifacts import chosen_location
from tuner.storage.curves import Curves
from tuner.storage.database import Database
from tuner.storage.url import chosen_url
from tuner.studies.catalog import locate
from tuner.studies.definition import matches_file, names_the_same, stored_base
from tuner.studies.submitting import pause, resume, stop, submit
from tuner.workers.request import EngineName, RunRequest
from tuner.workers.running import Observe, open_for_work, run_study

if TYPE_CHECKING:
    from tuner.bundle import Bundle

__all__ = ["curves", "export", "load", "pause", "resume", "run", "stop", "submit", "train"]


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
    warm_start: str | None = None,
    engine: EngineName = "local",
    address: str | None = None,
    gpus_per_worker: float = 0.0,
    checkpoints: str | None = None,
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
        warm_start: Another study whose best configurations are tried after the references: its
            name in the same database, ``NAME@STORAGE``, or an exported file (TOML or JSON).
        engine: What places the workers: ``"local"``, or ``"ray"`` for a cluster.
        address: Of the Ray cluster; one is started on this machine if None.
        gpus_per_worker: Share of a GPU that each of Ray's workers needs.
        checkpoints: Where long trials save checkpoints, from which a retry continues: a folder,
            or ``s3://BUCKET/PREFIX``. ``TUNER_CHECKPOINTS``, or a folder beside the SQLite file,
            if None.

    Returns:
        The study as it stands afterwards; ``result.best`` is what ``train`` takes.

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
        warm_start=warm_start,
        checkpoints=checkpoints,
        engine=engine,
        address=address,
        gpus_per_worker=gpus_per_worker,
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
        # The stored study may have been changed during the run.
        access = None if names_the_same(outcome.study, spec) else Access.given()
        result = read_result(
            outcome.study, str(database), outcome.wall_s, base=spec.base, access=access
        )
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
        return read_result(opened, str(database), base=base, access=access)
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
    storage: str | None = None,
    study_name: str | None = None,
    force: bool = False,
    allow_code: bool = False,
    data_roots: Sequence[str | Path] = (),
) -> list[Path]:
    """Writes a configuration as TOML, JSON or a Python script, by the ending of ``path``.

    Args:
        study: As in :func:`load`.
        path: The file; an earlier export in it is replaced.
        trial: Number of the trial; the best one if None.
        storage: As in :func:`run`.
        study_name: As in :func:`load`.
        force: Replace any other file that is there, too.
        allow_code: As in :func:`load`; a script is written with the network built.
        data_roots: As in :func:`load`; a script has its data beside it.

    Returns:
        The files that were written: a script has its data beside it.
    """
    from tuner import bundle

    result = load(study, storage, study_name, allow_code=allow_code, data_roots=data_roots)
    return bundle.export(result.configuration(trial), expanded(path), force=force)


def train(
    configuration: Configuration | BestTrial | str | Path,
    out_dir: str | Path,
    *,
    force: bool = False,
) -> Bundle:
    """Trains a configuration on everything but the test split and writes the model bundle.

    Args:
        configuration: ``result.best``, or an exported file (TOML or JSON).
        out_dir: Folder of the bundle.
        force: Replace a bundle that is there.

    Raises:
        TunerError: The configuration is wrong, or the bundle cannot be written.
    """
    from tuner import bundle
    from tuner.results.configuration_file import read

    if isinstance(configuration, BestTrial):
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
