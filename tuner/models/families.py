"""The model families that ship: their parameters, what each may be, and what they measure.

Free of TensorFlow, so that a study can be checked before any worker starts.

Terms:
    family: a way from parameters and a description of the data to a compiled model.
    setting: one parameter of a family with its default and its rule.
    repeated: ``units`` of layer i is ``units_i`` (1-based); plain ``units`` serves all layers.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING

from tuner.errors import MetricError, SpecError

if TYPE_CHECKING:
    from tuner.space import Value

ACTIVATIONS = ("relu", "elu", "leaky_relu", "selu", "gelu", "silu", "sigmoid", "tanh", "linear")
OPTIMIZERS = ("sgd", "rmsprop", "adam")

_METRICS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "regression": ("loss", "mse", "mae"),
        "binary": ("loss", "accuracy", "precision", "recall", "auc"),
        "multiclass": ("loss", "accuracy"),
    }
)


@dataclass(frozen=True)
class Setting:
    """One parameter: its default and the values that it may have.

    Attributes:
        default: Used when a trial does not give the parameter.
        choices: The words that it may be; empty when it is a number or a truth value.
        low: Smallest value, itself allowed unless ``above``.
        high: Largest value, itself allowed unless ``below``.
        above: True if the value must be greater than ``low``.
        below: True if the value must be less than ``high``.
    """

    default: Value
    choices: tuple[str, ...] = ()
    low: float | None = None
    high: float | None = None
    above: bool = False
    below: bool = False

    def violation(self, value: Value) -> str | None:
        """What is wrong with a value, to follow "NAME = VALUE: "; None if it may be used."""
        if self.choices:
            if value in self.choices:
                return None
            return f"must be one of {', '.join(self.choices)}{did_you_mean(value, self.choices)}"
        if isinstance(self.default, bool):
            return None if isinstance(value, bool) else "must be true or false"
        if isinstance(value, bool) or not isinstance(value, int | float):
            return f"must be a number, such as {self.default}"
        if isinstance(self.default, int) and value != int(value):
            return f"must be a whole number, such as {self.default}"
        if self.low is not None and (value <= self.low if self.above else value < self.low):
            return f"must be {'greater than' if self.above else 'at least'} {self.low:g}"
        if self.high is not None and (value >= self.high if self.below else value > self.high):
            return f"must be {'less than' if self.below else 'at most'} {self.high:g}"
        return None


@dataclass(frozen=True)
class Family:
    """One shipped family.

    Attributes:
        name: What a study file says under ``model``.
        settings: Parameter name to its rule; a repeated one under its name without the number.
        repeated: Name of a repeated parameter to the parameter that counts its repetitions.
        metrics: Task to the names that ``objective.metric`` may have.
    """

    name: str
    settings: Mapping[str, Setting]
    repeated: Mapping[str, str]
    metrics: Callable[[str], tuple[str, ...]]

    @property
    def parameters(self) -> Mapping[str, Value]:
        """Parameter name to its default."""
        return {name: setting.default for name, setting in self.settings.items()}

    def setting(self, name: str) -> Setting | None:
        """The rule of a parameter as it occurs in a trial (``units_2``), or None if unknown."""
        stem, _, number = name.rpartition("_")
        if stem in self.repeated and number.isdecimal() and int(number) >= 1:
            return self.settings[stem]
        return self.settings.get(name)


def task_metrics(task: str) -> tuple[str, ...]:
    """The metrics that the shipped families report for a task, ``loss`` first."""
    return _METRICS[task]


MLP = Family(
    name="mlp",
    settings=MappingProxyType(
        {
            "n_layers": Setting(2, low=0),
            "units": Setting(64, low=1),
            "activation": Setting("relu", choices=ACTIVATIONS),
            "dropout": Setting(0.0, low=0.0, high=1.0, below=True),
            "batch_norm": Setting(False),
            "l2": Setting(0.0, low=0.0),
            "optimizer": Setting("adam", choices=OPTIMIZERS),
            "learning_rate": Setting(0.001, low=0.0, above=True),
            "momentum": Setting(0.0, low=0.0, high=1.0),
            "batch_size": Setting(32, low=1),
            "epochs": Setting(50, low=1),
        }
    ),
    repeated=MappingProxyType({"units": "n_layers"}),
    metrics=task_metrics,
)

FAMILIES: Mapping[str, Family] = MappingProxyType({family.name: family for family in (MLP,)})


def check_parameters(family: Family, names: Iterable[str], where: str = "search_space") -> None:
    """Refuses parameters that the family does not have.

    Args:
        family: A shipped family.
        names: Concrete parameter names, as in ``SearchSpace.names()``.
        where: What to name in the error: the file or the key that the names come from.

    Raises:
        SpecError: At the first unknown name.
    """
    for name in names:
        if family.setting(name) is not None:
            continue
        known = [f"{n}_1" if n in family.repeated else n for n in family.settings]
        raise SpecError(
            f"{where}: the model {family.name!r} has no parameter {name!r}"
            f"{did_you_mean(name, [*known, *family.settings])}; its parameters are "
            f"{', '.join(f'{n}_i' if n in family.repeated else n for n in family.settings)}"
        )


def check_values(
    family: Family, values: Mapping[str, Sequence[Value]], where: str = "search_space"
) -> None:
    """Refuses values that the family cannot use.

    Args:
        family: A shipped family.
        values: Parameter name to the values to look at: the choices of a categorical
            parameter, the ends of a range, or the one value of a trial.
        where: What to name in the error.

    Raises:
        SpecError: At the first unknown name or impossible value.
    """
    check_parameters(family, values, where)
    for name, candidates in values.items():
        setting = family.setting(name)
        for value in candidates:
            problem = setting.violation(value) if setting else None
            if problem:
                raise SpecError(f"{where}: {name} = {value!r}: {problem}")


def check_metric(metric: str, available: Sequence[str], where: str = "objective.metric") -> None:
    """Refuses a metric that the model does not report.

    Args:
        metric: The metric's name without ``val_``.
        available: The names that there are: ``family.metrics(task)`` or ``available_metrics``.
        where: What to name in the error.

    Raises:
        MetricError: Lists the metrics that there are and offers the nearest.
    """
    if metric in available:
        return
    raise MetricError(
        f"{where} = {metric!r}: the model does not measure it"
        f"{did_you_mean(metric.removeprefix('val_'), available)}; "
        f"it measures {', '.join(available)}"
    )


def did_you_mean(word: object, known: Iterable[str]) -> str:
    """ "; did you mean 'x'?" for the nearest known word, or nothing when none is near."""
    near = difflib.get_close_matches(str(word), list(known), n=1)
    return f"; did you mean {near[0]!r}?" if near else ""
