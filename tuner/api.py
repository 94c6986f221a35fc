"""What the command line does, as functions; ``import tuner`` offers the main ones.

Nothing here imports TensorFlow until a model is trained or loaded in this process.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import optuna

from tuner import runner, search
from tuner.catalog import find_study
from tuner.data import DATASETS
from tuner.data import load as load_data
from tuner.errors import DataError, RequestError, StudyError, UnknownNameError
from tuner.models.families import FAMILIES, check_space
from tuner.results.configuration import Configuration
from tuner.results.mattered import what_mattered
from tuner.results.rows import BestTrial, StudyResult
from tuner.spec import StudySpec
from tuner.storage.database import Database
from tuner.storage.url import chosen_url
from tuner.wording import hint
from tuner.workers.messages import Job
from tuner.workers.observer import Observer
from tuner.workers.supervisor import Ending, Supervisor

if TYPE_CHECKING:
    from tuner.bundle import Bundle


@dataclass(frozen=True)
class Run:
    """A run that has ended.

    Attributes:
        result: The study as it stands.
        ending: Why the run ended.
        n_workers: Worker processes that it had; None if there was nothing to run.
        mattered: Share of each parameter in what makes a trial good, largest first.
    """

    result: StudyResult
    ending: Ending
    n_workers: int | None
    mattered: dict[str, float]


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

    Returns:
        The study as it stands afterwards; ``result.best`` is what ``train`` takes.

    Raises:
        TunerError: The request was wrong, or the study cannot go on.
        KeyboardInterrupt: Ctrl-C; running trials went back to the queue.
    """
    ended = run_study(
        study,
        n_trials=n_trials,
        more=more,
        timeout=timeout,
        workers=workers,
        storage=storage,
        study_name=study_name,
        seed=seed,
        settings=settings,
    )
    if ended.ending == "interrupted":
        raise KeyboardInterrupt
    return ended.result


def run_study(
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
    observe: Callable[[StudySpec], Observer] | None = None,
) -> Run:
    """As :func:`run`, but says how the run ended and lets it be watched.

    Args:
        observe: Called with the study's spec; returns the :class:`Observer` of the run.
    """
    if n_trials is not None and more is not None:
        raise RequestError("--n-trials is the total wanted, --more what to add to it: give one")
    if more is not None and more < 1:
        raise RequestError(f"--more must be at least 1, but got {more}")
    if workers is not None and workers < 1:
        raise RequestError(f"--workers must be at least 1, but got {workers}")
    asked = {"budget.n_trials": n_trials, "budget.timeout": timeout, "sampler.seed": seed}
    given = [f"{key}={value}" for key, value in asked.items() if value is not None]
    spec = find_study(study, [*settings, *given])
    check_spec(spec)
    name = study_name or spec.name
    database = Database(chosen_url(storage))
    started_at = time.monotonic()
    try:
        stored = runner.find_resumable(database, name, spec)
        finished = _finished(database, stored) if stored else 0
        total = finished + more if more is not None else spec.budget.n_trials
        ending: Ending = "done"
        n_workers = None
        if finished < total:
            n_workers = min(workers or _cores(), total - finished)
            observer = observe(spec) if observe else Observer()
            ending = _supervise(spec, name, database, observer, n_workers, total)
        wall_s = time.monotonic() - started_at if n_workers else None
        _check_begun(database, name, ending)
        opened = database.study(name)
        result = StudyResult.of(opened, str(database), wall_s, base=spec.base)
        return Run(result, ending, n_workers, what_mattered(opened))
    finally:
        database.close()


def check_spec(spec: StudySpec) -> None:
    """Checks what can be known without loading the data or TensorFlow.

    Raises:
        TunerError: The sampler, the pruner, the data set, the model or a parameter of it does
            not exist.
    """
    file = f"{spec.name}.toml"
    search.make_sampler(spec, file)
    search.make_pruner(spec, file)
    _check_dataset(spec, file)
    if ":" in spec.model:
        return
    if spec.model not in FAMILIES:
        raise UnknownNameError(
            f'{file}: model: there is no model "{spec.model}" (your own is written '
            f'"module:function"); {hint(spec.model, FAMILIES, "models")}'
        )
    check_space(FAMILIES[spec.model], spec.search_space, f"{file}: search_space")


def load(study: str, storage: str | None = None, study_name: str | None = None) -> Run:
    """A stored study as it stands, as a run that is long over.

    Args:
        study: Its name in the database, or the name or path of its file.
        storage: As in :func:`run`.
        study_name: Its name in the database, if that is not the file's.

    Raises:
        UnknownNameError: No study of that name is stored.
    """
    base, name = _locate(study)
    database = Database(chosen_url(storage), must_exist=True)
    try:
        opened = database.study(study_name or name)
        result = StudyResult.of(opened, str(database), base=base or _stored_base(opened))
        return Run(result, "done", None, what_mattered(opened))
    finally:
        database.close()


def export(
    study: str,
    path: str | Path,
    *,
    trial: int | None = None,
    storage: str | None = None,
    study_name: str | None = None,
) -> list[Path]:
    """Writes a configuration as TOML, JSON or a Python script, by the ending of ``path``.

    Args:
        study: As in :func:`load`.
        path: The file.
        trial: Number of the trial; the best one if None.
        storage: As in :func:`run`.
        study_name: As in :func:`load`.

    Returns:
        The files that were written: a script has its data beside it.
    """
    from tuner import bundle

    result = load(study, storage, study_name).result
    return bundle.export(result.configuration(trial), Path(path))


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
    from tuner.results.export import read

    if isinstance(configuration, BestTrial):
        found = configuration.configuration
        if found is None:
            raise RequestError("this trial was not run by tuner: its data and model are not known")
        configuration = found
    elif not isinstance(configuration, Configuration):
        configuration = read(Path(configuration))
    return bundle.train(configuration, Path(out_dir), force=force)


def _supervise(
    spec: StudySpec,
    name: str,
    database: Database,
    observer: Observer,
    n_workers: int,
    total: int,
) -> Ending:
    def prepare(data: dict[str, Any]) -> optuna.Study:
        study = runner.create_or_resume(database, name, spec, data)
        returned = runner.return_abandoned(database, study, "its process is gone")
        for trial in returned:
            observer.note(f"trial {trial.number} was left behind by a process that is gone")
        best = _best(study)
        observer.started(name, _finished(database, study), total, n_workers, best)
        return study

    job = Job(spec, name, database.url, check=False)
    supervisor = Supervisor(job, database, n_workers, total, observer, prepare)
    return supervisor.run()


def _check_dataset(spec: StudySpec, file: str) -> None:
    """Says at once what is missing; what is there is read and judged by a worker."""
    dataset = spec.dataset
    if isinstance(dataset, str):
        there = dataset in DATASETS or ":" in dataset
    else:
        there = os.access(spec.base / dataset.csv, os.R_OK)
    if not there:
        try:
            load_data(dataset, spec.base)
        except (DataError, UnknownNameError) as error:
            raise type(error)(f"{file}: dataset: {error}") from None


def _check_begun(database: Database, name: str, ending: Ending) -> None:
    """Tells a run that ended while its workers were loading from one that has a result.

    Raises:
        KeyboardInterrupt: It was interrupted before there was a study.
        StudyError: Its time was over before there was one.
    """
    if ending == "done" or name in database.study_names():
        return
    if ending == "interrupted":
        raise KeyboardInterrupt
    raise StudyError(
        "the time was over before the workers had loaded TensorFlow and the data, and nothing was "
        "stored; give the run more with --timeout"
    )


def _finished(database: Database, study: optuna.Study) -> int:
    counts = database.counts(study)
    return sum(counts[state] for state in runner.FINISHED)


def _best(study: optuna.Study) -> tuple[int, float] | None:
    try:
        trial = study.best_trial
    except ValueError:
        return None
    return trial.number, trial.values[0]


def _locate(study: str) -> tuple[Path | None, str]:
    """Folder and name of a study; a name alone needs no file, and says nothing of the folder."""
    if study.endswith(".toml") or "/" in study:
        spec = find_study(study)
        return spec.base, spec.name
    return None, study


def _stored_base(study: optuna.Study) -> Path | None:
    """The folder that the study was last run from, if it is on this machine."""
    base = study.user_attrs.get("tuner:base")
    return Path(base) if base and os.access(base, os.X_OK) else None


def _cores() -> int:
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
