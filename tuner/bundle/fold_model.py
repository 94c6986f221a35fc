"""One fitted model of a fold in a folder: what its learner saves, and ``fitted.json`` beside it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tuner.data.raised import described
from tuner.errors import BundleError, TunerError
from tuner.learners.base import Fitted
from tuner.learners.registry import LEARNERS, load_runtime, shipped
from tuner.learners.setup import Setup

FITTED = "fitted.json"
_MOST_BYTES = 2**20


def save_fitted(fitted: Fitted, folder: Path, learner: str, params: Mapping[str, Any]) -> None:
    """Writes a model into a folder, which is made."""
    folder.mkdir(parents=True)
    info = {"learner": learner, "params": dict(params), "info": dict(fitted.save(folder) or {})}
    (folder / FITTED).write_text(json.dumps(info), encoding="utf-8")


def read_fitted(folder: Path, learner: str, data: Mapping[str, Any]) -> Fitted:
    """Reads what `save_fitted` wrote, without running code from the folder.

    Args:
        folder: Folder of the model.
        learner: Name of a learner that tuner ships.
        data: What ``bundle.json`` holds of the data.

    Raises:
        BundleError: A file is missing or broken, or was written by another learner.
    """
    saved = _read_json(folder / FITTED)
    if saved["learner"] != learner or learner not in LEARNERS:
        raise BundleError(
            f"{folder / FITTED}: the learner is {saved['learner']}, but bundle.json names "
            f"{learner}; train the bundle again"
        )
    load_runtime(learner, folder)
    info = {**saved["info"], "model": learner, "params": saved["params"], "data": data}
    try:
        return shipped(learner)(learner, Setup(folder)).load(folder, info)
    except TunerError:
        raise
    except Exception as exc:  # a broken or forged file may raise anything
        said = described(exc, folder)
        raise BundleError(f"{folder} cannot be loaded: {said}; train the bundle again") from exc


def _read_json(file: Path) -> dict[str, Any]:
    try:
        if file.stat().st_size > _MOST_BYTES:
            raise ValueError(f"it has more than {_MOST_BYTES} bytes")
        saved = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as exc:
        raise BundleError(f"{file} cannot be read: {exc}; train the bundle again") from exc
    shape = {"learner": str, "params": dict, "info": dict}
    if not isinstance(saved, dict) or any(
        not isinstance(saved.get(key), kind) for key, kind in shape.items()
    ):
        raise BundleError(f"{file} does not describe a model; train the bundle again")
    return saved
