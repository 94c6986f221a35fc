"""A model bundle as it lies on the disk."""

from __future__ import annotations

import re
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from tuner.bundle.bundle_text import words
from tuner.bundle.folder import MARKER
from tuner.bundle.info import read_info
from tuner.data.importing import import_file, import_function
from tuner.data.raised import described
from tuner.errors import BundleError, DataError, ModelError, RequestError
from tuner.quiet import load_tensorflow
from tuner.units import format_bytes

if TYPE_CHECKING:
    import keras

MODEL = "model.keras"
_SMALL_BYTES, _MOST_EXPANSION = 64 * 2**20, 100
_ADVICE = (
    "layers of your own need @keras.saving.register_keras_serializable(), otherwise train the "
    "bundle again"
)


@dataclass(frozen=True)
class Bundle:
    """A trained model and what is known about it.

    Attributes:
        path: The folder.
        info: What ``bundle.json`` holds.
        code: A Python file of the user's that defines the layers of the model; None if they are
            all Keras's own, or have been imported.
        allow_code: Whether the module that ``bundle.json`` names is imported.
    """

    path: Path
    info: Mapping[str, Any] = field(repr=False)
    code: Path | None = None
    allow_code: bool = False

    @cached_property
    def model(self) -> keras.Model:
        """The Keras model; it takes raw rows. Loaded when first asked for.

        Raises:
            BundleError: ``model.keras`` is missing, broken, or needs code that is not there or is
                not allowed.
            ModelError: The user's ``code`` cannot be imported.
        """
        file, named = self.path / MODEL, self.info["model"]
        load_tensorflow()
        if self.code is not None:
            import_file(self.code, ModelError)
        elif ":" not in named:
            return load_model(file)
        elif self.allow_code:
            import_function(named, self._base, ModelError)
        else:
            return load_model(
                file,
                f"the bundle names {named} for it, but no code of a bundle is run by itself: name "
                "your own copy with --code FILE.py, or add --allow-code if you trust the maker "
                "of the bundle (Python: load_bundle(…, code=…) or allow_code=True)",
            )
        return load_model(file)

    def predict(self, rows: NDArray[Any]) -> NDArray[np.floating]:
        """Returns the model's output for raw rows.

        Args:
            rows: ``(n, …)`` in the columns' order of ``bundle.json``.

        Returns:
            For classes ``(n, classes)`` probabilities, one column a class; for quantities
            ``(n,)``, or ``(n, k)`` if there are several; float64 where float32 has too few digits.

        Raises:
            DataError: The rows have not the shape that the model takes.
            BundleError: The model cannot be loaded, or does not fit ``bundle.json``.
        """
        shape = tuple(self.info["data"]["input_shape"])
        if tuple(rows.shape[1:]) != shape:
            raise DataError(
                f"the model in {self.path} takes rows of shape {shape}, but these have "
                f"{tuple(rows.shape[1:])}; give an array of shape (n, {', '.join(map(str, shape))})"
            )
        output = self._output(rows)
        if self.info["data"]["task"] == "regression":
            return output[:, 0] if output.ndim == 2 and output.shape[1] == 1 else output
        output = output.astype(np.float32)
        return _probabilities(output, logits=bool(self.info.get("logits")))

    def _output(self, rows: NDArray[Any]) -> NDArray[np.floating]:
        """Returns what the network says: ``(n,)`` or ``(n, k)``.

        Raises:
            BundleError: The network does not take such rows, or says something else.
        """
        model = self.model
        try:
            output = np.asarray(model.predict(rows, batch_size=256, verbose=0))
        except Exception as exc:  # of many kinds, by where in Keras the shapes disagree
            said = described(exc, self._base)
            raise BundleError(
                f"{self.path / MODEL} cannot predict rows as {MARKER} describes them: {said}; "
                "train the bundle again"
            ) from exc
        if output.ndim not in (1, 2) or len(output) != len(rows):
            raise BundleError(
                f"{self.path / MODEL} gives an output of shape {output.shape} for {len(rows)} "
                "rows, but a model must give a row of numbers for each; train the bundle again"
            )
        return output

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


def load_bundle(
    path: str | Path, *, code: str | Path | None = None, allow_code: bool = False
) -> Bundle:
    """Opens a model bundle; the model itself is loaded when it is first used.

    Nothing of the bundle is imported unless ``allow_code`` is set. Layers that are not Keras's own
    come from ``code``, or from a module that the caller has imported before.

    Args:
        path: The bundle's folder.
        code: A Python file of the user's that defines the layers of the model.
        allow_code: Import the module that ``bundle.json`` names. The maker of the bundle then
            decides what runs in this process.

    Raises:
        RequestError: ``path`` is no bundle.
        BundleError: A part of it is missing or broken.
    """
    path = Path(path)
    file = path / MARKER
    if not file.is_file():
        what = "holds no bundle.json" if path.is_dir() else "is not a folder"
        raise RequestError(
            f"{path} is not a model bundle: it {what}; "
            f"write one with `tuner train CONFIG -o {path}`"
        )
    info = read_info(file)
    if not (path / MODEL).is_file():
        raise BundleError(f"{path}: {MODEL} is missing; train the bundle again")
    return Bundle(path, info, None if code is None else Path(code), allow_code)


def load_model(file: Path, advice: str = _ADVICE) -> keras.Model:
    """Loads ``model.keras``; layers that are not Keras's own must have been registered before.

    Args:
        file: The saved model.
        advice: The end of the error's text.

    Raises:
        BundleError: The file is broken, or has layers that nothing has registered.
    """
    load_tensorflow()
    import keras

    _check_size(file)
    try:
        # Not compiled: a loss or metric of the user's own is not needed to predict.
        return keras.models.load_model(file, compile=False)
    except Exception as exc:  # a broken archive may raise anything
        raise BundleError(f"{file} cannot be loaded: {_why(exc, file)}; {advice}") from exc


def _check_size(file: Path) -> None:
    """Refuses an archive that would fill the memory: Keras itself does not compress.

    Raises:
        BundleError: It unpacks to far more than it takes on the disk.
    """
    try:
        with zipfile.ZipFile(file) as archive:
            unpacked = sum(part.file_size for part in archive.infolist())
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError):
        return  # Keras says what is wrong with it
    packed = file.stat().st_size
    if unpacked > _SMALL_BYTES and unpacked > _MOST_EXPANSION * packed:
        raise BundleError(
            f"{file} cannot be loaded: it unpacks from {format_bytes(packed)} to "
            f"{format_bytes(unpacked)}, which no saved model does; train the bundle again"
        )


def _why(exc: Exception, file: Path) -> str:
    """Returns the unknown class, or the cause; Keras names it behind a whole configuration."""
    unknown = re.search(r"Could not locate (class|function) '([^']{1,80})'", str(exc))
    if unknown:
        return f"the {unknown[1]} {unknown[2]} in it is not Keras's own"
    return described(exc, file.parent)


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
