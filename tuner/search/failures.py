"""Trials that failed while they were fitted, as samplers see them: infeasible.

Optuna's samplers leave failed trials out, so that they propose a region again in which every trial
fails. Such a trial is stored with the constraint :data:`FAILED` violated, and stays failed for
everyone else; only the sampler sees it as complete, with the worst value of the study so far.
Trials that failed for another reason, such as enqueued parameters outside the search space, have no
such constraint.
"""

from __future__ import annotations

import copy
import math
from collections.abc import Sequence
from typing import Any, cast

import optuna
from optuna.study import StudyDirection
from optuna.trial import FrozenTrial, TrialState

FAILED = "failed"
"""The constraint, see :meth:`optuna.Trial.set_constraint`: above 0 of a trial that failed."""

ATTRIBUTE = f"constraints:{FAILED}"
"""The system attribute of a trial in which Optuna stores the constraint."""

States = tuple[TrialState, ...] | None


def with_failures(
    trials: Sequence[FrozenTrial],
    directions: Sequence[StudyDirection],
    *,
    mark_others: bool = False,
) -> list[FrozenTrial]:
    """Returns the trials with failed ones as complete and infeasible; none is changed.

    Args:
        trials: Of one study.
        directions: Of the study.
        mark_others: Whether the other complete trials get the constraint, too, as satisfied; some
            samplers ask for the same constraints in all trials.
    """
    if not any(_is_evidence(one) for one in trials):
        return list(trials)
    complete = [one for one in trials if one.state is TrialState.COMPLETE]
    worst = [_worst(complete, k, direction) for k, direction in enumerate(directions)]
    # Constraints of the user's own are neither kept nor violated by what never ended.
    others = {key: 0.0 for one in complete for key in one.system_attrs if _is_constraint(key)}
    return [
        _changed(one, others | one.system_attrs, worst)
        if _is_evidence(one)
        else _changed(one, one.system_attrs | {ATTRIBUTE: -1.0}, one.values)
        if mark_others and one.state is TrialState.COMPLETE
        else one
        for one in trials
    ]


class StudyWithFailures:
    """A study whose trials are those of :func:`with_failures`; all else is the study's."""

    def __init__(self, study: optuna.Study, *, mark_others: bool) -> None:
        """Wraps a study.

        Args:
            study: The study.
            mark_others: See :func:`with_failures`.
        """
        self._study = study
        self._mark_others = mark_others

    def __getattr__(self, name: str) -> Any:
        return getattr(self._study, name)

    def get_trials(self, deepcopy: bool = True, states: States = None) -> list[FrozenTrial]:
        """As Optuna's."""
        trials = self._get_trials(deepcopy=False, states=states)
        return copy.deepcopy(trials) if deepcopy else trials

    def _get_trials(
        self, deepcopy: bool = True, states: States = None, use_cache: bool = False
    ) -> list[FrozenTrial]:
        trials = self._study._get_trials(deepcopy=deepcopy, use_cache=use_cache)
        directions = self._study.directions
        seen = with_failures(trials, directions, mark_others=self._mark_others)
        return [one for one in seen if states is None or one.state in states]

    @classmethod
    def of(cls, study: optuna.Study, *, mark_others: bool) -> optuna.Study:
        """Returns the wrapped study as what it stands for."""
        return cast("optuna.Study", cls(study, mark_others=mark_others))


def _is_evidence(trial: FrozenTrial) -> bool:
    is_infeasible = trial.state is TrialState.FAIL and ATTRIBUTE in trial.system_attrs
    return is_infeasible and bool(trial.params)


def _is_constraint(key: str) -> bool:
    return key.startswith("constraints:")


def _worst(complete: Sequence[FrozenTrial], k: int, direction: StudyDirection) -> float:
    values = [one.values[k] for one in complete if math.isfinite(one.values[k])]
    return (max if direction is StudyDirection.MINIMIZE else min)(values, default=0.0)


def _changed(
    trial: FrozenTrial, system_attrs: dict[str, Any], values: Sequence[float] | None
) -> FrozenTrial:
    changed = copy.copy(trial)
    changed.state = TrialState.COMPLETE
    changed.system_attrs = system_attrs
    changed.values = values
    return changed
