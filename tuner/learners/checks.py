"""Checks of parameters, values, spaces, data and metrics against a learner's rules.

They need the learner's class only: the library that it fits with is not imported.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Protocol

from tuner import scoring
from tuner.errors import MetricError, SpecError
from tuner.wording import nearest, toml

if TYPE_CHECKING:
    from tuner.data.schema import Task
    from tuner.data.split import Kind
    from tuner.learners.base import Learner
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


def check_parameters(
    learner: type[Learner], names: Iterable[str], where: str = "search_space"
) -> None:
    """Refuses parameters that the learner does not have.

    Args:
        learner: Its class.
        names: Concrete parameter names, as in ``SearchSpace.names()``.
        where: What to name in the error: the file or the key that the names come from.

    Raises:
        SpecError: At the first unknown name.
    """
    if learner.takes_any:
        return
    shown = [f"{name}_i" if name in learner.repeated else name for name in learner.settings]
    for name in names:
        if learner.setting(name) is None:
            near = nearest(name, [*learner.settings, *(f"{n}_1" for n in learner.repeated)])
            raise SpecError(
                f'{where}: the model "{_called(learner)}" has no parameter "{name}"'
                f"{f'; did you mean {near}?' if near else '.'} It has: {', '.join(shown) or 'none'}"
            )


def check_values(
    learner: type[Learner], values: Mapping[str, Sequence[Value]], where: str = "search_space"
) -> None:
    """Refuses values that the learner cannot use.

    Args:
        learner: Its class.
        values: Parameter name to the values to look at: the choices of a categorical
            parameter, the ends of a range, or the one value of a trial.
        where: What to name in the error.

    Raises:
        SpecError: At the first unknown name or impossible value.
    """
    check_parameters(learner, values, where)
    for name, candidates in values.items():
        setting = learner.setting(name)
        for value in candidates:
            problem = setting.violation(value) if setting else None
            if problem:
                raise SpecError(f"{where}: {name} {problem}, but got {toml(value)}")


def check_space(learner: type[Learner], space: SearchSpace, where: str = "search_space") -> None:
    """Refuses a search space that could suggest what the learner cannot fit.

    Raises:
        SpecError: An unknown parameter, an impossible choice or end of a range.
    """
    check_parameters(learner, space.names(), where)
    for parameter in space.parameters:
        if learner.setting(parameter.name) is not None:
            _check_parameter(learner, parameter, where)


def _check_parameter(learner: type[Learner], parameter: Parameter, where: str) -> None:
    setting = learner.setting(parameter.name)
    if setting and setting.whole and parameter.type == "float":
        raise SpecError(f'{where}: {parameter.name}.type must be "int", but got "float"')
    ends = (parameter.low, parameter.high)
    values = parameter.choices or tuple(end for end in ends if end is not None)
    check_values(learner, {parameter.name: values}, where)


def check_data(
    learner: type[Learner],
    data: Described,
    space: SearchSpace | None = None,
    fixed: Mapping[str, Value] | None = None,
) -> None:
    """Refuses data that the learner does not read, and parameters that do not fit the task.

    Args:
        learner: Its class.
        data: Only its kind, shape and task are looked at.
        space: Parameters that the trials of a study draw.
        fixed: Parameters that all trials have.

    Raises:
        SpecError: Names the kinds that the learner reads, or says what there is for the task.
    """
    if data.kind not in learner.kinds:
        shape = f", rows of the shape {data.input_shape}" if data.input_shape else ""
        raise SpecError(
            f'model: "{_called(learner)}" reads {_kinds(learner)}, but {data.name} holds '
            f"{plural(data.kind)}{shape}; choose another model for these data"
        )
    learner.check_task(data, space, fixed or {})


def _called(learner: type[Learner]) -> str:
    return learner.name or learner.__name__


_PLURALS = {
    "table": "a table of numbers",
    "mixed": "a mixed table",
    "image": "images",
    "text": "texts",
}


def plural(kind: Kind) -> str:
    """Returns what data of a kind hold, in words."""
    return _PLURALS[kind]


def _kinds(learner: type[Learner]) -> str:
    # Whatever reads a table of numbers reads a mixed one.
    named = [kind for kind in learner.kinds if kind != "mixed" or "table" not in learner.kinds]
    return " or ".join(_PLURALS[kind] for kind in named)


def check_metric(
    metric: str,
    available: Sequence[str],
    task: str,
    where: str = "objective.metric",
    why: str = "",
) -> None:
    """Refuses a metric that the model neither logs nor can be scored by.

    Args:
        metric: The metric's name without ``val_``.
        available: The names that the model logs itself.
        task: "regression", "binary" or "multiclass".
        where: What to name in the error.
        why: What the metrics depend on, for the end of the error.

    Raises:
        MetricError: Lists the metrics that there are and offers the nearest.
    """
    if metric not in available and (fault := scoring.fault(metric, task)) is not None:
        others = [name for name in scoring.common_names(task) if name not in available]
        reason = fault if scoring.is_known(metric) else ""
        raise absent_metric(metric, available, others, where, why, reason)


def absent_metric(
    metric: str,
    logged: Sequence[str],
    others: Sequence[str] = (),
    where: str = "objective.metric",
    why: str = "",
    reason: str = "",
) -> MetricError:
    """Returns the error for a metric that there is not.

    Args:
        metric: The metric's name without ``val_``.
        logged: The names that the model logs itself.
        others: Names that are computed from predictions.
        where: What to name in the error.
        why: What the metrics depend on.
        reason: Why a known metric is not for this task.
    """
    near = nearest(metric.removeprefix("val_"), [*logged, *others])
    said = f": {reason}." if reason else f"; did you mean {near}?" if near else "."
    lists = [f"It measures: {', '.join(logged)}"] if logged else []
    if others:
        lists.append(f"From predictions: {', '.join(others)}, and {scoring.MORE_NAMES}")
    if why and lists:
        lists[0] += f"; {why}"
    head = f'{where}: the model does not measure "{metric}"{said}'
    return MetricError(" ".join([head, ". ".join(lists)]).rstrip())
