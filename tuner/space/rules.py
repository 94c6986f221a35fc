"""The rules between parameters: parents exist, can be parents, form no circle; names are unique."""

from __future__ import annotations

from collections.abc import Mapping

from tuner.space.parameter import Parameter
from tuner.wording import Position, hint, toml

_MOST_REPEATS = 1000  # every repetition is a parameter of its own in the database


def check(parameters: Mapping[str, Parameter], position: Position) -> None:
    """Checks what parameters say about each other.

    Args:
        parameters: Name → parameter, in the order of the file.
        position: The file, or the key in it, that holds them.

    Raises:
        SpecError: A rule is broken.
    """
    for parameter in parameters.values():
        here = position.at(parameter.name)
        if parameter.repeat is not None:
            _check_repeat(parameter.repeat, parameters, here.at("repeat"))
        for parent in parameter.when:
            _check_when(parameter, parent, parameters, here.at("when", parent))
    in_order(parameters, position)
    _check_collisions(parameters, position)


def in_order(parameters: Mapping[str, Parameter], position: Position) -> tuple[Parameter, ...]:
    """Returns the parameters as declared, except that parents come before those they decide on.

    Raises:
        SpecError: Parameters wait for each other in a circle.
    """
    done: dict[str, Parameter] = {}

    def visit(name: str, path: tuple[str, ...]) -> None:
        if name in done:
            return
        if name in path:
            circle = " → ".join((*path[path.index(name) :], name))
            raise position.at(name).error(
                f"parameters must not wait for each other in a circle, but {circle}; "
                "remove one when or repeat"
            )
        for parent in parameters[name].parents:
            visit(parent, (*path, name))
        done[name] = parameters[name]

    for name in parameters:
        visit(name, ())
    return tuple(done.values())


def _check_repeat(name: str, parameters: Mapping[str, Parameter], position: Position) -> None:
    ints = [p.name for p in parameters.values() if p.type == "int" and p.repeat is None]
    if name not in parameters:
        raise position.error(f"no parameter {toml(name)}; {hint(name, ints, 'int parameters')}")
    parent = parameters[name]
    if parent.type != "int":
        raise position.error(
            f"must name an int parameter, but {name} is {parent.type}; "
            f"{hint('', ints, 'int parameters')}"
        )
    if parent.repeat is not None:
        raise position.error(
            f"must name a parameter with one value, but {name} is itself repeated; "
            f"{hint('', ints, 'int parameters')}"
        )
    assert parent.low is not None
    assert parent.high is not None
    if parent.low < 0:
        raise position.error(
            f"nothing can be repeated {parent.low} times, which {name} permits; "
            f"write low = 0 or more in [{name}]"
        )
    if parent.high > _MOST_REPEATS:
        raise position.error(
            f"at most {_MOST_REPEATS} repetitions, but {name} goes up to {parent.high}; "
            f"write a smaller high in [{name}]"
        )


def _check_when(
    parameter: Parameter, name: str, parameters: Mapping[str, Parameter], position: Position
) -> None:
    if name not in parameters:
        others = [p for p in parameters if p != parameter.name]
        raise position.error(f"no parameter {toml(name)}; {hint(name, others, 'parameters')}")
    parent = parameters[name]
    if parent.repeat is not None:
        raise position.error(
            f"must name a parameter with one value, but {name} is repeated; "
            "remove it from when, or remove its repeat"
        )
    if parent.type == "float":
        raise position.error(
            f"must name a categorical or int parameter, but {name} is float, "
            "and a float hardly ever meets an exact value; "
            "add a categorical parameter that switches"
        )
    for value in parameter.when[name]:
        if (fault := parent.fault(value)) is not None:
            near = hint(str(value), map(str, parent.choices), "choices") if parent.choices else ""
            suffix = f"; {near}" if near.startswith("did") else ""
            raise position.error(f"{name} never is {toml(value)}: {fault}{suffix}")


def _check_collisions(parameters: Mapping[str, Parameter], position: Position) -> None:
    owner: dict[str, str] = {}
    for parameter in parameters.values():
        for concrete in names(parameter, parameters):
            other = owner.setdefault(concrete, parameter.name)
            if other != parameter.name:
                raise position.at(parameter.name).error(
                    f"[{parameter.name}] and [{other}] both make a parameter {concrete} "
                    "(repeat numbers them from 1); rename one of them"
                )


def names(parameter: Parameter, parameters: Mapping[str, Parameter]) -> tuple[str, ...]:
    """Returns every concrete name that a parameter can have."""
    if parameter.repeat is None:
        return (parameter.name,)
    return parameter.concrete(int(parameters[parameter.repeat].high or 0))
