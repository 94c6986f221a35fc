"""What the models of a trial's folds have given, and the checkpoint of a trial that has some."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tuner.learners.watch import UnusableCheckpoint


@dataclass(frozen=True)
class FittedFold:
    """What the model of one fold has given.

    Attributes:
        value: The objective's metric on the held-out rows, after the best step.
        epoch: The best step, 1-based.
        reason: Why the fit ended before its last step; None if it did not.
        logs: What was logged at the best step.
        predictions: For the held-out rows, as ``Fitted.predict`` returns them, but ``(n,)`` instead
            of ``(n, 1)``.
        fit_s: Seconds that it took to fit, and to predict for the first time.
        predict_s: Seconds that it took to predict the held-out rows once more; None if it did not.
        model: The model as :func:`tuner.learners.saved.pack_model` packs it; None if it is not
            kept.
        costs: Those of :mod:`tuner.costs` that an objective asks for.
    """

    value: float
    epoch: int
    reason: str | None
    logs: Mapping[str, Any]
    predictions: NDArray[np.floating]
    fit_s: float
    predict_s: float | None
    model: bytes | None = None
    costs: Mapping[str, float] = field(default_factory=dict)


_PLAIN = ("value", "epoch", "reason", "logs", "fit_s", "predict_s")


def pack(folds: Sequence[FittedFold], begun_with: Mapping[str, Any]) -> bytes:
    """Returns a checkpoint: one ``.npz`` without pickle.

    Args:
        folds: The first folds of a trial.
        begun_with: What must be the same where the trial is resumed.
    """
    plain = [{key: getattr(fold, key) for key in (*_PLAIN, "costs")} for fold in folds]
    text = json.dumps({"begun_with": begun_with, "folds": plain}, default=float)
    arrays: dict[str, NDArray[Any]] = {"results": np.frombuffer(text.encode(), np.uint8)}
    for number, fold in enumerate(folds):
        arrays[f"predictions_{number}"] = fold.predictions
        if fold.model is not None:
            arrays[f"model_{number}"] = np.frombuffer(fold.model, np.uint8)
    content = io.BytesIO()
    np.savez(content, allow_pickle=False, **arrays)
    return content.getvalue()


def unpack(content: bytes, begun_with: Mapping[str, Any]) -> list[FittedFold]:
    """Returns the folds of a checkpoint.

    Raises:
        UnusableCheckpoint: It is broken, or of a trial that began otherwise.
    """
    try:
        with np.load(io.BytesIO(content), allow_pickle=False) as archive:
            table = json.loads(archive["results"].tobytes())
            if table["begun_with"] != begun_with:
                raise UnusableCheckpoint("it is of a trial that began otherwise")
            return [
                FittedFold(
                    **{key: plain[key] for key in _PLAIN},
                    predictions=archive[f"predictions_{number}"],
                    model=_model(archive, number),
                    costs=plain.get("costs", {}),  # earlier versions wrote none
                )
                for number, plain in enumerate(table["folds"])
            ]
    except (OSError, EOFError, LookupError, TypeError, ValueError, zipfile.BadZipFile) as exc:
        raise UnusableCheckpoint(f"it is broken: {exc}") from exc


def _model(archive: Mapping[str, NDArray[Any]], number: int) -> bytes | None:
    name = f"model_{number}"
    return archive[name].tobytes() if name in archive else None
