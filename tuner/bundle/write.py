"""Trains one configuration for good and writes the model bundle."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from numpy.typing import NDArray

from tuner.bundle.card import card
from tuner.bundle.final_scores import final_scores
from tuner.bundle.folder import MARKER, new_folder, writing
from tuner.bundle.info import SCHEMA
from tuner.bundle.load import Bundle, load_bundle
from tuner.bundle.refitting import (
    Note,
    check_seeds,
    chosen_by,
    ignored,
    read_fitted,
    refit,
    refit_steps,
)
from tuner.data import SealedData, load
from tuner.data.raised import described
from tuner.errors import BundleError, DataError, ModelError, TrialFailed, TunerError
from tuner.learners.averaged import Averaged
from tuner.learners.base import Fitted, Learner
from tuner.learners.checks import check_metric
from tuner.learners.registry import load_runtime, open_learner, shared_params
from tuner.learners.setup import Setup
from tuner.results.configuration import Configuration
from tuner.results.configuration_file import origin
from tuner.results.rendering import document
from tuner.space import Value
from tuner.trials.checking import check_dataset, check_model_name

if TYPE_CHECKING:
    from tuner.storage.openings import Opening
    from tuner.studies.unsealing import Ledger

_CHECKED_ROWS = 1000
"""Rows on which the written model is compared with the trained one."""


def train(
    configuration: Configuration,
    out_dir: Path,
    *,
    force: bool = False,
    seeds: int = 1,
    ledger: Ledger | None = None,
    note: Note = ignored,
) -> Bundle:
    """Trains on everything but the test split, scores that once, and writes the bundle.

    The number of epochs is known from the search, so nothing is held out to stop by. The model
    is built and seeded as the trial's was; it sees the validation rows too.

    Args:
        configuration: What to train.
        out_dir: Folder of the bundle; it is there whole afterwards, or as it was.
        force: Replace a bundle that is there.
        seeds: How many models to fit, each with its own seed; the bundle gives the mean of their
            predictions.
        ledger: Where the opening of the test split is recorded; nowhere if None, which the bundle
            says.
        note: Called with lines of progress.

    Returns:
        The bundle, read back from the disk.

    Raises:
        RequestError: ``seeds`` is less than 1 or more than 100.
        ModelError: Several seeds were asked for, but such models cannot be averaged.
        BundleError: The folder is taken or cannot be written, the training failed, or the
            written model does not predict what the trained one does.
        DataError: The data are not those of the study.
        TunerError: The configuration cannot be loaded or built.
    """
    from tuner.studies.unsealing import Ledger  # here, because it imports Optuna and SQLAlchemy

    configuration.check_access()
    check_seeds(seeds)
    with new_folder(out_dir, force=force) as folder:
        check_configuration(configuration)
        learner = opened(configuration)
        data = load_data(configuration)
        rows = data.development.rows
        fitted_on = data.development.trained_on(rows)
        params = fit_params(learner, configuration, data.development.task)
        unsealing = (ledger or Ledger()).announce(
            opening_of(configuration, data), configuration.metric
        )
        with failures_named(configuration, "the training failed, nothing was written"):
            refitted = refit(learner, configuration, params, fitted_on, seeds, note)
        fitted = refitted.fitted
        scored = replace(fitted_on, validation=unsealing.open(data.sealed_test))
        with failures_named(configuration, "the model cannot be scored, nothing was written"):
            test, baseline = final_scores(learner, fitted, params, configuration.metric, scored)
        if configuration.metric not in test:
            note(f"{configuration.metric} on test is not known: only single models measure it")
        unsealing.score(test)
        info = _info(configuration, data, out_dir) | {
            "scores": _scores(configuration, test),
            "baseline": baseline,
            "test_opening": unsealing.to_dict(),
            **({} if learner.library == "keras" else {"learner": learner.library}),
            **refitted.info,
        }
        with writing(out_dir):
            info |= _save(fitted, folder, out_dir, configuration.base)
            alone = "" if isinstance(fitted, Averaged) else learner.card(out_dir.name)
            text = card(info, out_dir.name, alone)
            (folder / "MODEL.md").write_text(text, encoding="utf-8")
            (folder / MARKER).write_text(document(info), encoding="utf-8")
        failed = "the saved model cannot be used, so it was not kept"
        try:
            with failures_named(configuration, failed):
                _check_written(learner, fitted, folder, info, rows.x[:_CHECKED_ROWS])
        except BundleError as error:  # the folder with its final name is not there yet
            said = str(error).replace(str(folder), str(out_dir))
            raise BundleError(said) from error.__cause__
    return load_bundle(out_dir)


def opening_of(configuration: Configuration, data: SealedData) -> Opening:
    """Returns what is recorded when a final model is scored on the test split."""
    from tuner.storage.openings import Opening, digest

    trained = {
        "model": configuration.model,
        "params": dict(configuration.params),
        "epochs": configuration.epochs,
        "batch_size": configuration.batch_size,
        "seed": configuration.seed,
    }
    return Opening(
        study=configuration.study,
        data_fingerprint=data.fingerprint,
        trial=configuration.trial,
        configuration=digest(trained),
        by="tuner train",
        why="score the final model",
    )


def check_configuration(configuration: Configuration) -> None:
    """Checks what can be known of a configuration before its learner's runtime is loaded.

    Raises:
        TunerError: The data set or the model is not there, or the data are not what they must be.
    """
    where = origin(configuration)
    check_model_name(configuration.model, configuration.base, where)
    check_dataset(configuration.dataset, configuration.base, where)
    if configuration.own_code:  # which may import the runtime, less quietly
        load_runtime(configuration.model, configuration.base)


def load_data(configuration: Configuration) -> SealedData:
    """Loads the configuration's data and makes sure that they are those of the study.

    Raises:
        DataError: They are others.
    """
    data = load(configuration.dataset, configuration.base, configuration.access)
    wanted = configuration.data_fingerprint
    if wanted is not None and wanted != data.fingerprint:
        raise DataError(
            f"the data {data.development.name} are not those of the study {configuration.study}: "
            f"their fingerprint is {data.fingerprint[:12]}…, the configuration has {wanted[:12]}…; "
            "give load_data a fixed seed if it shuffles, search again on these data with "
            "`tuner run`, or remove the line data_fingerprint to train on them all the same"
        )
    return data


def opened(configuration: Configuration) -> Learner:
    """Returns the learner that fits the configuration.

    Raises:
        RequestError: It is code that the configuration's ``access`` does not allow.
        ModelError: The user's module cannot be imported.
    """
    configuration.check_access()
    load_runtime(configuration.model, configuration.base)
    setup = Setup(
        configuration.base, batch_size=configuration.batch_size, metric=configuration.metric
    )
    return open_learner(configuration.model, setup)


def fit_params(learner: Learner, configuration: Configuration, task: str) -> dict[str, Value]:
    """Returns the parameters to fit with.

    Raises:
        MetricError: The model does not measure the configuration's metric.
    """
    if (metrics := learner.metrics(task)) is not None:
        check_metric(configuration.metric, metrics, task, "metric")
    # An older file names no parameter that came later.
    params = shared_params(configuration.model, {}, configuration.params)
    if "batch_size" in params:
        params["batch_size"] = configuration.batch_size
    return params


@contextmanager
def failures_named(configuration: Configuration, what: str) -> Iterator[None]:
    """Turns what a learner raises into one line.

    Args:
        configuration: What is fitted.
        what: What it means that it failed, to precede the reason.

    Raises:
        BundleError: The training failed, or a user's network raised anything.
    """
    try:
        yield
    except TrialFailed as failure:
        raise BundleError(f"{what}: {failure.reason}") from failure
    except TunerError:
        raise
    except Exception as exc:  # a user's network may raise anything
        raise BundleError(f"{what}: {described(exc, configuration.base)}") from exc


def _scores(configuration: Configuration, test: dict[str, float]) -> dict[str, Any]:
    value = configuration.value
    validation = {} if value is None else {configuration.metric: value}
    return {"validation": validation, "test": test}


def _info(configuration: Configuration, data: SealedData, out_dir: Path) -> dict[str, Any]:
    from tuner.studies.provenance import versions  # here, because it imports Optuna and SQLAlchemy

    table = configuration.to_dict(out_dir.absolute())
    del table["tuner_export"]
    table |= {"epochs": refit_steps(configuration), "epochs_by": chosen_by(table)}
    described = data.describe()
    return table | {
        "tuner_bundle": SCHEMA,
        "data": described,
        "data_fingerprint": described["fingerprint"],
        "versions": versions(),
        "search_versions": dict(configuration.versions),
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
    }


def _save(fitted: Fitted, folder: Path, out_dir: Path, base: Path) -> Mapping[str, Any]:
    """Saves the model; returns what ``bundle.json`` must contain for it."""
    try:
        return fitted.save(folder) or {}
    except ModelError as error:
        raise BundleError(f"cannot write {out_dir}: {error}") from error.__cause__
    except OSError:
        raise
    except Exception as exc:  # a learner of the user's own may raise anything
        raise BundleError(f"cannot write {out_dir}: {described(exc, base)}") from exc


def _check_written(
    learner: Learner, fitted: Fitted, folder: Path, info: dict[str, Any], x: NDArray[Any]
) -> None:
    """Makes sure that what was written predicts what was trained, on the same rows.

    The user's own layers are registered: their module has just built the model.
    """
    if not fitted.agrees(read_fitted(learner, folder, info), x):
        raise BundleError(
            "the saved model predicts otherwise than the trained one, so it was not kept; "
            f"{fitted.lost}"
        )
