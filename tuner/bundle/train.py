"""Trains one configuration for good and writes the model bundle."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from tuner import models, training
from tuner.bundle.baseline import baseline
from tuner.bundle.card import card
from tuner.bundle.folder import MARKER, new_folder, writing
from tuner.bundle.load import MODEL, SCHEMA, Bundle, load_bundle, load_model
from tuner.data import Split, Splits, load
from tuner.data.split import concatenated
from tuner.errors import BundleError, DataError, TrialFailed
from tuner.models.families import FAMILIES, FIRST_DEFAULTS
from tuner.quiet import load_tensorflow
from tuner.results.configuration import Configuration
from tuner.results.rendering import document

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
    with new_folder(out_dir, force=force) as folder:
        load_tensorflow()
        data = load_data(configuration)
        rows = everything_but_test(data)
        model = _fit(configuration, data, rows)
        test = training.evaluate(model, data.test)
        # A loss that the user chose, or weighs, has no known counterpart for the trivial predictor.
        is_known = ":" not in configuration.model and rows.sample_weight is None
        measured = [name for name in test if name != "loss" or is_known]
        info = _info(configuration, data, out_dir) | {
            "logits": bool(getattr(model.loss, "from_logits", False)),
            "scores": _scores(configuration, test),
            "baseline": baseline(
                *(rows, data.test, data.task, data.class_names, measured),
                loss="mae" if getattr(model.loss, "name", "") == "mean_absolute_error" else "mse",
                loss_weight=(model.get_compile_config() or {}).get("loss_weights") or 1.0,
            ),
        }
        with writing(out_dir):
            _save(model, folder / MODEL, out_dir)
            (folder / "MODEL.md").write_text(card(info, out_dir.name), encoding="utf-8")
            (folder / MARKER).write_text(document(info), encoding="utf-8")
        _check_written(model, folder, configuration, rows.x[:_CHECKED_ROWS])
    return load_bundle(out_dir)


def load_data(configuration: Configuration) -> Splits:
    """Loads the configuration's data and makes sure that they are those of the study.

    Raises:
        DataError: They are others.
    """
    data = load(configuration.dataset, configuration.base)
    wanted = configuration.data_fingerprint
    if wanted is not None and wanted != data.fingerprint:
        raise DataError(
            f"the data {data.name} are not those of the study {configuration.study}: their "
            f"fingerprint is {data.fingerprint[:12]}…, the configuration has {wanted[:12]}…; "
            "search again on these data with `tuner run`, or remove the line data_fingerprint to "
            "train on them all the same"
        )
    return data


def everything_but_test(data: Splits) -> Split:
    """The training and validation rows together; those of a truth table only once.

    Shapes: x (n_train + n_validation, …), y and sample weights in the same way.
    """
    train, validation = data.train, data.validation
    if np.array_equal(train.x, validation.x) and np.array_equal(train.y, validation.y):
        return train
    return concatenated(train, validation)


def build(configuration: Configuration, data: Splits, rows: Split) -> keras.Model:
    """Builds the model with its scaling taken from ``rows``."""
    earlier = FIRST_DEFAULTS if configuration.model in FAMILIES else {}
    params = {**earlier, **configuration.params}  # a file of before names none that came later
    return models.build(configuration.model, params, replace(data, train=rows), configuration.base)


def _fit(configuration: Configuration, data: Splits, rows: Split) -> keras.Model:
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
    return model


def _scores(configuration: Configuration, test: dict[str, float]) -> dict[str, Any]:
    value = configuration.value
    validation = {} if value is None else {configuration.metric: value}
    return {"validation": validation, "test": test}


def _info(configuration: Configuration, data: Splits, out_dir: Path) -> dict[str, Any]:
    from tuner.runner import versions  # here, because it imports Optuna and SQLAlchemy

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


def _save(model: keras.Model, file: Path, out_dir: Path) -> None:
    try:
        model.save(file)
    except (TypeError, ValueError, NotImplementedError) as exc:
        said = " ".join(str(exc).split())[:200]
        raise BundleError(
            f"cannot write {out_dir}: the model cannot be saved: {said}; layers of your own need "
            "get_config() and @keras.saving.register_keras_serializable()"
        ) from exc


def _check_written(
    model: keras.Model, folder: Path, configuration: Configuration, rows: np.ndarray
) -> None:
    """Makes sure that what was written predicts what was trained, on the same rows."""
    written = load_model(folder / MODEL, configuration.model, configuration.base)
    one, other = (np.asarray(net.predict(rows, verbose=0)) for net in (model, written))
    if one.shape != other.shape or not np.allclose(one, other, 1e-5, 1e-6, equal_nan=True):
        raise BundleError(
            "the saved model predicts otherwise than the trained one, so it was not kept; a layer "
            "of your own probably does not save all its state (see keras.layers.Layer.get_config)"
        )
