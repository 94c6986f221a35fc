"""One AutoML run: table → schema → study → trials within the time → ensemble → bundle."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import optuna
from optuna.trial import TrialState

from tuner.automl.automl_request import AutoMLRequest
from tuner.automl.clock import Clock
from tuner.automl.finishing import finish
from tuner.automl.leaderboard import leaderboard_text
from tuner.automl.option_words import OPTIONS, option_words
from tuner.automl.planning import memory_notice, plan
from tuner.bundle.folder import MARKER, check_free
from tuner.bundle.load import Bundle, load_bundle
from tuner.data import SealedData, load
from tuner.data.trivial import trivial
from tuner.errors import BundleError, RequestError
from tuner.learners.combined import NAME
from tuner.spec import StudySpec
from tuner.spec.models import Dialect
from tuner.storage.artifacts import chosen_location
from tuner.storage.database import Database
from tuner.storage.url import chosen_url
from tuner.studies.definition import stored_spec
from tuner.studies.provenance import check_data
from tuner.studies.queue import n_finished
from tuner.studies.unsealing import Ledger
from tuner.units import count_plain, duration
from tuner.workers.ending import Ending
from tuner.workers.forkserver import begin_loading
from tuner.workers.request import RunRequest, cores
from tuner.workers.running import Observe, open_for_work, run_study

_MORE_TRIALS = 200


@dataclass(frozen=True)
class AutoMLOutcome:
    """How an AutoML run ended.

    Attributes:
        bundle: As it was written, read back.
        spec: The study.
        storage: The database, password masked.
        ending: Why the trials ended; None if none was run, because the study was there.
        trials: How many of its trials are finished.
        seconds: From the beginning to the written bundle.
        baseline: The trivial predictor on the rows that members are fitted on, as
            `tuner.data.trivial` returns it; None if the metric has no value for it.
        more: The command that goes on with the study.
    """

    bundle: Bundle
    spec: StudySpec
    storage: str
    ending: Ending | None
    trials: int
    seconds: float
    baseline: Mapping[str, Any] | None
    more: str

    def words(self, *, options: str = "", commands: bool = True) -> str:
        """Returns the outcome as people read it, without a line break at its end.

        Args:
            options: What the next commands need beside the study's name: ``--storage URL``.
            commands: Whether the next commands are named.
        """
        metric = self.spec.objective.metric
        head = f"{self.spec.title}: {count_plain(self.trials, 'trial')} in {duration(self.seconds)}"
        board = leaderboard_text(self.bundle.info["leaderboard"], metric, self.baseline)
        bundle = self.bundle.words(command=commands)
        if not commands:
            return "\n".join([head, "", board, bundle])
        after = f"      tuner dashboard {options}".rstrip() + "   every trial, in the browser"
        more = f"      {self.more}"
        return "\n".join([head, "", board, bundle, after, more])

    def to_dict(self) -> dict[str, Any]:
        """Returns the document of ``tuner automl --json``."""
        return {
            **self.bundle.to_dict(),
            "study": self.bundle.info["study"],
            "storage": self.storage,
            "ending": self.ending,
            "trials": self.trials,
            "wall_s": round(self.seconds, 3),
        }


def run_automl(
    request: AutoMLRequest,
    *,
    started: float | None = None,
    show: Callable[[SealedData], None] = lambda data: None,
    note: Callable[[str], None] = lambda text: None,
    observe: Observe | None = None,
) -> AutoMLOutcome:
    """Finds the best model for a table within the time, and writes its bundle.

    The study of an earlier run that has a model is not searched again unless ``request.more`` says
    so; then it gets further trials, and its bundle is replaced. Ctrl-C ends the search, and the
    bundle is written from what there is; a second Ctrl-C ends everything.

    Args:
        request: What is asked for.
        started: Unix time from which the time counts; now if None.
        show: Called with the data before the first trial.
        note: Called with lines that people should see.
        observe: Called with the study before the first trial; returns the run's observer.

    Raises:
        TunerError: The request was wrong, no model could be fitted, or the bundle cannot be
            written.
        KeyboardInterrupt: Ctrl-C before there was a model, or while the bundle was written.
    """
    clock = Clock(request.seconds, started)
    if request.more and _study_of(request.folder) == request.name:
        request = replace(request, force=True)
    check_free(request.folder, force=request.force)
    url = chosen_url(request.storage)
    location = chosen_location(request.checkpoints, url)
    begin_loading(NAME, request.base)
    data = load(request.dataset, request.base)
    with open_for_work(url) as database:
        study, before = _stored(request, database, data)
        ending: Ending | None = None
        if before is not None and not request.more and _has_models(study, database):
            assert study is not None
            spec = before
            show(data)
            done = count_plain(n_finished(database.counts(study)), "trial")
            note(
                f"study {study.study_name} has {done} already and is not searched further; "
                "--more 60s adds to them"
            )
        else:
            seconds = clock.left_for_trials(len(data.development.rows))
            n_workers = request.workers or cores()
            if before is None:
                spec = plan(data.development, request, seconds, n_workers)
                if scarce := memory_notice(spec):
                    note(scarce)
            else:
                spec = _continued(before, seconds, study, database)
            show(data)
            run = RunRequest(study=request.name, study_name=request.name, workers=n_workers)
            outcome = run_study(run, spec, location, database, observe, at_least=1)
            study, ending = outcome.study, outcome.ending
        if ending == "interrupted":
            if not _has_models(study, database):
                raise KeyboardInterrupt
            note("interrupted: the bundle is written from the trials so far")
        ledger = Ledger(database, note=note)
        bundle = finish(study, spec, data, location, request, clock, ledger)
        trials = n_finished(database.counts(study))
    development = data.development
    rows = development.rows
    return AutoMLOutcome(
        *(bundle, spec, str(database), ending, trials, clock.total - clock.left),
        baseline=trivial(replace(development, train=rows, validation=rows), spec.objective.metric),
        more=request.words(time="60s", option="--more"),
    )


def _study_of(folder: Path) -> str | None:
    """Returns the study that a bundle was made of; None if there is no bundle."""
    try:
        return load_bundle(folder).info["study"] if (folder / MARKER).is_file() else None
    except (BundleError, RequestError):
        return None


def _has_models(study: optuna.Study | None, database: Database) -> bool:
    return study is not None and database.counts(study)[TrialState.COMPLETE] > 0


def _stored(
    request: AutoMLRequest, database: Database, data: SealedData
) -> tuple[optuna.Study | None, StudySpec | None]:
    """Returns the stored study of the request and its spec; None if there is none yet.

    Raises:
        RequestError: It has another table, target, metric …, or other data; or ``more`` was asked
            for and there is none.
    """
    database.require_known_tables()
    study = database.find_study(request.name)
    if study is None or not study.get_trials(deepcopy=False):
        if request.more:
            raise RequestError(
                f"there is no study {request.name} in {database} that --more could add to; start "
                "it with --time"
            )
        return study, None
    spec = stored_spec(database, study)
    differences = _differences(request, spec)
    if differences:
        raise RequestError(
            f"study '{request.name}' in {database} was made with other options: "
            f"{', '.join(differences)}; give the same to go on with it, or start another study "
            "with --study-name NAME"
        )
    check_data(database, study, data.describe())
    return study, spec


def _differences(request: AutoMLRequest, spec: StudySpec) -> list[str]:
    """Returns where the request departs from a stored study."""
    found = []
    if spec.model != NAME or isinstance(spec.dataset, str):
        return [f"its model is {spec.model}, not {NAME}"]
    stored, asked = spec.dataset.to_table(), request.dataset.to_table()
    for key in sorted({*stored, *asked} - set(Dialect.model_fields)):
        if stored.get(key) != asked.get(key):
            found.append(_difference(key, stored.get(key), asked.get(key)))
    if request.metric not in (None, spec.objective.metric):
        found.append(f"--metric {spec.objective.metric}, not {request.metric}")
    if request.seed != spec.sampler.seed:
        found.append(f"--seed {spec.sampler.seed}, not {request.seed}")
    return found


def _difference(key: str, stored: Any, asked: Any) -> str:
    """Returns with which options a key of the dataset was set, and with which it is now."""
    if key not in OPTIONS:
        word = "rows to read, by --memory and --workers:" if key == "most_rows" else key
        return f"{word} {stored or 'all'}, not {asked or 'all'}"
    if stored is None:
        return f"no {OPTIONS[key]}"
    now = f"no {OPTIONS[key]}" if asked is None else shlex.join(option_words(key, asked))
    return f"{shlex.join(option_words(key, stored))}, not {now.removeprefix(OPTIONS[key] + ' ')}"


def _continued(
    spec: StudySpec, seconds: float, study: optuna.Study | None, database: Database
) -> StudySpec:
    """Returns a stored study with time and trials for one more run."""
    finished = n_finished(database.counts(study)) if study is not None else 0
    budget = spec.budget.model_copy(
        update={"timeout": seconds, "n_trials": finished + _MORE_TRIALS}
    )
    return spec.model_copy(update={"budget": budget})
