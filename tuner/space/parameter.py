"""One parameter of a search space, in Optuna's words: low, high, step, log, choices.

Terms:
    name: As declared: ``units``.
    concrete name: As it occurs in a trial: ``units_1``, ``units_2`` … for a repeated parameter,
        the name itself for any other.
    active: Taking part in a trial: its ``when`` holds and its repetition reaches that far.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Literal

from tuner.wording import either, kind, toml

if TYPE_CHECKING:  # Optuna takes 0.3 s to import, which `tuner studies` does not have to spend
    from optuna.distributions import BaseDistribution
    from optuna.trial import BaseTrial

Value = int | float | str | bool


@dataclass(frozen=True)
class Parameter:
    """A parameter and the values that it can take; made by :meth:`SearchSpace.parse`.

    Attributes:
        name: The declared name.
        type: ``int``, ``float`` or ``categorical``.
        low: Smallest value, included; None for a categorical.
        high: Largest value, included and always on the grid of ``step``; None for a categorical.
        step: Distance of the grid from ``low``; None means 1 for an int, no grid for a float.
        log: Sample on a logarithmic scale.
        choices: The values of a categorical, in the order of the file.
        repeat: Name of the int parameter that says how often this one occurs.
        when: Parent name → the values of the parent with which this one is active. All must hold.
    """

    name: str
    type: Literal["int", "float", "categorical"]
    low: int | float | None = None
    high: int | float | None = None
    step: int | float | None = None
    log: bool = False
    choices: tuple[Value, ...] = ()
    repeat: str | None = None
    when: Mapping[str, tuple[Value, ...]] = field(default_factory=dict)

    @property
    def parents(self) -> tuple[str, ...]:
        """Names of the parameters that decide whether this one is active."""
        return (*self.when, *((self.repeat,) if self.repeat is not None else ()))

    def distribution(self) -> BaseDistribution:
        """Returns the parameter as Optuna's distribution."""
        from optuna import distributions

        if self.type == "categorical":
            return distributions.CategoricalDistribution(self.choices)
        assert self.low is not None
        assert self.high is not None
        if self.type == "float":
            return distributions.FloatDistribution(self.low, self.high, self.log, self.step)
        step = 1 if self.step is None else int(self.step)
        return distributions.IntDistribution(int(self.low), int(self.high), self.log, step)

    def suggest(self, trial: BaseTrial, name: str) -> Value:
        """Asks the trial for a value under a concrete name."""
        if self.type == "categorical":
            return self.read(self.as_stored(trial.suggest_categorical(name, self.choices)))
        assert self.low is not None
        assert self.high is not None
        if self.type == "float":
            return float(
                trial.suggest_float(name, self.low, self.high, step=self.step, log=self.log)
            )
        step = 1 if self.step is None else int(self.step)
        return trial.suggest_int(name, int(self.low), int(self.high), step=step, log=self.log)

    def as_stored(self, value: object) -> object:
        """Returns a whole float as the int that it stands for, where that is what is meant.

        Tables of trials hold floats only: 32.0 in a row that is enqueued means 32.
        """
        if isinstance(value, float) and value.is_integer() and self.fault(value) is not None:
            return value if self.fault(int(value)) is not None else int(value)
        return value

    def read(self, value: Any) -> Value:
        """Returns a permitted value in this parameter's own type: 0 becomes 0.0 for a float."""
        if self.type == "float":
            return float(value)
        if self.type == "categorical":
            return next((choice for choice in self.choices if same(value, choice)), value)
        return int(value)

    def fault(self, value: object) -> str | None:
        """Returns why a value is not permitted, or None when it is.

        The types are TOML's: ``true`` is not an int, 3.0 is not an int, and an int is accepted
        where a float is expected.
        """
        if self.type == "categorical":
            if any(same(value, choice) for choice in self.choices):
                return None
            return f"it must be {either(self.choices)}"
        if isinstance(value, bool) or not isinstance(value, int | float):
            return f"it must be a number, not {kind(value)}"
        if self.type == "int" and not isinstance(value, int):
            return "it must be a whole number, written without a point"
        assert self.low is not None
        assert self.high is not None
        if not self.low <= value <= self.high:  # False for NaN too
            return f"it must lie between {toml(self.low)} and {toml(self.high)}"
        if self.step is not None and not self._on_grid(value):
            return f"it must be {toml(self.low)} plus a multiple of {toml(self.step)}"
        return None

    def _on_grid(self, value: int | float) -> bool:
        assert self.low is not None
        assert self.step is not None
        if self.type == "int":
            return (value - self.low) % self.step == 0
        # At least Optuna's own tolerance of 1e-8 steps (FloatDistribution), and more where low is
        # so large that rounding exceeds it: what Optuna suggests must be accepted here.
        on_grid = self.low + round((value - self.low) / self.step) * self.step
        return math.isclose(value, on_grid, rel_tol=1e-12, abs_tol=1e-8 * self.step)

    def size(self) -> int | None:
        """Returns how many values there are; None for a float range without a step."""
        if self.type == "categorical":
            return len(self.choices)
        if self.low == self.high:
            return 1
        if self.step is None and self.type == "float":
            return None
        assert self.low is not None
        assert self.high is not None
        # On the written digits, as Optuna counts: high is low plus a multiple of step.
        low, high, step = (Decimal(str(n)) for n in (self.low, self.high, self.step or 1))
        return int((high - low) // step) + 1

    def at(self, position: int) -> Value:
        """Returns the value at a position from 0, of those that :meth:`size` counts."""
        if self.type == "categorical":
            return self.choices[position]
        assert self.low is not None
        step = Decimal(str(self.step or 1))
        return self.read(Decimal(str(self.low)) + position * step)

    def position(self, value: Value) -> int:
        """Returns the position of a permitted value, so that ``at(position(value))`` is it."""
        if self.type == "categorical":
            return next(i for i, choice in enumerate(self.choices) if same(value, choice))
        assert self.low is not None
        return round((float(value) - self.low) / (self.step or 1))

    def largest(self) -> int | float | None:
        """Returns the largest value, or None when the choices are not all numbers."""
        if self.type != "categorical":
            return self.high
        numbers = [c for c in self.choices if not isinstance(c, bool | str)]
        return max(numbers) if len(numbers) == len(self.choices) else None

    def active(self, params: Mapping[str, Any]) -> tuple[str, ...]:
        """Returns the concrete names that are active, given the values of the parents."""
        for parent, values in self.when.items():
            if parent not in params or not any(same(params[parent], v) for v in values):
                return ()
        return self.concrete(1 if self.repeat is None else params.get(self.repeat, 0))

    def concrete(self, times: int) -> tuple[str, ...]:
        """Returns the concrete names when the parameter occurs ``times`` times."""
        if self.repeat is None:
            return (self.name,)
        return tuple(f"{self.name}_{i}" for i in range(1, times + 1))

    def to_dict(self) -> dict[str, Any]:
        """Returns the parameter's table as a search space file has it, without its name."""
        table: dict[str, Any] = {"type": self.type}
        if self.type == "categorical":
            table["choices"] = list(self.choices)
        else:
            table |= {"low": self.low, "high": self.high}
        if self.step is not None:
            table["step"] = self.step
        if self.log:
            table["log"] = True
        if self.repeat is not None:
            table["repeat"] = self.repeat
        if self.when:
            table["when"] = {parent: list(values) for parent, values in self.when.items()}
        return table


def same(value: object, wanted: Value) -> bool:
    """Returns whether a value is the wanted one, of the same type; an int passes for a float."""
    if isinstance(value, bool) or isinstance(wanted, bool):
        return isinstance(value, bool) and isinstance(wanted, bool) and value == wanted
    if isinstance(wanted, int) and not isinstance(value, int):
        return False
    return isinstance(value, int | float | str) and value == wanted
