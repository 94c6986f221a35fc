"""One AutoML run: table → schema → study → trials within the time → ensemble → bundle."""

from __future__ import annotations

import shlex
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import optuna
from optuna.trial import TrialState

from tuner.automl.automl_request import AutoMLRequest
from tuner.automl.clock import Clock
from tuner.automl.finishing import finish
from tuner.automl.leaderboard import leaderboard_text
from tuner.automl.planning import plan
from tuner.bundle.folder import check_free
from tuner.bundle.load import Bundle
from tuner.data import SealedData, load
from tuner.errors import RequestError
from tuner.learners.combined import NAME
from tuner.spec import StudySpec
from tuner.spec.models import Dialect
from tuner.storage.artifacts import chosen_location
from tuner.storage.database import Database
from tuner.storage.url import chosen_url
from tuner.studies.definition import stored_spec
from tuner.studies.provenance import check_data
from tuner.studies.queue import n_finished
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
    """

    bundle: Bundle
    spec: StudySpec
    storage: str
    ending: Ending | None
    trials: int
    seconds: float

    def words(self, *, options: str = "") -> str:
        """Returns the outcome as people read it, without a line break at its end.

        Args:
            options: What the next commands need beside the study's name: ``--storage URL``.
        """
        info, objective = self.bundle.info, self.spec.objective
        name = shlex.quote(info["study"])
        value = info["baseline"]["test"].get(objective.metric)
        baseline = None if value is None else {**info["baseline"], "value": value}
        head = f"{self.spec.title}: {count_plain(self.trials, 'trial')} in {duration(self.seconds)}"
        board = leaderboard_text(info["leaderboard"], objective.metric, baseline)
        after = f"      tuner dashboard {options}".rstrip() + "   every trial, in the browser"
        more = f"      tuner automl … --more 60s   goes on with the study {name}"
        return "\n".join([head, "", board, self.bundle.words(), after, more])

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
    so; then its trials go on from where they were. Ctrl-C ends the search, and the bundle is
    written from what there is; a second Ctrl-C ends everything.

    Args:
        request: What is asked for.
        started: Unix time from which the time counts; now if None.
        show: Called with the data before the first trial.
        note: Called with lines that people should see.
        observe: Called with the study before the first trial; returns the run's observer.

    Raises:
        TunerError: The request was wrong, no model could be fitted, or the bundle cannot be
            written.
        KeyboardInterrupt: Ctrl-C before there was a study, or while the bundle was written.
    """
    clock = Clock(request.seconds, started)
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
            else:
                spec = _continued(before, seconds, study, database)
            show(data)
            run = RunRequest(study=request.name, study_name=request.name, workers=n_workers)
            outcome = run_study(run, spec, location, database, observe, at_least=1)
            study, ending = outcome.study, outcome.ending
        if ending == "interrupted":
            note("interrupted: the bundle is written from the trials so far")
        bundle = finish(study, spec, data, location, request, clock)
        trials = n_finished(database.counts(study))
    return AutoMLOutcome(bundle, spec, str(database), ending, trials, clock.total - clock.left)


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
            f"study '{request.name}' in {database} was made with other settings:\n"
            + "".join(f"  {line}\n" for line in differences)
            + "Undo the change to go on with it, or start another with --study-name NAME"
        )
    check_data(database, study, data.describe())
    return study, spec


def _differences(request: AutoMLRequest, spec: StudySpec) -> list[str]:
    """Returns where the request departs from a stored study."""
    found = []
    if spec.model != NAME or isinstance(spec.dataset, str):
        return [f"model: {spec.model} in the database, now {NAME}"]
    stored, asked = spec.dataset.to_table(), request.dataset.to_table()
    for key in sorted({*stored, *asked} - set(Dialect.model_fields)):
        if stored.get(key) != asked.get(key):
            was, now = stored.get(key, "nothing"), asked.get(key, "nothing")
            word = "rows to read, by --memory and --workers" if key == "most_rows" else key
            found.append(f"{word}: {was} in the database, now {now}")
    if request.metric not in (None, spec.objective.metric):
        found.append(f"metric: {spec.objective.metric} in the database, now {request.metric}")
    if request.seed != spec.sampler.seed:
        found.append(f"seed: {spec.sampler.seed} in the database, now {request.seed}")
    return found


def _continued(
    spec: StudySpec, seconds: float, study: optuna.Study | None, database: Database
) -> StudySpec:
    """Returns a stored study with time and trials for one more run."""
    finished = n_finished(database.counts(study)) if study is not None else 0
    budget = spec.budget.model_copy(
        update={"timeout": seconds, "n_trials": finished + _MORE_TRIALS}
    )
    return spec.model_copy(update={"budget": budget})
