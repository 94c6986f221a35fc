"""Saves and loads models, and checks before a search that its models can be saved at all."""

from __future__ import annotations

import logging
import re
import tempfile
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from tuner.data.raised import described
from tuner.errors import BundleError, ModelError
from tuner.learners.archives import check_unpacked_size
from tuner.quiet import load_tensorflow

if TYPE_CHECKING:
    import keras

    from tuner.data import Development

_log = logging.getLogger(__name__)
_ROWS = 8
_ADVICE = (
    "layers of your own need @keras.saving.register_keras_serializable(), otherwise train the "
    "bundle again"
)
_CURE = (
    "layers of your own need get_config() and @keras.saving.register_keras_serializable(); write "
    "Lambda layers and lambdas as such layers"
)
LOST_STATE = (
    "a layer of your own probably does not save all its state (see keras.layers.Layer.get_config)"
)
_ALL_THE_SAME = (
    "to search all the same, without a model to train in the end: [training] saveable = false"
)


def save_model(model: keras.Model, file: Path, base: Path) -> None:
    """Writes ``model.keras``.

    Args:
        model: The model.
        file: Where to.
        base: Folder of the study file; errors name files from there.

    Raises:
        ModelError: The model cannot be saved; the text says why and what it needs.
        OSError: The file cannot be written.
    """
    try:
        model.save(file)
    except OSError:
        raise
    except Exception as exc:  # get_config() of a user's own layer raises what it likes
        raise ModelError(f"the model cannot be saved: {described(exc, base)}; {_CURE}") from exc


def check_saveable(model: keras.Model, reference: str, data: Development, base: Path) -> None:
    """Saves a network of the user's own, loads it again and compares what both predict.

    The search may take hours, and only its end, ``tuner train``, saves anything. Shipped families
    are known to be saved.

    Args:
        model: Built; as ``reference`` returned it.
        reference: ``module:function``, for the text.
        data: A few of its validation rows are predicted.
        base: Folder of the study file; errors name files from there.

    Raises:
        ModelError: It cannot be saved or loaded, or what was loaded predicts something else.
    """
    import keras

    rows = data.validation.x[:_ROWS]
    try:
        with tempfile.TemporaryDirectory(prefix="tuner-") as folder, warnings.catch_warnings():
            warnings.simplefilter("ignore")  # what they warn of is an error just below
            file = Path(folder, "model.keras")
            save_model(model, file, base)
            # As a bundle is loaded: not compiled, and without code from the file.
            loaded = keras.models.load_model(file, compile=False)
            same = predict_the_same(model, loaded, rows)
    except ModelError as error:
        raise ModelError(f'"{reference}": {error}; {_ALL_THE_SAME}') from error.__cause__
    except OSError as error:
        _log.warning("could not try whether the model can be saved: %s", error)
        return
    except Exception as exc:  # from_config() of a user's own layer raises what it likes
        raise ModelError(
            f'"{reference}": the model can be saved, but not loaded again: '
            f"{described(exc, base)}; {_CURE}; {_ALL_THE_SAME}"
        ) from exc
    if not same:
        raise ModelError(
            f'"{reference}": the model predicts something else when it was saved and loaded; '
            f"{LOST_STATE}; {_ALL_THE_SAME}"
        )


def predict_the_same(model: keras.Model, loaded: keras.Model, rows: NDArray[Any]) -> bool:
    """Returns whether two models, of one or several outputs, agree on rows but for rounding."""
    import keras

    outputs = (keras.tree.flatten(one.predict(rows, verbose=0)) for one in (model, loaded))
    pairs = zip(*outputs, strict=True)
    return all(
        a.shape == b.shape and np.allclose(a, b, 1e-4, 1e-5, equal_nan=True) for a, b in pairs
    )


def load_model(file: Path, advice: str = "") -> keras.Model:
    """Loads ``model.keras``; layers that are not Keras's own must have been registered before.

    Args:
        file: The saved model.
        advice: What to do about layers that nothing has registered; empty for the usual.

    Raises:
        BundleError: The file is broken, or has layers that nothing has registered.
    """
    load_tensorflow()
    import keras

    check_unpacked_size(file)
    try:
        # Not compiled: a loss or metric of the user's own is not needed to predict.
        return keras.models.load_model(file, compile=False)
    except Exception as exc:  # a broken archive may raise anything
        raise BundleError(
            f"{file} cannot be loaded: {_why(exc, file)}; {advice or _ADVICE}"
        ) from exc


def _why(exc: Exception, file: Path) -> str:
    """Returns the unknown class, or the cause; Keras names it behind a whole configuration."""
    unknown = re.search(r"Could not locate (class|function) '([^']{1,80})'", str(exc))
    if unknown:
        return f"the {unknown[1]} {unknown[2]} in it is not Keras's own"
    return described(exc, file.parent)
