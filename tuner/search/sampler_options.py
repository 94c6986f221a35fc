"""The options of samplers and pruners: one model a class, with the type and range of each option.

Names and meanings are those of Optuna's classes. Optuna checks some options when an object is made,
some when a trial is suggested or pruned, and others not at all: ``min_resource = 0`` never ends.
Here all of them are checked before a run starts. What is not set keeps Optuna's default.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BeforeValidator, Field

from tuner.spec.models import Finite, Part
from tuner.wording import kind, toml

_MOST = 100_000  # of what is held in memory for each trial


def _count_or_auto(value: object) -> object:
    is_count = isinstance(value, int) and not isinstance(value, bool) and value >= 1
    if is_count or value == "auto":
        return value
    raise ValueError(
        f'must be a whole number of at least 1, or "auto", but got {toml(value)}, {kind(value)}; '
        'write a number of epochs, or "auto"'
    )


CountOrAuto = Annotated[int | str, BeforeValidator(_count_or_auto)]
Share = Annotated[Finite, Field(ge=0, le=1)]


class NoOptions(Part):
    """``random`` and ``nop`` have none."""


class TpeOptions(Part):
    """Of :class:`optuna.samplers.TPESampler`."""

    n_startup_trials: int = Field(default=10, ge=0, examples=["10"])
    n_ei_candidates: int = Field(default=24, ge=1, le=_MOST, examples=["24"])
    multivariate: bool = Field(default=True, examples=["true"])
    group: bool = Field(default=False, examples=["true"])
    constant_liar: bool = Field(default=True, examples=["true"])


class PortfolioOptions(Part):
    """Of :class:`tuner.search.portfolio_sampler.PortfolioSampler`."""

    by: str = Field(default="learner", examples=['"learner"'])


class QmcOptions(Part):
    """Of :class:`optuna.samplers.QMCSampler`."""

    qmc_type: Literal["sobol", "halton"] = Field(default="sobol", examples=['"sobol"'])
    scramble: bool = Field(default=False, examples=["true"])


class BruteForceOptions(Part):
    """Of :class:`optuna.samplers.BruteForceSampler`; its search always covers the whole space."""

    avoid_premature_stop: bool = Field(default=False, examples=["true"])


class CmaEsOptions(Part):
    """Of :class:`optuna.samplers.CmaEsSampler`."""

    sigma0: Finite | None = Field(default=None, gt=0, examples=["0.3"])
    n_startup_trials: int = Field(default=1, ge=0, examples=["1"])
    popsize: int | None = Field(default=None, ge=2, le=_MOST, examples=["10"])
    with_margin: bool = Field(default=False, examples=["true"])
    lr_adapt: bool = Field(default=False, examples=["true"])


class GpOptions(Part):
    """Of :class:`optuna.samplers.GPSampler`."""

    n_startup_trials: int = Field(default=10, ge=0, examples=["10"])
    deterministic_objective: bool = Field(default=False, examples=["true"])


class NsgaIIOptions(Part):
    """Of :class:`optuna.samplers.NSGAIISampler`."""

    population_size: int = Field(default=50, ge=2, le=_MOST, examples=["50"])
    mutation_prob: Share | None = Field(default=None, examples=["0.1"])
    crossover_prob: Share = Field(default=0.9, examples=["0.9"])
    swapping_prob: Share = Field(default=0.5, examples=["0.5"])


class HyperbandOptions(Part):
    """Of :class:`optuna.pruners.HyperbandPruner`."""

    min_resource: int = Field(default=1, ge=1, examples=["1"])
    max_resource: CountOrAuto = Field(default="auto", examples=["50"])
    reduction_factor: int = Field(default=3, ge=2, examples=["3"])
    bootstrap_count: int = Field(default=0, ge=0, examples=["0"])


class SuccessiveHalvingOptions(Part):
    """Of :class:`optuna.pruners.SuccessiveHalvingPruner`."""

    min_resource: CountOrAuto = Field(default="auto", examples=["1"])
    reduction_factor: int = Field(default=4, ge=2, examples=["4"])
    # Rungs grow with its power: beyond this the first one comes after all epochs there may be.
    min_early_stopping_rate: int = Field(default=0, ge=0, le=64, examples=["0"])
    bootstrap_count: int = Field(default=0, ge=0, examples=["0"])


class _Intervals(Part):
    n_warmup_steps: int = Field(default=0, ge=0, examples=["5"])
    interval_steps: int = Field(default=1, ge=1, examples=["1"])


class MedianOptions(_Intervals):
    """Of :class:`optuna.pruners.MedianPruner`."""

    n_startup_trials: int = Field(default=5, ge=0, examples=["5"])
    n_min_trials: int = Field(default=1, ge=1, examples=["1"])


class PercentileOptions(MedianOptions):
    """Of :class:`optuna.pruners.PercentilePruner`."""

    percentile: Finite = Field(ge=0, le=100, examples=["25.0"])


class ThresholdOptions(_Intervals):
    """Of :class:`optuna.pruners.ThresholdPruner`."""

    lower: Finite | None = Field(default=None, examples=["0.2"])
    upper: Finite | None = Field(default=None, examples=["0.9"])
