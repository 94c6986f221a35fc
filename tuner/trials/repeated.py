"""A stored trial that is to be trained again, and what the second training gave, as plain values.

Imports no library that fits, so that the process that asks for it can name both.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from tuner.learners.watch import Logs
    from tuner.space import Value
    from tuner.storage.attributes import TrialAttrs


@dataclass(frozen=True)
class Known:
    """What the database holds of a trial, as far as its training depends on it.

    Attributes:
        number: Its number.
        params: Its parameters of the search space.
        common: The parameters that all trials of its study have, see
            `tuner.studies.definition.common_params`.
        attrs: What else is stored of it: its role, and how its rows were divided.
        seed: What it was trained with.
        steps: Steps (epochs, or folds) after which it ended, whatever ended it; None to train as
            far as it comes, as for a trial that failed.
    """

    number: int
    params: Mapping[str, Value]
    common: Mapping[str, Value]
    attrs: TrialAttrs
    seed: int
    steps: int | None


@dataclass(frozen=True)
class Repeated:
    """What the second training gave.

    Attributes:
        state: ``"pruned"`` also if it was ended where the stored trial had ended.
        value: The objective's value; None of a failed trial.
        epoch: The best epoch; None of a failed trial.
        reason: Why it did not run all its steps.
        logs: What each step logged.
        values: Step → the objective's metric.
        measured: The metrics of the further objectives of the study.
        loop: How the steps were run, see `tuner.learners.watch.Watch`.
    """

    state: Literal["complete", "pruned", "fail"]
    value: float | None = None
    epoch: int | None = None
    reason: str | None = None
    logs: Sequence[Logs] = ()
    values: Mapping[int, float] = field(default_factory=dict)
    measured: Mapping[str, float] = field(default_factory=dict)
    loop: str = ""
