"""Several learners as one: the parameter ``learner`` says which fits a trial.

The parameters of each have its name before theirs: ``mlp_learning_rate``. So one study searches
over learners and their parameters, and a parameter of a search space takes part with
``when = { learner = ["mlp"] }``. No learner's library is imported before a trial needs it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, ClassVar

from tuner.errors import SpecError
from tuner.learners.base import Fitted, Learner
from tuner.learners.checks import check_data
from tuner.learners.registry import LEARNERS, current_defaults, open_learner, shipped
from tuner.learners.settings import Setting
from tuner.space import SearchSpace

if TYPE_CHECKING:
    from tuner.data import Development
    from tuner.learners.checks import Described
    from tuner.learners.setup import Setup
    from tuner.learners.watch import Watch
    from tuner.space import Value

NAME = "automl"
LEARNER = "learner"
"""The parameter that says which learner fits."""
MEMBERS: tuple[str, ...] = tuple(name for name in LEARNERS if name != NAME)
_DEFAULT = "hist_gradient_boosting"
_EMPTY: Mapping[str, Any] = MappingProxyType({})


def own_params(params: Mapping[str, Value]) -> tuple[str, dict[str, Value]]:
    """Returns the learner that parameters of a trial name, and its parameters as it names them."""
    name = str(params.get(LEARNER, _DEFAULT))
    own = {key.removeprefix(f"{name}_"): v for key, v in params.items() if owner(key) == name}
    return name, own


def owner(parameter: str) -> str | None:
    """Returns the learner that a parameter belongs to: of ``linear`` and ``linear_model`` one."""
    found = [name for name in MEMBERS if parameter.startswith(f"{name}_")]
    return max(found, key=len, default=None)


def plain_model(model: str, params: Mapping[str, Value]) -> tuple[str, dict[str, Value]]:
    """Returns the model and the parameters of a trial as a study of that learner alone has them.

    Args:
        model: As a study file names it.
        params: The trial's.
    """
    if model != NAME:
        return model, dict(params)
    name, own = own_params(params)
    return name, {**current_defaults(name), **own}


def own_space(space: SearchSpace, name: str) -> SearchSpace:
    """Returns the part of a combined search space that belongs to a learner, as it names it."""
    start = f"{name}_"
    return SearchSpace(
        tuple(
            replace(
                parameter,
                name=parameter.name.removeprefix(start),
                repeat=parameter.repeat and parameter.repeat.removeprefix(start),
                when={
                    parent.removeprefix(start): values
                    for parent, values in parameter.when.items()
                    if parent != LEARNER
                },
            )
            for parameter in space.parameters
            if owner(parameter.name) == name
        )
    )


def prefixed(space: Mapping[str, Mapping[str, Any]], name: str) -> dict[str, dict[str, Any]]:
    """Returns a learner's own search space as the part of a combined one.

    Args:
        space: As a search space file has it.
        name: The learner's.
    """
    made = {}
    for parameter, table in space.items():
        when = {f"{name}_{parent}": values for parent, values in table.get("when", {}).items()}
        one = {**table, "when": {LEARNER: [name], **when}}
        if "repeat" in table:
            one["repeat"] = f"{name}_{table['repeat']}"
            if not when:
                del one["when"]  # what counts the repetitions has the condition
        made[f"{name}_{parameter}"] = one
    return made


def _settings() -> dict[str, Setting]:
    prefixed = {
        f"{name}_{key}": setting
        for name in MEMBERS
        for key, setting in shipped(name).settings.items()
    }
    return {LEARNER: Setting(_DEFAULT, choices=MEMBERS), **prefixed}


def _repeated() -> dict[str, str]:
    return {
        f"{name}_{key}": f"{name}_{times}"
        for name in MEMBERS
        for key, times in shipped(name).repeated.items()
    }


class Combined(Learner):
    """The shipped learners as one; see the module."""

    name = NAME
    kinds = ("table", "mixed", "text", "image")
    settings: ClassVar[Mapping[str, Setting]] = MappingProxyType(_settings())
    repeated: ClassVar[Mapping[str, str]] = MappingProxyType(_repeated())
    step_word = "step"
    preload = (*shipped(_DEFAULT).preload, "skops.io")  # which saves what is fitted

    def __init__(self, model: str, setup: Setup) -> None:
        super().__init__(model, setup)
        self._members: dict[str, Learner] = {}

    def chosen(self, params: Mapping[str, Value]) -> tuple[Learner, Mapping[str, Value]]:
        name, own = own_params(params)
        return self._member(name), own

    def fit(
        self, params: Mapping[str, Value], data: Development, seed: int, watch: Watch
    ) -> Fitted:
        member, own = self.chosen(params)
        with member.restored():
            return member.fit(own, data, seed, watch)

    def fit_folds(
        self,
        params: Mapping[str, Value],
        folds: Sequence[Development],
        seeds: Sequence[int],
        watches: Sequence[Watch],
    ) -> list[Fitted]:
        member, own = self.chosen(params)
        with member.restored():
            return member.fit_folds(own, folds, seeds, watches)

    def load(self, folder: Path, info: Mapping[str, Any]) -> Fitted:
        return self._member(str(info["params"][LEARNER])).load(folder, info)

    @classmethod
    def steps(cls, params: Mapping[str, Value]) -> int:
        name, own = own_params(params)
        return shipped(name).steps(own)

    @classmethod
    def amount(cls, params: Mapping[str, Value], steps: int) -> str:
        name, own = own_params(params)
        return shipped(name).amount(own, steps)

    @classmethod
    def metrics(cls, task: str) -> tuple[str, ...]:
        return ()  # all are computed from predictions, so that learners are compared by the same

    @classmethod
    def check_task(
        cls,
        data: Described,
        space: SearchSpace | None = None,
        fixed: Mapping[str, Value] = _EMPTY,
    ) -> None:
        names: Sequence[Any] = [fixed[LEARNER]] if LEARNER in fixed else []
        for parameter in space.parameters if space else ():
            names = parameter.choices if parameter.name == LEARNER else names
        for name in map(str, names or [_DEFAULT]):
            own = own_space(space, name) if space else None
            _, given = own_params({**fixed, LEARNER: name})
            try:
                check_data(shipped(name), data, own, given)
            except SpecError as error:
                raise SpecError(f"{LEARNER} = {name}: {error}") from error

    def try_out(self, params: Mapping[str, Value], data: Development) -> tuple[str, ...]:
        """Tries the example's learner, unless that takes seconds to load."""
        name, own = own_params(params)
        if not shipped(name).runtime:
            self._member(name).try_out(own, data)
        return ()

    def _member(self, name: str) -> Learner:
        """Returns a learner; in a worker its runtime is prepared before it is first imported."""
        if name not in self._members:
            learner = open_learner(name, self.setup)
            if self.setup.keep:
                learner.prepare_worker()
            self._members[name] = learner
        return self._members[name]
