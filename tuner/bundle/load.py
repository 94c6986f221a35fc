"""A model bundle as it lies on the disk."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from tuner.bundle.folder import MARKER
from tuner.bundle.words import words
from tuner.data.importing import import_function
from tuner.errors import BundleError, DataError, ModelError
from tuner.quiet import load_tensorflow

if TYPE_CHECKING:
    import keras

SCHEMA = 1
MODEL = "model.keras"
_KEYS = ("study", "model", "params", "epochs", "scores", "baseline", "data", "versions")


@dataclass(frozen=True)
class Bundle:
    """A trained model and what is known about it.

    Attributes:
        path: The folder.
        info: What ``bundle.json`` holds.
    """

    path: Path
    info: Mapping[str, Any] = field(repr=False)

    @cached_property
    def model(self) -> keras.Model:
        """The Keras model; it takes raw rows. Loaded when first asked for.

        Raises:
            BundleError: ``model.keras`` is missing, broken, or needs code that is not there.
        """
        return load_model(self.path / MODEL, self.info["model"], self._base)

    def predict(self, rows: NDArray[Any]) -> NDArray[np.floating]:
        """Returns the model's output for raw rows.

        Args:
            rows: ``(n, …)`` in the columns' order of ``bundle.json``.

        Returns:
            For classes ``(n, classes)`` probabilities, one column a class; for quantities
            ``(n,)``, or ``(n, k)`` if there are several; float64 where float32 has too few digits.

        Raises:
            DataError: The rows have not the shape that the model takes.
        """
        shape = tuple(self.info["data"]["input_shape"])
        if tuple(rows.shape[1:]) != shape:
            raise DataError(
                f"the model in {self.path} takes rows of shape {shape}, but these have "
                f"{tuple(rows.shape[1:])}; give an array of shape (n, {', '.join(map(str, shape))})"
            )
        output = np.asarray(self.model.predict(rows, batch_size=256, verbose=0))
        if self.info["data"]["task"] == "regression":
            return output[:, 0] if output.ndim == 2 and output.shape[1] == 1 else output
        output = output.astype(np.float32)
        return _probabilities(output, logits=bool(self.info.get("logits")))

    def to_dict(self) -> dict[str, Any]:
        """Returns the document of ``tuner train --json``."""
        return {
            "bundle": str(self.path),
            "epochs": self.info["epochs"],
            "params": self.info["params"],
            "scores": self.info["scores"],
            "baseline": self.info["baseline"]["test"],
        }

    def words(self) -> str:
        """Returns what was trained and how good it is, and the next command."""
        return words(self.path, self.info)

    @property
    def _base(self) -> Path:
        return self.path / str(self.info.get("base", "."))


def load_bundle(path: str | Path) -> Bundle:
    """Opens a model bundle; the model itself is loaded when it is first used.

    Raises:
        BundleError: ``path`` is no bundle, or a part of it is missing or broken.
    """
    path = Path(path)
    file = path / MARKER
    if not file.is_file():
        what = "holds no bundle.json" if path.is_dir() else "is not a folder"
        raise BundleError(
            f"{path} is not a model bundle: it {what}; "
            f"write one with `tuner train CONFIG -o {path}`"
        )
    try:
        info = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError) as exc:
        raise BundleError(f"{file} cannot be read: {exc}; train the bundle again") from exc
    if not isinstance(info, dict) or info.get("tuner_bundle") != SCHEMA:
        found = info.get("tuner_bundle") if isinstance(info, dict) else None
        raise BundleError(
            f"{file}: tuner_bundle is {found}, this version of tuner reads {SCHEMA}; "
            "train the bundle again, or update tuner"
        )
    missing = [key for key in _KEYS if key not in info]
    if missing:
        raise BundleError(f"{file}: the key {missing[0]} is missing; train the bundle again")
    if not (path / MODEL).is_file():
        raise BundleError(f"{path}: {MODEL} is missing; train the bundle again")
    return Bundle(path, info)


def load_model(file: Path, model: str, base: Path) -> keras.Model:
    """Loads ``model.keras``.

    A user's own network may hold layers of their own: their module is imported first, so that
    what it registers is known to Keras.

    Raises:
        BundleError: The file is broken, or needs code that is not there.
    """
    load_tensorflow()
    import keras

    if ":" in model:
        try:
            import_function(model, base, ModelError)
        except ModelError as exc:
            missing = f" ({exc})"
        else:
            missing = ""
    else:
        missing = ""
    try:
        # Not compiled: a loss or metric of the user's own is not needed to predict.
        return keras.models.load_model(file, compile=False)
    except (OSError, ValueError, TypeError, KeyError, AttributeError, ImportError) as exc:
        said = " ".join(str(exc).split())[:200]
        raise BundleError(
            f"{file} cannot be loaded: {said}{missing}; layers of your own need "
            "@keras.saving.register_keras_serializable(), otherwise train the bundle again"
        ) from exc


def _probabilities(output: NDArray[np.float32], *, logits: bool) -> NDArray[np.float32]:
    """Returns one column a class, whatever form the model gives classes in."""
    if output.ndim == 2 and output.shape[1] == 1:
        output = output[:, 0]
    if output.ndim == 1:  # two classes, one output: the second class's
        # tanh, because exp overflows where the network is sure.
        second = (1 + np.tanh(output / 2)) / 2 if logits else output
        return np.stack([1 - second, second], axis=1)
    if not logits:
        return output
    powers = np.exp(output - output.max(axis=1, keepdims=True))
    return np.asarray(powers / powers.sum(axis=1, keepdims=True), np.float32)
