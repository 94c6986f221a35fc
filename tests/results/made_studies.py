"""Studies made by hand: every state a trial can be in, without training anything."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import optuna
from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution
from optuna.trial import FrozenTrial, TrialState, create_trial

from tuner.results import StudyResult
from tuner.space import SearchSpace
from tuner.spec import StudySpec

SPACE = {
    "n_layers": {"type": "int", "low": 0, "high": 4},
    "units": {"type": "int", "low": 4, "high": 512, "repeat": "n_layers"},
    "optimizer": {"type": "categorical", "choices": ["adam", "sgd"]},
    "learning_rate": {"type": "float", "low": 1e-5, "high": 1.0, "log": True},
    "batch_norm": {"type": "categorical", "choices": [True, False]},
}
PARAMS = {
    "n_layers": 3,
    "units_1": 96,
    "units_2": 48,
    "units_3": 24,
    "optimizer": "adam",
    "learning_rate": 0.0042137,
    "batch_norm": True,
}
START = datetime(2026, 11, 21, 12, 0, 0)


def reference(name: str = "document", **reported: Any) -> dict[str, Any]:
    return {"name": name, "params": PARAMS, "reported": reported}


def make_spec(
    *references: dict[str, Any],
    direction: str = "maximize",
    metric: str = "accuracy",
    title: str = "Red or white wine",
    base: Path = Path("studies"),
    **other: Any,
) -> StudySpec:
    table = {
        "title": title,
        "dataset": "wine",
        "model": "mlp",
        "search_space": SPACE,
        "objective": {"metric": metric, "direction": direction},
        "reference": list(references),
    } | other
    return StudySpec.from_table(
        table, name="wine", base=base, where="wine.toml", load_space=lambda *_: SearchSpace(())
    )


def trial(
    state: str = "complete",
    value: float | None = None,
    *,
    seconds: float = 2.0,
    begin: float = 0.0,
    params: dict[str, Any] | None = None,
    **attrs: Any,
) -> FrozenTrial:
    """A trial; ``begin`` and ``seconds`` place it in time."""
    params = PARAMS if params is None else params
    if state == "waiting":
        return create_trial(
            state=TrialState.WAITING,
            user_attrs=attrs,
            system_attrs={"fixed_params": params},
        )
    defaults = {"seed": 7} | ({"epoch": 3, "epochs": 5} if state == "complete" else {})
    made = create_trial(
        state=TrialState[state.upper()],
        value=value if state in ("complete", "pruned") else None,
        params=params,
        distributions={name: _distribution(name) for name in params},
        user_attrs=defaults | attrs,
    )
    made.datetime_start = START + timedelta(seconds=begin)
    if made.state.is_finished():
        made.datetime_complete = made.datetime_start + timedelta(seconds=seconds)
    return made


def _distribution(name: str) -> Any:
    if name.startswith(("n_", "units")):
        return IntDistribution(0, 512)
    if name == "learner":
        return CategoricalDistribution(["linear_model", "k_neighbors"])
    if name == "linear_model_alpha":
        return FloatDistribution(1e-3, 1e3, log=True)
    if name == "learning_rate":
        return FloatDistribution(1e-5, 1.0, log=True)
    return CategoricalDistribution([True, False] if name == "batch_norm" else ["adam", "sgd"])


def added(value: float | None = 0.99, state: str = "complete", **changes: Any) -> FrozenTrial:
    """A trial as ``Study.add_trial`` stores it: nothing but parameters and values."""
    params = PARAMS | changes
    return create_trial(
        state=TrialState[state.upper()],
        value=value,
        params=params,
        distributions={name: _distribution(name) for name in params},
        intermediate_values={1: float("nan"), 2: float("inf")},
    )


MakeStudy = Callable[..., optuna.Study]
MakeResult = Callable[..., StudyResult]
