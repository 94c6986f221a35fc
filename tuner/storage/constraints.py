"""The constraints that a stored trial violates, whichever program stored them."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from optuna.trial import FrozenTrial


def violated_by(trial: FrozenTrial) -> tuple[str, ...]:
    """Returns the names of the constraints that a trial violates, see ``Trial.set_constraint``.

    What is no number was added by hand, and violates nothing.
    """
    return tuple(
        name
        for name, value in trial.constraints.items()
        if isinstance(value, int | float) and value > 0
    )
