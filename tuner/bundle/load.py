"""A model bundle on the disk."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tuner.bundle.bundle_text import words
from tuner.bundle.folder import MARKER
from tuner.bundle.info_file import read_info
from tuner.bundle.inputs_by_name import as_inputs
from tuner.bundle.members import read_members
from tuner.bundle.members_text import members_document, members_words
from tuner.bundle.refitting import read_fitted
from tuner.data.importing import import_file, import_function
from tuner.data.raised import described
from tuner.data.split import Inputs
from tuner.errors import BundleError, ModelError, RequestError, TunerError
from tuner.learners.base import Fitted
from tuner.learners.registry import load_runtime, open_saved, saved_file
from tuner.learners.setup import Setup


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
    def fitted(self) -> Fitted:
        """The model, loaded when it is first asked for.

        Raises:
            BundleError: A file is missing or broken, or the model needs code that is not there or
                is not allowed.
            ModelError: The user's ``code`` cannot be imported.
        """
        if "members" in self.info:
            return read_members(self.path, self.info)
        named, library = self.info["model"], self.info.get("learner", "keras")
        load_runtime(named, self._base, library)
        module = None if self.code is None else import_file(self.code, ModelError)
        missing_code = ""
        if module is None and ":" in named:
            if self.allow_code:
                import_function(named, self._base, ModelError)
            else:
                missing_code = (
                    f"the bundle names {named} for it, but no code of a bundle is run by itself: "
                    "name your own copy with --code FILE.py, or add --allow-code if you trust the "
                    "maker of the bundle (Python: load_bundle(…, code=…) or allow_code=True)"
                )
            module = sys.modules.get(named.partition(":")[0])
        setup = Setup(self._base, missing_code=missing_code)
        learner = open_saved(named, library, setup, module)
        if learner is None:
            why = missing_code or f"{self.code or named} has no such learner; train it again"
            raise BundleError(f"{self.path} cannot be loaded: {why}")
        try:
            return read_fitted(learner, self.path, self.info)
        except TunerError:
            raise
        except Exception as exc:  # a learner of the user's own may raise anything
            said = described(exc, self._base)
            raise BundleError(
                f"{self.path} cannot be loaded: {said}; train the bundle again"
            ) from exc

    @property
    def model(self) -> Any:
        """The model as its library has it, such as a ``keras.Model`` that takes raw rows."""
        return getattr(self.fitted, "model", self.fitted)

    def predict(self, rows: Any) -> NDArray[np.floating]:
        """Returns the model's output for raw rows.

        Args:
            rows: ``(n, …)`` in the columns' order of ``bundle.json``; of a table also a frame of
                pandas, a mapping of names to columns, or a list of rows as mappings: their
                columns are found by name.

        Returns:
            For classes ``(n, classes)`` probabilities, one column a class; for quantities
            ``(n,)``, or ``(n, k)`` if there are several; float64 where float32 has too few digits.

        Raises:
            DataError: The rows have not the shape that the model takes, or lack a column.
            BundleError: The model cannot be loaded, or does not fit ``bundle.json``.
        """
        return self.predict_inputs(as_inputs(rows, self.info["data"], f"the model in {self.path}"))

    def predict_inputs(self, inputs: Inputs) -> NDArray[np.floating]:
        """Returns the model's output for rows in the form that it takes; see `predict`."""
        fitted = self.fitted
        try:
            return fitted.predict(inputs)
        except TunerError:
            raise
        except Exception as exc:  # for the same reason
            said = described(exc, self._base)
            raise BundleError(f"the model in {self.path} cannot predict the rows: {said}") from exc

    def to_dict(self) -> dict[str, Any]:
        """Returns the document of ``tuner train --json``, or of ``tuner automl --json``."""
        if "members" in self.info:
            return members_document(self.path, self.info)
        return {
            "bundle": str(self.path),
            "epochs": self.info["epochs"],
            "seeds": self.info.get("seeds") or [self.info["seed"]],
            "params": self.info["params"],
            "scores": self.info["scores"],
            "baseline": self.info["baseline"]["test"],
        }

    def words(self, *, command: bool = True) -> str:
        """Returns what was trained and how good it is, and the next command if that is wanted."""
        write = members_words if "members" in self.info else words
        text = write(self.path, self.info)
        return text if command else text.rpartition("\n\n")[0]

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
    if "members" in info:
        return Bundle(path, info)
    library = info.get("learner", "keras")
    in_folders = len(info.get("seeds", ())) > 1 and library != "keras"
    model = None if in_folders else saved_file(info["model"], library)
    if model is not None and not (path / model).is_file():
        raise BundleError(f"{path}: {model} is missing; train the bundle again")
    return Bundle(path, info, None if code is None else Path(code), allow_code)
