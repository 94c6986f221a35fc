"""A search space: parameters in order, what a trial may suggest, what a configuration may be."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from tuner.space import rules
from tuner.space.parameter import Parameter, Value, same
from tuner.space.parsing import parse_parameter
from tuner.wording import Position, either, hint, key_text, toml

if TYPE_CHECKING:
    from optuna.trial import BaseTrial

_MOST_FAULTS = 3  # sentences about one configuration; more is no longer one clear line


@dataclass(frozen=True)
class SearchSpace:
    """The parameters of a study; made by :meth:`parse`, which checks every rule.

    Attributes:
        parameters: In the order of the file.
    """

    parameters: tuple[Parameter, ...]

    @classmethod
    def parse(cls, table: Mapping[str, Any], where: str, *keys: str) -> SearchSpace:
        """Reads a search space.

        Args:
            table: Parameter name → its table, as TOML has it.
            where: The file, as errors name it: ``search_spaces/mlp.toml``.
            *keys: The keys that lead to the table when it is not the whole file.

        Raises:
            SpecError: A rule is broken; the text names file, key, rule, value and what to write.
        """
        position = Position(where, keys)
        if not table:
            raise position.error(
                "a search space needs at least one parameter; write for example [units] and "
                'below it type = "int", low = 4 and high = 512'
            )
        parameters = {
            str(name): parse_parameter(str(name), entry, position.at(str(name)))
            for name, entry in table.items()
        }
        rules.check(parameters, position)
        return cls(tuple(parameters.values()))

    @cached_property
    def _by_name(self) -> dict[str, Parameter]:
        return {parameter.name: parameter for parameter in self.parameters}

    @cached_property
    def _by_concrete_name(self) -> dict[str, Parameter]:
        return {name: p for p in self.parameters for name in rules.names(p, self._by_name)}

    @cached_property
    def _in_order(self) -> tuple[Parameter, ...]:
        return rules.in_order(self._by_name, Position("search space"))

    @property
    def is_conditional(self) -> bool:
        """Whether some parameter does not take part in every trial."""
        return any(parameter.parents for parameter in self.parameters)

    def names(self) -> tuple[str, ...]:
        """Returns every concrete name that can occur: ``units_1`` … ``units_4``."""
        return tuple(self._by_concrete_name)

    def largest(self, name: str) -> int | float | None:
        """Returns the largest value of a parameter, or None when it has none or does not exist."""
        parameter = self._by_name.get(name) or self._by_concrete_name.get(name)
        return None if parameter is None else parameter.largest()

    def suggest(self, trial: BaseTrial) -> dict[str, Value]:
        """Asks a trial for the value of every active parameter.

        Args:
            trial: Optuna's, running or fixed.

        Returns:
            Concrete name → value, parents first, otherwise in the order of the file.
        """
        params: dict[str, Value] = {}
        for parameter in self._in_order:
            for name in parameter.active(params):
                params[name] = parameter.suggest(trial, name)
        return params

    def as_stored(self, params: Mapping[str, Any]) -> dict[str, Any]:
        """Returns a configuration with whole floats as the ints that they stand for."""
        known = self._by_concrete_name
        return {
            name: known[name].as_stored(value) if name in known else value
            for name, value in params.items()
        }

    def in_order(self) -> tuple[Parameter, ...]:
        """Returns the parameters as declared, except that parents come first."""
        return self._in_order

    def parameter(self, name: str) -> Parameter:
        """Returns the parameter that a concrete name belongs to."""
        return self._by_concrete_name[name]

    def contains(self, params: Mapping[str, Any]) -> bool:
        """Returns whether a configuration could have been suggested."""
        return not self.violations(params)

    def read(self, params: Mapping[str, Any]) -> dict[str, Value]:
        """Returns a contained configuration with each value in its parameter's own type."""
        return {name: self._by_concrete_name[name].read(value) for name, value in params.items()}

    def fault(self, params: Mapping[str, Any]) -> str | None:
        """Returns the first :meth:`violations` as one text; None if there are none."""
        sentences = self.violations(params)
        more = len(sentences) - _MOST_FAULTS
        text = " ".join(sentences[:_MOST_FAULTS]) + (f" (and {more} more)" if more > 0 else "")
        return text or None

    def violations(self, params: Mapping[str, Any]) -> list[str]:
        """Returns what keeps a configuration from being in the space, each a full sentence.

        Where a parent's own value is missing or wrong, nothing is said about the parameters that
        it decides on: one mistake, one sentence.
        """
        sentences: list[str] = []
        known: dict[str, Value] = {}  # active and right: all that parents are judged by
        unclear: set[str] = set()
        for parameter in self._in_order:
            if unclear.intersection(parameter.parents):
                unclear.add(parameter.name)
                continue
            active = parameter.active(known)
            for name in active:
                sentence = _fault(parameter, name, params, known)
                if sentence is None:
                    known[name] = params[name]
                else:
                    sentences.append(sentence)
                    unclear.add(parameter.name)
            for name in rules.names(parameter, self._by_name):
                if name in params and name not in active:
                    sentences.append(_inactive(parameter, name, params[name], known))
        unknown = [name for name in params if name not in self._by_concrete_name]
        return sentences + [self._unknown(name) for name in unknown]

    def _unknown(self, name: str) -> str:
        if name in self._by_name:  # repeated, and written without its number
            repeat = self._by_name[name].repeat
            return f"{name} is repeated by {repeat}: write {name}_1, {name}_2 and so on."
        return f"There is no parameter {key_text(name)}; {hint(name, self.names(), 'parameters')}"

    def to_dict(self) -> dict[str, dict[str, Any]]:
        """Returns the table of the space: JSON-able, and :meth:`parse` reads it back equal."""
        return {parameter.name: parameter.to_dict() for parameter in self.parameters}


def _fault(
    parameter: Parameter, name: str, params: Mapping[str, Any], known: Mapping[str, Value]
) -> str | None:
    if name in params:
        fault = parameter.fault(params[name])
        return None if fault is None else f"{name} = {toml(params[name])} is wrong: {fault}."
    reasons = [f"{parent} = {toml(known[parent])}" for parent in parameter.parents]
    asked = f"; {' and '.join(reasons)} asks for it" if reasons else ""
    return f"{name} is missing{asked}."


def _inactive(parameter: Parameter, name: str, value: object, known: Mapping[str, Value]) -> str:
    start = f"{name} = {toml(value)} must be left out"
    for parent in parameter.parents:
        if parent not in known:
            return f"{start}: it takes part only with {parent}, which takes no part here."
    for parent, values in parameter.when.items():
        if not any(same(known[parent], wanted) for wanted in values):
            return (
                f"{start}: it takes part only when {parent} is {either(values)}, "
                f"but {parent} is {toml(known[parent])}."
            )
    asked = toml(known[parameter.repeat]) if parameter.repeat is not None else "nothing"
    return f"{start}: {parameter.repeat} = {asked} asks for no more of {parameter.name}."
