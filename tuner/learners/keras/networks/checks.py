"""Checks of parameters, values, spaces, data and metrics against a family; free of TensorFlow."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Protocol

from tuner.errors import MetricError, SpecError
from tuner.learners.keras.networks.family import Family
from tuner.learners.keras.networks.outputs import choose
from tuner.wording import nearest, toml

if TYPE_CHECKING:
    from tuner.data.splits import Kind, Task
    from tuner.space import Parameter, SearchSpace, Value


class Described(Protocol):
    """What is looked at of data: `Development`, or `Known` before they are loaded."""

    @property
    def name(self) -> str: ...
    @property
    def kind(self) -> Kind: ...
    @property
    def task(self) -> Task: ...
    @property
    def input_shape(self) -> tuple[int, ...]: ...
    @property
    def class_names(self) -> tuple[str, ...]: ...


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
        _check_parameter(family, parameter, where)


def check_training(family: Family, space: SearchSpace, where: str = "search_space") -> None:
    """Refuses epochs and batch sizes that are no whole numbers, of a network of the user's own.

    They are tuner's own parameters, whatever the model does with the others.

    Args:
        family: Any family: all have the same rules for these two.
        space: The search space.
        where: What to name in the error.

    Raises:
        SpecError: An impossible type, choice or end of a range.
    """
    for parameter in space.parameters:
        if parameter.name in ("epochs", "batch_size"):
            _check_parameter(family, parameter, where)


def _check_parameter(family: Family, parameter: Parameter, where: str) -> None:
    setting = family.setting(parameter.name)
    if setting and setting.whole and parameter.type == "float":
        raise SpecError(f'{where}: {parameter.name}.type must be "int", but got "float"')
    ends = (parameter.low, parameter.high)
    values = parameter.choices or tuple(end for end in ends if end is not None)
    check_values(family, {parameter.name: values}, where)


def check_data(
    family: Family,
    data: Described,
    space: SearchSpace | None = None,
    fixed: Mapping[str, Value] | None = None,
) -> None:
    """Refuses data that the family does not read, and outputs and losses that do not fit the task.

    Args:
        family: A shipped family.
        data: Only its kind, shape and task are looked at.
        space: Its choices of ``output`` and ``loss`` are looked at one by one.
        fixed: Parameters that all trials have; theirs are looked at together.

    Raises:
        SpecError: Names the kinds that the family reads, or the choices that the task has.
    """
    if data.kind not in family.kinds:
        shape = f", rows of the shape {data.input_shape}" if data.input_shape else ""
        raise SpecError(
            f'model: "{family.name}" reads {_kinds(family)}, but {data.name} holds '
            f"{_PLURALS[data.kind]}{shape}; choose another model for these data"
        )
    output, loss = (str((fixed or {}).get(name, "auto")) for name in ("output", "loss"))
    choose(data.task, output, loss, "fixed")
    for parameter in space.parameters if space else ():
        for choice in parameter.choices or ():
            if parameter.name == "output":
                choose(data.task, str(choice), "auto", "search_space")
            elif parameter.name == "loss":
                choose(data.task, "auto", str(choice), "search_space")


_PLURALS = {"table": "a table of numbers", "image": "images", "text": "texts"}


def _kinds(family: Family) -> str:
    return " or ".join(_PLURALS[kind] for kind in family.kinds)


def check_metric(
    metric: str, available: Sequence[str], where: str = "objective.metric", why: str = ""
) -> None:
    """Refuses a metric that the model does not report.

    Args:
        metric: The metric's name without ``val_``.
        available: The names that there are: ``family.metrics(task)`` or ``available_metrics``.
        where: What to name in the error.
        why: What the metrics depend on, for the end of the error.

    Raises:
        MetricError: Lists the metrics that there are and offers the nearest.
    """
    if metric not in available:
        raise absent_metric(metric, available, where, why)


def absent_metric(
    metric: str, available: Sequence[str], where: str = "objective.metric", why: str = ""
) -> MetricError:
    """Returns the error of ``check_metric``, to be raised when the time has come."""
    near = nearest(metric.removeprefix("val_"), available)
    return MetricError(
        f'{where}: the model does not measure "{metric}"'
        f"{f'; did you mean {near}?' if near else '.'} It measures: {', '.join(available)}"
        f"{f'; {why}' if why else ''}"
    )
