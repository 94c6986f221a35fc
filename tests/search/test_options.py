"""Every option of every sampler and pruner: its type and range, and that permitted values work."""

from __future__ import annotations

import importlib.util
import inspect
import warnings
from pathlib import Path
from typing import Any

import optuna
import pytest
from study_texts import spec_of

from tuner.errors import SpecError
from tuner.search import by_name, make_pruner, make_sampler
from tuner.spec import StudySpec

optuna.logging.set_verbosity(optuna.logging.ERROR)

SPACE = {
    "rate": {"type": "float", "low": 0.0, "high": 1.0},
    "depth": {"type": "int", "low": 1, "high": 9},
    "epochs": {"type": "int", "low": 9, "high": 9},
    "kind": {"type": "categorical", "choices": ["only"]},
}
COUNTED = ["x", 1.5, True, [1], -1]  # wrong for every whole number
ONE_UP, TWO_UP = [*COUNTED, 0], [*COUNTED, 0, 1]
FLAG = ["x", 1, 0.0]
SHARE = ["x", True, -0.1, 1.1]

# Option → values that are refused, and values that work.
SAMPLERS: dict[str, dict[str, tuple[list[Any], list[Any]]]] = {
    "tpe": {
        "n_startup_trials": (COUNTED, [0, 3]),
        "n_ei_candidates": ([*ONE_UP, 10**9], [1, 24]),
        "multivariate": (FLAG, [True, False]),
        "group": (FLAG, [True, False]),
        "constant_liar": (FLAG, [True, False]),
    },
    "random": {},
    "qmc": {"qmc_type": (["soboll", 1, ""], ["sobol", "halton"]), "scramble": (FLAG, [True])},
    "bruteforce": {"avoid_premature_stop": (FLAG, [])},
    "cmaes": {
        "sigma0": (["x", True, 0.0, -1.0], [0.1, 1]),
        "n_startup_trials": (COUNTED, [0, 5]),
        "popsize": ([*TWO_UP, 10**9], [2, 7]),
        "with_margin": (FLAG, [True, False]),
        "lr_adapt": (FLAG, [True, False]),
    },
    "gp": {
        "n_startup_trials": (COUNTED, [0, 3]),
        "deterministic_objective": (FLAG, [True, False]),
    },
    "nsgaii": {
        "population_size": ([*TWO_UP, 10**9], [2, 10]),
        "mutation_prob": (SHARE, [0.0, 1, 0.5]),
        "crossover_prob": (SHARE, [0, 1.0]),
        "swapping_prob": (SHARE, [0.0, 1.0]),
    },
    "portfolio": {"by": ([1, True, "rate", ""], ["kind"])},
}
INTERVALS: dict[str, tuple[list[Any], list[Any]]] = {
    "n_warmup_steps": (COUNTED, [0, 100]),
    "interval_steps": (ONE_UP, [1, 4]),
}
PERCENTILES = {"n_startup_trials": (COUNTED, [0, 2]), "n_min_trials": (ONE_UP, [1, 3])} | INTERVALS
COUNT_OR_AUTO = ["x", 1.5, True, 0, -1]
PRUNERS: dict[str, dict[str, tuple[list[Any], list[Any]]]] = {
    "hyperband": {
        "min_resource": ([*ONE_UP, 10], [1, 9]),
        "max_resource": (COUNT_OR_AUTO, ["auto", 1, 9, 10**18]),
        "reduction_factor": (TWO_UP, [2, 10**9]),
        "bootstrap_count": (COUNTED, [0, 2]),
    },
    "successivehalving": {
        "min_resource": (COUNT_OR_AUTO, ["auto", 1, 9]),
        "reduction_factor": (TWO_UP, [2, 10**9]),
        "min_early_stopping_rate": ([*COUNTED, 10**9], [0, 2, 64]),
        "bootstrap_count": ([*COUNTED, 2], [0]),
    },
    "median": PERCENTILES,
    "percentile": {"percentile": (["x", True, -1, 100.1], [0, 100.0, 30])} | PERCENTILES,
    "threshold": {
        "lower": (["x", True, [0.1], 9], [0.1, -5]),
        "upper": (["x", True, [0.1], -9], [0.9, 5]),
    }
    | INTERVALS,
    "nop": {},
}
NEEDED: dict[str, dict[str, Any]] = {
    "percentile": {"percentile": 50.0},
    "threshold": {"lower": 0.0, "upper": 1.0},
}


NEEDS_TORCH = pytest.mark.skipif(
    importlib.util.find_spec("torch") is None, reason="needs the extra gp: pip install 'tuner[gp]'"
)


def spec(**parts: Any) -> StudySpec:
    return spec_of(SPACE, **parts)


def cases(table: dict[str, Any], which: int) -> list[tuple[str, str, Any]]:
    return [
        (name, option, value)
        for name, options in table.items()
        for option, values in options.items()
        for value in values[which]
    ]


def test_every_option_of_every_name_is_tried_here() -> None:
    for entries, tried in ((by_name._SAMPLERS, SAMPLERS), (by_name._PRUNERS, PRUNERS)):
        fields = {name: set(entry.options.model_fields) for name, entry in entries.items()}
        assert fields == {name: set(options) for name, options in tried.items()}


@pytest.mark.parametrize("part", ["sampler", "pruner"])
def test_options_are_those_of_the_classes(part: str) -> None:
    entries = by_name._SAMPLERS if part == "sampler" else by_name._PRUNERS
    own_names = ("bruteforce", "portfolio")  # the second is ours alone
    classes = {one.make: one.options for name, one in entries.items() if name not in own_names}
    classes[optuna.samplers.BruteForceSampler] = by_name._SAMPLERS["bruteforce"].options
    for made, options in classes.items():
        own = made.__mro__[1] if made.__module__.startswith("tuner") else made
        if options.model_fields:
            assert set(options.model_fields) <= set(inspect.signature(own.__init__).parameters)


@pytest.mark.parametrize(("name", "option", "value"), cases(SAMPLERS, 0))
def test_a_wrong_value_of_a_sampler_is_refused(name: str, option: str, value: Any) -> None:
    with pytest.raises(
        SpecError, match=rf"s\.toml: sampler\.{option}: must be .*, but got "
    ) as refused:
        make_sampler(spec(sampler={"name": name, option: value}), "s.toml")
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize(("name", "option", "value"), cases(PRUNERS, 0))
def test_a_wrong_value_of_a_pruner_is_refused(name: str, option: str, value: Any) -> None:
    options = NEEDED.get(name, {}) | {option: value}
    match = rf"s\.toml: pruner(\.{option}: must be .*, but got |: \"{name}\" refuses .*{option} = )"
    with pytest.raises(SpecError, match=match) as refused:
        make_pruner(spec(pruner={"name": name} | options), "s.toml")
    assert "\n" not in str(refused.value)


@pytest.mark.filterwarnings("ignore::optuna.exceptions.ExperimentalWarning")
@pytest.mark.parametrize(
    ("name", "option", "value"),
    [
        pytest.param(*case, marks=NEEDS_TORCH) if case[0] == "gp" else case
        for case in cases(SAMPLERS, 1)
    ],
)
def test_a_permitted_value_of_a_sampler_samples(name: str, option: str, value: Any) -> None:
    one = spec(sampler={"name": name, option: value})
    study = optuna.create_study(sampler=make_sampler(one))
    with warnings.catch_warnings():
        # CMA-ES divides by nothing when all values of a tiny generation are equal; it continues.
        warnings.simplefilter("ignore", RuntimeWarning)
        for number in range(12):
            params = one.search_space.suggest(trial := study.ask())
            assert one.search_space.contains(params)
            study.tell(trial, (params["rate"] - 0.3) ** 2 + number % 3)


@pytest.mark.filterwarnings("ignore::optuna.exceptions.ExperimentalWarning")
@pytest.mark.parametrize(("name", "option", "value"), cases(PRUNERS, 1))
def test_a_permitted_value_of_a_pruner_decides(name: str, option: str, value: Any) -> None:
    options = NEEDED.get(name, {}) | {option: value}
    study = optuna.create_study(
        study_name="s",
        sampler=optuna.samplers.RandomSampler(seed=0),
        pruner=make_pruner(spec(pruner={"name": name} | options)),
    )
    for number in range(8):
        trial = study.ask()
        for epoch in range(1, 10):
            trial.report((number * 7919 % 97) / epoch, epoch)
            assert trial.should_prune() in (False, True)
        study.tell(trial, 0.5)


@pytest.mark.parametrize(
    ("pruner", "match"),
    [
        ({"name": "percentile"}, r"pruner\.percentile: is missing; write percentile = 25\.0"),
        (
            {"name": "threshold"},
            r'pruner: "threshold" needs a bound; write lower = 0\.2 or upper',
        ),
        (
            {"name": "hyperband", "min_resource": 10},
            r"pruner\.min_resource: must be at most max_resource, which is 9 \(the most epochs of",
        ),
        (
            {"name": "median", "n_startup_trial": 3},
            r'pruner\.n_startup_trial: pruner "median" has no such option; did you mean n_startup_',
        ),
    ],
)
def test_missing_or_contradictory_options_are_refused(pruner: dict[str, Any], match: str) -> None:
    with pytest.raises(SpecError, match=match):
        make_pruner(spec(pruner=pruner), "s.toml")


def test_tpe_groups_a_conditional_space_unless_it_samples_each_parameter_alone() -> None:
    conditional = {"rate": SPACE["rate"] | {"when": {"depth": [3]}}, "depth": SPACE["depth"]}
    for options in ({}, {"multivariate": False}, {"group": False}):
        one = spec(search_space=conditional, sampler={"name": "tpe"} | options)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
            study = optuna.create_study(sampler=make_sampler(one))
        assert one.search_space.contains(one.search_space.suggest(study.ask()))


@pytest.mark.parametrize(("name", "package"), [("cmaes", "cmaes"), ("gp", "torch")])
def test_a_missing_package_names_the_extra(
    name: str, package: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(by_name.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(
        SpecError, match=rf"needs the package {package}; .* pip install 'tuner\[{name}\]'"
    ):
        make_sampler(spec(sampler={"name": name}), "s.toml")


def test_the_extra_of_each_sampler_exists() -> None:
    import tomllib

    project = tomllib.loads(Path(__file__).parents[2].joinpath("pyproject.toml").read_text())
    extras = project["project"]["optional-dependencies"]
    needed = {name: entry.needs for name, entry in by_name._SAMPLERS.items() if entry.needs}
    assert needed == {"cmaes": "cmaes", "gp": "torch"}
    for name, package in needed.items():
        assert any(line.startswith(package) for line in extras[name])
