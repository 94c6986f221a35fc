"""The model families that ship: their parameters, what each may be, and what they measure.

Free of TensorFlow, so that a study can be checked before any worker starts.

Terms:
    family: a way from parameters and a description of the data to a compiled model.
    setting: one parameter of a family with its default and its rule.
    repeated: ``units`` of layer i is ``units_i`` (1-based); plain ``units`` serves all layers.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING

from tuner.errors import MetricError, SpecError
from tuner.models.settings import Setting
from tuner.wording import nearest, toml

if TYPE_CHECKING:
    from tuner.space import SearchSpace, Value

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
        """Returns the rule of a parameter as a trial names it (``units_2``); None if unknown."""
        stem, _, number = name.rpartition("_")
        if stem in self.repeated and number.isdecimal() and int(number) >= 1:
            return self.settings[stem]
        return self.settings.get(name)


def task_metrics(task: str) -> tuple[str, ...]:
    """Returns the metrics that the shipped families report for a task, ``loss`` first."""
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
    shown = [f"{name}_i" if name in family.repeated else name for name in family.settings]
    for name in names:
        if family.setting(name) is None:
            near = nearest(name, [*family.settings, *(f"{n}_1" for n in family.repeated)])
            raise SpecError(
                f'{where}: the model "{family.name}" has no parameter "{name}"'
                f"{f'; did you mean {near}?' if near else '.'} It has: {', '.join(shown)}"
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
                raise SpecError(f"{where}: {name} {problem}, but got {toml(value)}")


def check_space(family: Family, space: SearchSpace, where: str = "search_space") -> None:
    """Refuses a search space that could suggest what the family cannot build.

    Raises:
        SpecError: An unknown parameter, an impossible choice or end of a range.
    """
    check_parameters(family, space.names(), where)
    for parameter in space.parameters:
        setting = family.setting(parameter.name)
        if setting and setting.whole and parameter.type == "float":
            raise SpecError(f'{where}: {parameter.name}.type must be "int", but got "float"')
        ends = (parameter.low, parameter.high)
        values = parameter.choices or tuple(end for end in ends if end is not None)
        check_values(family, {parameter.name: values}, where)


def check_metric(metric: str, available: Sequence[str], where: str = "objective.metric") -> None:
    """Refuses a metric that the model does not report.

    Args:
        metric: The metric's name without ``val_``.
        available: The names that there are: ``family.metrics(task)`` or ``available_metrics``.
        where: What to name in the error.

    Raises:
        MetricError: Lists the metrics that there are and offers the nearest.
    """
    if metric not in available:
        raise absent_metric(metric, available, where)


def absent_metric(
    metric: str, available: Sequence[str], where: str = "objective.metric"
) -> MetricError:
    """Returns the error of ``check_metric``, to be raised when the time has come."""
    near = nearest(metric.removeprefix("val_"), available)
    return MetricError(
        f'{where}: the model does not measure "{metric}"'
        f"{f'; did you mean {near}?' if near else '.'} It measures: {', '.join(available)}"
    )
