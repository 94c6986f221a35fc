"""A model family: its parameters with their rules, what it reads, what it measures."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING

from tuner.learners.settings import Setting

if TYPE_CHECKING:
    from tuner.data.splits import Kind
    from tuner.space import Value

_METRICS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "regression": ("loss", "mse", "mae"),
        "binary": ("loss", "accuracy", "precision", "recall", "auc", "mse", "mae"),
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
        kinds: The kinds of data that it reads.
    """

    name: str
    settings: Mapping[str, Setting]
    repeated: Mapping[str, str]
    metrics: Callable[[str], tuple[str, ...]]
    kinds: tuple[Kind, ...]

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
    """Returns the metrics that the shipped families report for a task, ``loss`` first.

    Precision and recall are those of the second of two classes. For more classes Keras has no
    metric that averages them over the classes, and one of our own would have to be handed to
    everybody who loads the model; so there are none. A binary model that gives logits has no
    ``mse`` and ``mae``, which are about probabilities.
    """
    return _METRICS[task]
