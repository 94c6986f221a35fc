"""The parameters of a learner: their defaults and rules."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, ClassVar, final

from tuner.wording import either, nearest

if TYPE_CHECKING:
    from tuner.space import Value

_EMPTY: Mapping[str, Any] = MappingProxyType({})


@dataclass(frozen=True)
class Setting:
    """One parameter: its default and the values that it may have.

    Attributes:
        default: Used when a trial does not give the parameter; its type is the parameter's.
        choices: The words that it may be; empty when it is a number or a truth value.
        words: Words that a number may be instead. A default that is one of them is that of a
            whole number, unless ``real``.
        low: Smallest value, itself allowed unless ``above``.
        high: Largest value, itself allowed unless ``below``.
        above: True if the value must be greater than ``low``.
        below: True if the value must be less than ``high``.
        real: True if numbers that are not whole make sense although the default is a word.
    """

    default: Value
    choices: tuple[str, ...] = ()
    words: tuple[str, ...] = ()
    low: float | None = None
    high: float | None = None
    above: bool = False
    below: bool = False
    real: bool = False

    @property
    def whole(self) -> bool:
        """True if only whole numbers make sense."""
        is_int = isinstance(self.default, int) and not isinstance(self.default, bool)
        return is_int or (self.default in self.words and not self.real)

    def violation(self, value: Value) -> str | None:
        """Returns the rule that a value breaks, such as "must be at least 1"; None if none."""
        if self.choices:
            return self._no_choice(value)
        if isinstance(self.default, bool):
            return None if isinstance(value, bool) else "must be true or false"
        if value in self.words:
            return None
        example = f", such as {self.default}" if self.default not in self.words else ""
        or_words = f" or {either(self.words)}" if self.words else ""
        if isinstance(value, bool | str) or not math.isfinite(value):
            what = "a whole number" if self.words and self.whole else "a number"
            return f"must be {what}{or_words}{example}"
        if self.whole and value != int(value):
            return f"must be a whole number{or_words}{example}"
        if self.low is not None and (value <= self.low if self.above else value < self.low):
            return f"must be {'greater than' if self.above else 'at least'} {self.low:g}"
        if self.high is not None and (value >= self.high if self.below else value > self.high):
            return f"must be {'less than' if self.below else 'at most'} {self.high:g}"
        return None

    def _no_choice(self, value: Value) -> str | None:
        if value in self.choices:
            return None
        near = nearest(str(value), self.choices)
        return f"must be {either(self.choices)}" + (f"; did you mean {near}?" if near else "")


class Parametrised:
    """A class that has parameters."""

    settings: ClassVar[Mapping[str, Setting]] = _EMPTY
    """Parameter name to its rule; a repeated one under its name without the number."""
    repeated: ClassVar[Mapping[str, str]] = _EMPTY
    """Name of a repeated parameter to the parameter that counts its repetitions."""
    first_defaults: ClassVar[Mapping[str, Value]] = _EMPTY
    """Defaults that have changed since: earlier studies and exported files keep these."""
    takes_any: ClassVar[bool] = False
    """Whether parameters without a rule are allowed, too."""
    steps_setting: ClassVar[str | None] = None
    """The setting that says how many steps are wanted; None if there is always one."""

    @final
    @classmethod
    def parameters(cls) -> dict[str, Value]:
        """Returns each parameter's default."""
        return {name: setting.default for name, setting in cls.settings.items()}

    @final
    @classmethod
    def setting(cls, name: str) -> Setting | None:
        """Returns the rule of a parameter as a trial names it (``units_2``); None if unknown."""
        stem, _, number = name.rpartition("_")
        if stem in cls.repeated and number.isdecimal() and int(number) >= 1:
            return cls.settings[stem]
        return cls.settings.get(name)

    @classmethod
    def steps(cls, params: Mapping[str, Value]) -> int:
        """Returns how many steps a trial with these parameters may take."""
        name = cls.steps_setting
        return 1 if name is None else int(params.get(name, cls.settings[name].default))
