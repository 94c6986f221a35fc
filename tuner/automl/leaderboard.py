"""The leaderboard: the best trial of each learner, beside the trivial predictor."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tuner.results.rendering import as_table
from tuner.units import duration, figure

_LEGEND = (
    "of out-of-fold predictions ± standard error; fit of all folds; prediction for\n"
    "1,000 rows; share in the ensemble; complete trials\n"
)


@dataclass(frozen=True)
class Row:
    """A learner's best trial.

    Attributes:
        learner: Its name.
        trial: Number of the trial.
        value: The objective's metric on the out-of-fold predictions.
        error: Standard error of ``value``; None if it is not known.
        fit_s: Seconds of the fit, all folds.
        predict_s: Seconds of a prediction for 1,000 rows.
        share: Of all trials of the learner in the ensemble.
        trials: How many complete trials the learner has.
    """

    learner: str
    trial: int
    value: float
    error: float | None
    fit_s: float
    predict_s: float
    share: float
    trials: int

    def to_dict(self) -> dict[str, Any]:
        """Returns it as ``bundle.json`` has it."""
        error = self.error if self.error is not None and math.isfinite(self.error) else None
        return {**self.__dict__, "error": error}


def leaderboard_text(
    rows: Sequence[Mapping[str, Any]], metric: str, baseline: Mapping[str, Any] | None
) -> str:
    """Returns the leaderboard as people read it, best first.

    Args:
        rows: As `Row.to_dict` returns them.
        metric: The objective's.
        baseline: The trivial predictor, as `tuner.data.trivial` returns it; None if it has no
            value.
    """
    cells: list[Sequence[str]] = [
        (
            row["learner"],
            _with_error(row["value"], row["error"]),
            duration(row["fit_s"]),
            _short(row["predict_s"]),
            f"{row['share']:.0%}" if row["share"] else "",
            str(row["trials"]),
        )
        for row in rows
    ]
    if baseline is not None:
        cells.append((f"({baseline['predicts']})", figure(float(baseline["value"])), *[""] * 4))
    header = ("learner", metric, "fit", "predict", "share", "trials")
    return as_table(header, cells, none="no trial is complete") + _LEGEND


def _with_error(value: float, error: float | None) -> str:
    return figure(value) if error is None else f"{figure(value)} ± {figure(error)}"


def _short(seconds: float) -> str:
    return f"{seconds * 1000:.0f} ms" if seconds < 1 else duration(seconds)
