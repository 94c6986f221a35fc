"""Trials with the parameters of an earlier trial, which take over what that one has given.

To train them again would measure the same configuration with another seed, which ``tuner confirm``
does on purpose, and not by chance.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import optuna
from optuna.trial import FrozenTrial, TrialState

from tuner.errors import SpecError
from tuner.space import Value
from tuner.spec import Role, StudySpec
from tuner.storage.attributes import TrialAttrs, trial_attrs
from tuner.storage.database import Database

_STATES = (TrialState.COMPLETE, TrialState.PRUNED)


def equal_trial(
    trial: optuna.Trial, params: Mapping[str, Value], role: Role, spec: StudySpec
) -> FrozenTrial | None:
    """Returns the first finished trial of the same study that was trained with these parameters.

    A trial that measures something on purpose, such as a reference, takes nothing over, and none
    takes over what was trained by other rules: references are neither pruned nor stopped early.
    What other programs have ended, and what was taken over itself, is left out.

    Args:
        trial: The running trial.
        params: Its active parameters.
        role: Why it exists.
        spec: The study.
    """
    if role not in (Role.SEARCH, Role.DEFAULT):
        return None
    for other in trial.study.get_trials(deepcopy=False, states=_STATES):
        if other.params == params and _is_comparable(other, spec):
            return other
    return None


def take_over(trial: optuna.Trial, other: FrozenTrial, database: Database) -> str:
    """Ends a trial with the value, the epochs and the curves of an equal one; returns the reason.

    Raises:
        TrialLost: Another process runs the trial by now.
    """
    reason = f"equal to trial {other.number}, whose value it takes over"
    kept = ("seed", "epochs_wanted", "epoch", "epochs", "standard_error", "measured")
    attrs = {key: other.user_attrs[key] for key in kept if key in other.user_attrs}
    curves = database.curves(trial.study, other.number)
    n_steps = max((len(values) for values in curves.values()), default=0)
    logged = [{k: float(values[i]) for k, values in curves.items()} for i in range(n_steps)]
    with database.together():
        database.require_own(trial._trial_id)
        database.write_attrs(trial._trial_id, {**attrs, "reason": reason, "reused": other.number})
        database.write_values(trial._trial_id, other.intermediate_values)
        database.write_curves(trial._trial_id, logged)
        for name, violation in other.constraints.items():
            trial.set_constraint(name, violation)
        if other.state is TrialState.PRUNED:
            trial.study.tell(trial, state=TrialState.PRUNED)
        else:
            trial.study.tell(trial, other.values)
    return reason


def _is_comparable(other: FrozenTrial, spec: StudySpec) -> bool:
    attrs = _attrs(other)
    if attrs is None or attrs.seed is None or attrs.epoch is None or attrs.reused is not None:
        return False
    # Without early stopping a complete reference was trained as any other trial.
    is_whole = spec.early_stopping is None and other.state is TrialState.COMPLETE
    return attrs.role in (Role.SEARCH, Role.DEFAULT) or (attrs.role is Role.REFERENCE and is_whole)


def _attrs(other: FrozenTrial) -> TrialAttrs | None:
    """Returns a trial's attributes; None if they are not what tuner stores."""
    values: Mapping[str, Any] = other.user_attrs
    try:
        return trial_attrs(values, f"trial {other.number}")
    except SpecError:
        return None
