"""A small study with everything in it, and the ways in which tests read it."""

from __future__ import annotations

import tomllib
from pathlib import Path

from hypothesis import HealthCheck, settings
from strategies import Table

from tuner.errors import UnknownNameError
from tuner.space import SearchSpace
from tuner.spec import StudySpec, apply_settings

BASE = Path("somewhere")
SPACE = """
[search_space.units]
type = "int"
low = 4
high = 512

[search_space.rate]
type = "float"
low = 0.0
high = 1.0
"""
STUDY = """
title = "A small study"
dataset = "wine"
model = "mlp"

[objective]
metric = "accuracy"
direction = "maximize"

[budget]
n_trials = 60
timeout = "20m"
trial = { timeout = "1h30m", memory = "3GiB" }

[sampler]
name = "tpe"
seed = 7
multivariate = true

[pruner]
name = "hyperband"
reduction_factor = 3

[early_stopping]
patience = 5

[[reference]]
name = "document"
note = "section 6"
reported = { split = "test", accuracy = 0.9954 }
params = { units = 48, rate = 0 }
"""
SHORT = """
dataset = "wine"
model = "mlp"
objective = { metric = "accuracy", direction = "maximize" }
"""

slow_inputs = settings(
    max_examples=50, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large]
)


def load_space(name: str, base: Path) -> SearchSpace:
    raise UnknownNameError(f"no search space {name} beside {base}")


def read(table: Table, name: str = "small") -> StudySpec:
    return StudySpec.from_table(
        table, name=name, base=BASE, where="small.toml", load_space=load_space
    )


def spec_of(space: Table, **parts: object) -> StudySpec:
    """A study named s with this search space; further parts as a study file has them."""
    table: Table = {
        "name": "s",
        "dataset": "wine",
        "model": "mlp",
        "search_space": space,
        "objective": {"metric": "accuracy", "direction": "maximize"},
    }
    return StudySpec.from_dict(table | parts, base=Path())


def spec(text: str = STUDY + SPACE, *given: str) -> StudySpec:
    return read(apply_settings(tomllib.loads(text), given, "small.toml"))
