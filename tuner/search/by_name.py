"""Samplers and pruners by name, as a study file writes them.

Names are Optuna's class names without their ending, in lower case; options are the class's
own keyword arguments. Two settings are derived from the study instead of being asked for:
TPE splits a conditional space into groups, and Hyperband's longest trial is the longest that
the space allows, so that trials are compared at equal epochs only.
"""

from __future__ import annotations

import importlib.util
import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import optuna
from optuna.pruners import BasePruner
from optuna.samplers import BaseSampler

from tuner.search.hyperband import RememberingHyperbandPruner
from tuner.search.seeded import SeededSampler
from tuner.search.tpe import IncrementalTPESampler
from tuner.spec import StudySpec
from tuner.wording import Place, hint, toml


@dataclass(frozen=True)
class _Entry:
    make: Callable[..., Any]
    options: tuple[str, ...]
    extra: tuple[str, str] | None = None  # module that it needs, our extra that installs it
    reseed: bool = True  # whether a trial may draw from a stream of its own


_SAMPLERS = {
    "tpe": _Entry(
        IncrementalTPESampler,
        ("n_startup_trials", "n_ei_candidates", "multivariate", "group", "constant_liar"),
    ),
    "random": _Entry(optuna.samplers.RandomSampler, ()),
    # Quasi-random points are one sequence: its scrambling must stay the same for all trials.
    "qmc": _Entry(optuna.samplers.QMCSampler, ("qmc_type", "scramble"), reseed=False),
    "bruteforce": _Entry(optuna.samplers.BruteForceSampler, ("avoid_premature_stop",)),
    "cmaes": _Entry(
        optuna.samplers.CmaEsSampler,
        ("sigma0", "n_startup_trials", "popsize", "with_margin", "lr_adapt"),
        extra=("cmaes", "cmaes"),
    ),
}

_PRUNERS = {
    "hyperband": _Entry(
        RememberingHyperbandPruner,
        ("min_resource", "max_resource", "reduction_factor", "bootstrap_count"),
    ),
    "successivehalving": _Entry(
        optuna.pruners.SuccessiveHalvingPruner,
        ("min_resource", "reduction_factor", "min_early_stopping_rate", "bootstrap_count"),
    ),
    "median": _Entry(
        optuna.pruners.MedianPruner,
        ("n_startup_trials", "n_warmup_steps", "interval_steps", "n_min_trials"),
    ),
    "percentile": _Entry(
        optuna.pruners.PercentilePruner,
        ("percentile", "n_startup_trials", "n_warmup_steps", "interval_steps", "n_min_trials"),
    ),
    "threshold": _Entry(
        optuna.pruners.ThresholdPruner, ("lower", "upper", "n_warmup_steps", "interval_steps")
    ),
    "nop": _Entry(optuna.pruners.NopPruner, ()),
}


def make_sampler(spec: StudySpec, where: str = "study file") -> BaseSampler:
    """The study's sampler.

    What it draws for a trial depends on the seed, the trial's number and the finished trials,
    not on the process that asks.

    Args:
        spec: The study.
        where: Its file, as errors name it.

    Raises:
        SpecError: Unknown name or option, or a value that Optuna refuses.
    """
    place = Place(where, ("sampler",))
    entry = _entry(_SAMPLERS, place, spec.sampler.name, spec.sampler.options)
    options = dict(spec.sampler.options)
    if spec.sampler.name == "tpe":
        options.setdefault("group", spec.search_space.is_conditional)

    def make(seed: int) -> BaseSampler:
        sampler: BaseSampler = _construct(
            entry, place, spec.sampler.name, {**options, "seed": seed}
        )
        return sampler

    if not entry.reseed:
        return make(spec.sampler.seed)
    first = make(spec.sampler.seed)  # here, so that a wrong value is not told by a worker
    again = first.reseeded if isinstance(first, IncrementalTPESampler) else make
    return SeededSampler(again, spec.sampler.seed)


def make_pruner(spec: StudySpec, where: str = "study file") -> BasePruner:
    """The study's pruner.

    Args:
        spec: The study.
        where: Its file, as errors name it.

    Raises:
        SpecError: Unknown name or option, or a value that Optuna refuses.
    """
    place = Place(where, ("pruner",))
    entry = _entry(_PRUNERS, place, spec.pruner.name, spec.pruner.options)
    options = dict(spec.pruner.options)
    if spec.pruner.name == "hyperband":
        longest = spec.fixed.get("epochs") or spec.search_space.largest("epochs")
        if longest is not None:
            options.setdefault("max_resource", int(longest))
    pruner: BasePruner = _construct(entry, place, spec.pruner.name, options)
    return pruner


def _entry(
    entries: Mapping[str, _Entry], place: Place, name: str, options: Mapping[str, Any]
) -> _Entry:
    kind = place.keys[-1]
    entry = entries.get(name)
    if entry is None:
        raise place.at("name").error(
            f"there is no {kind} {toml(name)}; {hint(name, entries, f'{kind}s')}"
        )
    for option in options:
        if option not in entry.options:
            raise place.at(option).error(
                f"{kind} {toml(name)} has no such option; {hint(option, entry.options, 'options')}"
            )
    if entry.extra and importlib.util.find_spec(entry.extra[0]) is None:
        raise place.at("name").error(
            f"{kind} {toml(name)} needs the package {entry.extra[0]}; "
            f"install it with: pip install 'tuner[{entry.extra[1]}]'"
        )
    return entry


def _construct(entry: _Entry, place: Place, name: str, options: Mapping[str, Any]) -> Any:
    with warnings.catch_warnings():
        # TPE's `group` is marked experimental; it is the documented way for conditional spaces.
        warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
        try:
            return entry.make(**options)
        except (TypeError, ValueError) as exc:
            shown = ", ".join(f"{key} = {toml(value)}" for key, value in options.items())
            text = " ".join(str(exc).split())
            raise place.error(f"{toml(name)} refuses {shown}: {text}") from exc
