"""Trains a stored trial again, as `tuner.trials.evaluate.run_trial` does, and writes nothing."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import optuna

from tuner.data import Development
from tuner.errors import RequestError
from tuner.learners.base import Learner
from tuner.learners.watch import S
from tuner.spec import StudySpec
from tuner.trials.evaluate import fitted, plan_of
from tuner.trials.repeated import Known, Repeated
from tuner.trials.validating import validating


class _NoCheckpoints:
    """A :class:`tuner.learners.watch.Checkpoints` that keeps nothing."""

    def load(self, read: Callable[[bytes], tuple[int, S]]) -> S | None:
        return None

    def due(self) -> bool:
        return False

    def save(self, step: int, pack: Callable[[], bytes]) -> None:
        raise AssertionError("nothing is ever due")


def repeat(
    known: Known,
    spec: StudySpec,
    learner: Learner,
    data: Development,
    *,
    on_start: Callable[[int], None],
    on_epoch: Callable[[int, float], None],
) -> Repeated:
    """Trains a stored trial again, as far as it came.

    Args:
        known: The trial.
        spec: Its study.
        learner: The learner of the study.
        data: The data of the study.
        on_start: As in :func:`tuner.trials.evaluate.run_trial`.
        on_epoch: As in :func:`tuner.trials.evaluate.run_trial`.

    Raises:
        RequestError: Its parameters are not in the search space of the study.
        TunerError: The study cannot be run here.
    """
    space = spec.search_space
    if (fault := space.fault(space.as_stored(known.params))) is not None:
        raise RequestError(
            f"trial {known.number} of {spec.name} cannot be replayed: its parameters are not in "
            f"the search space of the study: {fault}"
        )
    # As the trial was given them: each value in its own type, in the order of the space.
    suggested = space.suggest(optuna.trial.FixedTrial(dict(known.params)))
    learner, given = learner.chosen({**known.common, **suggested})
    on_start(spec.n_folds if spec.n_folds > 1 else learner.steps(given))
    values: dict[int, float] = {}

    def report(step: int, value: float) -> str | None:
        on_epoch(step, value)
        values[step] = value
        return "as far as the stored trial went" if step == known.steps else None

    checkpoints: Any = _NoCheckpoints()
    fit = validating(
        plan_of(spec, learner, given, known.seed, known.attrs, data, report, checkpoints)
    )
    result = fitted(fit)
    if isinstance(result, str):
        return Repeated("fail", reason=result, logs=[*fit.logs], values=values, loop=fit.loop)
    return Repeated(
        result.state,
        result.value,
        result.epoch,
        result.reason,
        [*fit.logs],
        values,
        fit.measured,
        fit.loop,
    )
