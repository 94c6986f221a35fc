"""What the learners of scikit-learn have in common; it imports no scikit-learn.

Parameters have scikit-learn's names, rules and defaults. The word "none" stands for Python's None,
"auto" for what scikit-learn does by default. All scores are computed from predictions.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, ClassVar

from tuner.errors import SpecError
from tuner.learners.base import Learner
from tuner.learners.settings import Setting
from tuner.learners.sklearn import FILE
from tuner.wording import either, toml

if TYPE_CHECKING:
    from tuner.data import Development
    from tuner.learners.checks import Described
    from tuner.space import SearchSpace, Value

NONE = ("none",)
CLASS_WEIGHT = Setting("none", choices=("none", "balanced"))
_EMPTY: Mapping[str, Any] = MappingProxyType({})


class SklearnLearner(Learner):
    """Fits estimators of scikit-learn."""

    library = "sklearn"
    file = FILE
    of_classes: ClassVar[tuple[str, ...]] = ("class_weight",)
    """Parameters that are for classes only."""
    of_quantities: ClassVar[tuple[str, ...]] = ()
    """Parameters that are for quantities only."""
    choices_of_classes: ClassVar[Mapping[str, tuple[str, ...]]] = _EMPTY
    """Parameter to the words that it may be where the target is classes."""
    choices_of_quantities: ClassVar[Mapping[str, tuple[str, ...]]] = _EMPTY
    """Parameter to the words that it may be where the target is a quantity."""
    not_passed: ClassVar[tuple[str, ...]] = ()
    """Parameters that `arguments` leaves out."""

    @classmethod
    def metrics(cls, task: str) -> tuple[str, ...]:
        return ()  # all are computed from predictions

    @classmethod
    def check_task(
        cls,
        data: Described,
        space: SearchSpace | None = None,
        fixed: Mapping[str, Value] = _EMPTY,
    ) -> None:
        is_quantity = data.task == "regression"
        what, other = ("a quantity", "classes") if is_quantity else ("classes", "quantities")
        names = {*fixed, *(space.names() if space else ())}
        for name in sorted(names & set(cls.of_classes if is_quantity else cls.of_quantities)):
            raise SpecError(
                f"{name} is for {other}, but the target of {data.name} is {what}; remove it"
            )
        known = cls.choices_of_quantities if is_quantity else cls.choices_of_classes
        for name, choices in known.items():
            values = [fixed[name]] if name in fixed else []
            for parameter in space.parameters if space else ():
                values += parameter.choices if parameter.name == name else ()
            for value in values:
                if value not in choices:
                    raise SpecError(
                        f"{name} must be {either(choices)} where the target is {what}, "
                        f"but got {toml(value)}"
                    )

    def try_out(self, params: Mapping[str, Value], data: Development) -> tuple[str, ...]:
        self.check_targets(data)
        return ()

    def check_targets(self, data: Development) -> None:
        """Refuses several targets a row.

        Raises:
            SpecError: There are several.
        """
        if data.train.y.ndim > 1:
            raise SpecError(
                f'model: "{self.model}" predicts one quantity, but {data.name} has '
                f"{data.train.y.shape[1]} targets in each row; choose another model, such as mlp, "
                "or keep one target"
            )

    @classmethod
    def arguments(cls, params: Mapping[str, Value], task: str) -> dict[str, Any]:
        """Returns what an estimator's class is called with, but for steps and seed.

        Parameters that a trial does not give are left to scikit-learn's defaults.
        """
        other = cls.of_classes if task == "regression" else cls.of_quantities
        left_out = {*cls.not_passed, *other}
        return {
            name: None if value in NONE else value
            for name, value in params.items()
            if name in cls.settings and name not in left_out and value != "auto"
        }
