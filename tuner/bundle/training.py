"""Trains one configuration for good and writes the model bundle."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from tuner.bundle.baseline import baseline
from tuner.bundle.card import card
from tuner.bundle.folder import MARKER, new_folder, writing
from tuner.bundle.info import SCHEMA
from tuner.bundle.load import MODEL, Bundle, load_bundle, load_model
from tuner.data import Development, SealedData, Split, load
from tuner.data.raised import described
from tuner.errors import BundleError, DataError, ModelError, TrialFailed, TunerError
from tuner.learners.keras import networks, training
from tuner.learners.keras.networks.families import FAMILIES, check_metric, shared_params
from tuner.learners.keras.networks.saving import LOST_STATE, predict_the_same, save_model
from tuner.quiet import load_tensorflow
from tuner.results.configuration import Configuration
from tuner.results.configuration_file import origin
from tuner.results.rendering import document
from tuner.trials.checking import check_dataset, check_model_name

if TYPE_CHECKING:
    import keras

_CHECKED_ROWS = 1000
"""Rows on which the written model is compared with the trained one."""


def train(configuration: Configuration, out_dir: Path, *, force: bool = False) -> Bundle:
    """Trains on everything but the test split, scores that once, and writes the bundle.

    The number of epochs is known from the search, so nothing is held out to stop by. The model
    is built and seeded as the trial's was; it sees the validation rows too.

    Args:
        configuration: What to train.
        out_dir: Folder of the bundle; it is there whole afterwards, or as it was.
        force: Replace a bundle that is there.

    Returns:
        The bundle, read back from the disk.

    Raises:
        BundleError: The folder is taken or cannot be written, the training failed, or the
            written model does not predict what the trained one does.
        DataError: The data are not those of the study.
        TunerError: The configuration cannot be loaded or built.
    """
    configuration.check_access()
    with new_folder(out_dir, force=force) as folder:
        check_configuration(configuration)
        load_tensorflow()
        data = load_data(configuration)
        development = data.development
        rows = development.rows
        model = _fit(configuration, development, rows)
        test_rows = data.sealed_test.open("tuner train", "score the final model")
        test = training.evaluate(model, test_rows)
        # A loss that the user chose, or weighs, has no known counterpart for the trivial predictor.
        is_known = ":" not in configuration.model and rows.sample_weight is None
        measured = [name for name in test if name != "loss" or is_known]
        info = _info(configuration, data, out_dir) | {
            "logits": bool(getattr(model.loss, "from_logits", False)),
            "scores": _scores(configuration, test),
            "baseline": baseline(
                *(rows, test_rows, development.task, development.class_names, measured),
                loss="mae" if getattr(model.loss, "name", "") == "mean_absolute_error" else "mse",
                loss_weight=(model.get_compile_config() or {}).get("loss_weights") or 1.0,
            ),
        }
        with writing(out_dir):
            _save(model, folder / MODEL, out_dir, configuration.base)
            (folder / "MODEL.md").write_text(card(info, out_dir.name), encoding="utf-8")
            (folder / MARKER).write_text(document(info), encoding="utf-8")
        try:
            _check_written(model, folder, rows.x[:_CHECKED_ROWS])
        except BundleError as error:  # the folder with its final name is not there yet
            said = str(error).replace(str(folder), str(out_dir))
            raise BundleError(said) from error.__cause__
    return load_bundle(out_dir)


def check_configuration(configuration: Configuration) -> None:
    """Checks what can be known of a configuration without TensorFlow.

    Raises:
        TunerError: The data set or the model is not there, or the data are not what they must be.
    """
    where = origin(configuration)
    check_model_name(configuration.model, configuration.base, where)
    check_dataset(configuration.dataset, configuration.base, where)


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


def build(configuration: Configuration, data: Development, rows: Split) -> keras.Model:
    """Builds the model with its scaling taken from ``rows``.

    Raises:
        RequestError: It is code that the configuration's ``access`` does not allow.
        MetricError: The model does not measure the configuration's metric.
        ModelError: The parameters do not make a network.
    """
    configuration.check_access()
    if configuration.model in FAMILIES:
        check_metric(
            configuration.metric, FAMILIES[configuration.model].metrics(data.task), "metric"
        )
    # An older file names no parameter that came later.
    params = shared_params(configuration.model, {}, configuration.params)
    try:
        return networks.build(
            configuration.model, params, data.trained_on(rows), configuration.base
        )
    except (TunerError, MemoryError):
        raise
    except Exception as exc:  # numbers that no search would have drawn
        said = described(exc, configuration.base)
        raise ModelError(f"the network cannot be built: {said}") from exc


def _fit(configuration: Configuration, data: Development, rows: Split) -> keras.Model:
    try:
        model, _ = training.refit(
            lambda: build(configuration, data, rows),
            rows,
            epochs=configuration.epochs,
            batch_size=configuration.batch_size,
            seed=configuration.seed,
        )
    except TrialFailed as failure:
        raise BundleError(
            f"the training failed, nothing was written: {failure.reason}"
        ) from failure
    except TunerError:
        raise
    except Exception as exc:  # a user's network may raise anything
        said = described(exc, configuration.base)
        raise BundleError(f"the training failed, nothing was written: {said}") from exc
    return model


def _scores(configuration: Configuration, test: dict[str, float]) -> dict[str, Any]:
    value = configuration.value
    validation = {} if value is None else {configuration.metric: value}
    return {"validation": validation, "test": test}


def _info(configuration: Configuration, data: SealedData, out_dir: Path) -> dict[str, Any]:
    from tuner.studies.provenance import versions  # here, because it imports Optuna and SQLAlchemy

    table = configuration.to_dict(out_dir.absolute())
    del table["tuner_export"]
    described = data.describe()
    return table | {
        "tuner_bundle": SCHEMA,
        "data": described,
        "data_fingerprint": described["fingerprint"],
        "versions": versions(),
        "search_versions": dict(configuration.versions),
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
    }


def _save(model: keras.Model, file: Path, out_dir: Path, base: Path) -> None:
    try:
        save_model(model, file, base)
    except ModelError as error:
        raise BundleError(f"cannot write {out_dir}: {error}") from error.__cause__


def _check_written(model: keras.Model, folder: Path, rows: np.ndarray) -> None:
    """Makes sure that what was written predicts what was trained, on the same rows.

    The user's own layers are registered: their module has just built the model.
    """
    if not predict_the_same(model, load_model(folder / MODEL), rows):
        raise BundleError(
            "the saved model predicts otherwise than the trained one, so it was not kept; "
            f"{LOST_STATE}"
        )
