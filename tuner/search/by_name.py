"""Samplers and pruners by name, as a study file writes them.

Names are Optuna's class names without their ending, in lower case; options are the class's
own keyword arguments, checked by ``sampler_options.py``. `portfolio` is ours. Two settings are
derived from the
study instead of being asked for: TPE splits a conditional space into groups, and Hyperband's
longest trial is the longest that the space allows, so that trials are compared at equal epochs
only.
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

from tuner.search import sampler_options as checked
from tuner.search.confirming_sampler import ConfirmingSampler
from tuner.search.exhaustive import ExhaustiveSampler
from tuner.search.hyperband import RememberingHyperbandPruner
from tuner.search.portfolio_sampler import PortfolioSampler
from tuner.search.seeded import SeededSampler
from tuner.search.tpe import IncrementalTPESampler
from tuner.space import SearchSpace
from tuner.space.combinations import MOST_BRANCHES, n_branches
from tuner.spec import StudySpec
from tuner.spec.models import CONFIRMING, EXHAUSTIVE, PORTFOLIO, Part
from tuner.spec.reading import read_part
from tuner.wording import Position, either, hint, toml


@dataclass(frozen=True)
class _Entry:
    """A class of Optuna's.

    Attributes:
        make: What makes an object of it.
        options: The model of its options.
        needs: The module that it needs beside Optuna; the extra that installs it has the name of
            the sampler.
        reseed: Whether a trial may draw from a stream of its own.
        several: Whether the sampler can optimise several objectives.
        constraints: Whether it works with objectives that have a bound.
    """

    make: Callable[..., Any]
    options: type[Part]
    needs: str | None = None
    reseed: bool = True
    several: bool = True
    constraints: bool = True


_SAMPLERS = {
    "tpe": _Entry(IncrementalTPESampler, checked.TpeOptions),
    "random": _Entry(optuna.samplers.RandomSampler, checked.NoOptions),
    # Quasi-random points are one sequence: its scrambling must stay the same for all trials.
    "qmc": _Entry(optuna.samplers.QMCSampler, checked.QmcOptions, reseed=False),
    EXHAUSTIVE: _Entry(ExhaustiveSampler, checked.BruteForceOptions, reseed=False),
    "cmaes": _Entry(
        optuna.samplers.CmaEsSampler,
        checked.CmaEsOptions,
        needs="cmaes",
        several=False,
        constraints=False,
    ),
    "gp": _Entry(optuna.samplers.GPSampler, checked.GpOptions, needs="torch"),
    "nsgaii": _Entry(optuna.samplers.NSGAIISampler, checked.NsgaIIOptions),
    PORTFOLIO: _Entry(
        PortfolioSampler, checked.PortfolioOptions, reseed=False, several=False, constraints=False
    ),
}

_PRUNERS = {
    "hyperband": _Entry(RememberingHyperbandPruner, checked.HyperbandOptions),
    "successivehalving": _Entry(
        optuna.pruners.SuccessiveHalvingPruner, checked.SuccessiveHalvingOptions
    ),
    "median": _Entry(optuna.pruners.MedianPruner, checked.MedianOptions),
    "percentile": _Entry(optuna.pruners.PercentilePruner, checked.PercentileOptions),
    "threshold": _Entry(optuna.pruners.ThresholdPruner, checked.ThresholdOptions),
    "nop": _Entry(optuna.pruners.NopPruner, checked.NoOptions),
}


def make_sampler(
    spec: StudySpec, where: str = "study file", deadline: float | None = None
) -> BaseSampler:
    """The study's sampler.

    What it draws for a trial depends on the seed, the trial's number and the finished trials,
    not on the process that asks.

    Args:
        spec: The study.
        where: Its file, as errors name it.
        deadline: Unix time at which the run ends; None if it has no end. `portfolio` begins
            nothing that it expects to end later.

    Raises:
        SpecError: Unknown name or option, or a value that Optuna refuses.
    """
    position = Position(where, ("sampler",))
    if spec.sampler.name == CONFIRMING:
        confirming = ConfirmingSampler(spec.objective, spec.sampler.seed)
        return SeededSampler(lambda _: confirming, spec.sampler.seed)
    entry = _entry(_SAMPLERS, position, spec.sampler.name, spec.sampler.options)
    _check_objectives(spec, entry, position)
    options = dict(spec.sampler.options)
    if spec.sampler.name == "tpe" and len(spec.optimized) > 1:
        options.setdefault("multivariate", True)  # as Optuna has it of one objective
    if spec.sampler.name == "tpe" and options.get("multivariate", True):
        options.setdefault("group", spec.search_space.is_conditional)
    elif spec.sampler.name == EXHAUSTIVE:
        _check_finite(spec.search_space, where)
        options = {"space": spec.search_space}
    elif spec.sampler.name == PORTFOLIO:
        options = _portfolio(spec, position) | {"deadline": deadline}

    def make(seed: int) -> BaseSampler:
        sampler: BaseSampler = _construct(
            entry, position, spec.sampler.name, {**options, "seed": seed}
        )
        return sampler

    first = make(spec.sampler.seed)  # so that a wrong value is found here, not in a worker
    if not entry.reseed:
        return SeededSampler(lambda _: first, spec.sampler.seed)
    again = first.reseeded if isinstance(first, IncrementalTPESampler) else make
    return SeededSampler(again, spec.sampler.seed)


def make_pruner(
    spec: StudySpec, where: str = "study file", steps: str | None = "epochs"
) -> BasePruner:
    """The study's pruner.

    Args:
        spec: The study.
        where: Its file, as errors name it.
        steps: Name of the parameter that says how many steps a trial may take; None if there is
            none.

    Raises:
        SpecError: Unknown name or option, or a value that Optuna refuses.
    """
    position = Position(where, ("pruner",))
    entry = _entry(_PRUNERS, position, spec.pruner.name, spec.pruner.options)
    options = dict(spec.pruner.options)
    if spec.pruner.name == "hyperband":
        longest: Any = spec.n_folds if spec.n_folds > 1 else None
        if longest is None and steps:
            longest = spec.fixed.get(steps) or spec.search_space.largest(steps)
        if longest is not None:
            options.setdefault("max_resource", int(longest))
        _check_resources(options, position, "folds" if spec.n_folds > 1 else "epochs")
    if spec.pruner.name == "threshold" and not options.keys() & {"lower", "upper"}:
        raise position.error('"threshold" needs a bound; write lower = 0.2 or upper = 0.9')
    pruner: BasePruner = _construct(entry, position, spec.pruner.name, options)
    return pruner


def _entry(
    entries: Mapping[str, _Entry], position: Position, name: str, options: Mapping[str, Any]
) -> _Entry:
    kind = position.keys[-1]
    entry = entries.get(name)
    if entry is None:
        raise position.at("name").error(
            f"there is no {kind} {toml(name)}; {hint(name, entries, f'{kind}s')}"
        )
    for option in options:
        if option not in entry.options.model_fields:
            known = entry.options.model_fields
            raise position.at(option).error(
                f"{kind} {toml(name)} has no such option; {hint(option, known, 'options')}"
            )
    read_part(entry.options, options, position)
    if entry.needs and importlib.util.find_spec(entry.needs) is None:
        raise position.at("name").error(
            f"{kind} {toml(name)} needs the package {entry.needs}; "
            f"install it with: pip install 'tuner[{name}]'"
        )
    return entry


def _check_objectives(spec: StudySpec, entry: _Entry, position: Position) -> None:
    """Makes sure that a sampler can do with all objectives of a study.

    Raises:
        SpecError: It optimises one only, or does not know constraints; the text names others.
    """
    n_optimized = len(spec.optimized)
    if n_optimized > 1 and not entry.several:
        able = [name for name, one in _SAMPLERS.items() if one.several]
        does, has = "optimises one objective", f"optimises {n_optimized}"
    elif spec.constraints and not entry.constraints:
        able = [name for name, one in _SAMPLERS.items() if one.constraints]
        metric = spec.constraints[0].metric
        does, has = "takes no constraints", f"has one on {metric}"
    else:
        return
    raise position.at("name").error(
        f"{toml(spec.sampler.name)} {does}, but the study {has}; write name = {either(able)}"
    )


def _check_finite(space: SearchSpace, where: str) -> None:
    """Makes sure that every combination of a space can be tried.

    Raises:
        SpecError: A parameter has endless values, or too many depend on each other.
    """
    for parameter in space.parameters:
        if parameter.size() is None:
            log = " instead of log = true" if parameter.log else ""
            raise Position(where, ("search_space", parameter.name, "step")).error(
                f'is missing: the sampler "{EXHAUSTIVE}" tries every combination, and a float '
                f"without a step has no end of values; write a step{log}, choices, or another "
                "sampler"
            )
    branches = n_branches(space)
    if branches > MOST_BRANCHES:
        raise Position(where, ("sampler", "name")).error(
            f'"{EXHAUSTIVE}" takes at most {MOST_BRANCHES:,} combinations of the parameters that '
            f"others depend on, but there are {branches:,}; write another sampler"
        )


def _portfolio(spec: StudySpec, position: Position) -> dict[str, Any]:
    """Returns the arguments of `PortfolioSampler` but for the seed.

    Raises:
        SpecError: The parameter that decides on the others is no categorical one of the space.
    """
    by, space = spec.sampler.options.get("by", "learner"), spec.search_space
    categorical = [one.name for one in space.parameters if one.type == "categorical"]
    if by not in categorical:
        raise position.at("by").error(
            f"must be a categorical parameter of the search space, but got {toml(by)}; "
            f"{hint(by, categorical, 'categorical parameters')}"
        )
    return {
        "space": space,
        "defaults": [one for one in spec.references if one.role == "default"],
        "objective": spec.objective,
        "by": by,
    }


def _check_resources(options: Mapping[str, Any], position: Position, steps: str) -> None:
    least, most = options.get("min_resource", 1), options.get("max_resource", "auto")
    if most != "auto" and least > most:
        raise position.at("min_resource").error(
            f"must be at most max_resource, which is {most} (the most {steps} of a trial unless it "
            f"is set), but got {least}; write min_resource = 1"
        )


def _construct(entry: _Entry, position: Position, name: str, options: Mapping[str, Any]) -> Any:
    with warnings.catch_warnings():
        # TPE's `group` is marked experimental; it is the documented way for conditional spaces.
        warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
        # CMA-ES's `sigma0` is deprecated; it works until Optuna 6, which we do not allow.
        warnings.simplefilter("ignore", FutureWarning)
        try:
            return entry.make(**options)
        except (TypeError, ValueError) as exc:
            # The seed is never what is wrong: it is checked where it is read.
            shown = ", ".join(
                f"{key} = {toml(value)}" for key, value in options.items() if key != "seed"
            )
            text = " ".join(str(exc).split())
            raise position.error(f"{toml(name)} refuses {shown}: {text}") from exc
