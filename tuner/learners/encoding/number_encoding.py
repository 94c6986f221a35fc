"""Numbers, scaled by what the training rows hold.

Source: median, inter-quartile range and the soft clip x / √(1 + (x / 3)²) are those of RealMLP
(Holzmüller, Grinsztajn, Steinwart 2024, arXiv 2407.04491).
"""

from __future__ import annotations

from statistics import NormalDist
from typing import Annotated, Any, Literal, Self

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, model_validator

from tuner.data.split import float32_is_enough
from tuner.learners.encoding.encoding_options import EncodedColumn, Options, Scaling
from tuner.spec.models import Finite, Part

_MOST = float(np.finfo(np.float32).max)  # results are float32
_CLIP = 3.0  # deviations; no scaled number is beyond
_KNOTS = 201
_TAIL = 1e-3

Knots = Annotated[tuple[Finite, ...], Field(strict=False)]


class NumberEncoding(Part):
    """How a column of numbers is encoded.

    Attributes:
        name: The column.
        scaling: "none" leaves the numbers as they are, but for ``centre``.
        centre: Subtracted.
        scale: What is left is divided by it.
        knots: Quantiles of the training rows, increasing; only for "quantile".
        scores: What each knot becomes.
        fill: What stands for a missing number; None leaves NaN.
        indicator: Whether a second column is 1 where the number is missing.
    """

    kind: Literal["number"] = "number"
    name: str
    scaling: Scaling = "none"
    centre: Finite = 0.0
    scale: Annotated[float, Field(gt=0, allow_inf_nan=False)] = 1.0
    knots: Knots = ()
    scores: Knots = ()
    fill: Finite | None = None
    indicator: bool = False

    @model_validator(mode="after")
    def _has_scores(self) -> Self:
        """Refuses knots that are not increasing, or have not one score each."""
        if len(self.knots) != len(self.scores) or (np.diff(self.knots) <= 0).any():
            raise ValueError("knots must increase, and have one of scores each")
        if (self.scaling == "quantile") != bool(self.knots):
            raise ValueError('knots must be there for the scaling "quantile", and for no other')
        return self

    @classmethod
    def fit(cls, name: str, values: NDArray[np.float64], options: Options) -> Self:
        """Measures the training rows.

        Args:
            name: The column.
            values: ``(n,)``, NaN where missing.
            options: How to encode.
        """
        present = np.clip(values[~np.isnan(values)], -_MOST, _MOST)
        if options.style == "trees":
            return cls(name=name, centre=_offset(present))
        if not len(present):
            return cls(name=name, fill=0.0)
        indicator = len(present) < len(values)
        median = float(np.median(present))
        fill, measured = median, dict[str, Any]()
        match options.numbers:
            case "robust":
                measured = {"centre": median, "scale": _spread(present)}
            case "standard":
                fill = float(np.mean(present))
                measured = {"centre": fill, "scale": float(np.std(present)) or 1.0}
            case "quantile":
                knots, scores = _normal_scores(present)
                measured = {"knots": knots, "scores": scores}
        scaling = options.numbers
        return cls(name=name, scaling=scaling, fill=fill, indicator=indicator, **measured)

    @property
    def layout(self) -> tuple[EncodedColumn, ...]:
        """The columns that it becomes."""
        number = EncodedColumn(self.name, self.name)
        missing = EncodedColumn(f"{self.name} is missing", self.name)
        return (number, missing) if self.indicator else (number,)

    def encode(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        """Returns numbers as they become, ``(n, 1)``, or ``(n, 2)`` with the indicator.

        Args:
            values: ``(n,)``, NaN where missing.
        """
        missing = np.isnan(values)
        filled = values if self.fill is None else np.where(missing, self.fill, values)
        scaled = self._scaled(np.clip(filled, -_MOST, _MOST))
        return np.stack([scaled, missing], axis=1) if self.indicator else scaled[:, np.newaxis]

    def _scaled(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        if self.scaling == "quantile":
            return np.interp(values, self.knots, self.scores)
        with np.errstate(over="ignore"):
            scaled = np.clip((values - self.centre) / self.scale, -_MOST, _MOST)
        return scaled / np.hypot(1, scaled / _CLIP) if self.scaling == "robust" else scaled


def _offset(present: NDArray[np.float64]) -> float:
    """Returns 0; the median if float32 would lose differences of such numbers, as of times."""
    if not len(present) or float32_is_enough(present, np.asarray(np.std(present))):
        return 0.0
    return float(np.median(present))


def _spread(present: NDArray[np.float64]) -> float:
    """Returns the inter-quartile range; if that is 0 half the range; if that is, too, 1."""
    low, high = np.quantile(present, [0.25, 0.75])
    return float(high - low) or 0.5 * float(present.max() - present.min()) or 1.0


def _normal_scores(
    present: NDArray[np.float64],
) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Returns quantiles, and those of the normal distribution; equal quantiles share one."""
    shares = np.linspace(0, 1, _KNOTS)
    knots, which = np.unique(np.quantile(present, shares), return_inverse=True)
    middle = np.bincount(which, shares) / np.bincount(which)
    normal = NormalDist()
    scores = [normal.inv_cdf(float(share)) for share in np.clip(middle, _TAIL, 1 - _TAIL)]
    return tuple(knots.tolist()), tuple(scores)
