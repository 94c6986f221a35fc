"""When a pruner decides, so that what it does not look at need not be reported."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from tuner.spec import StudySpec


@dataclass(frozen=True)
class Judging:
    """When a pruner may end a trial.

    Attributes:
        at: Whether it may at this epoch (from 1).
        by_all_epochs: Whether it looks at all earlier epochs of a trial, not at this one only.
    """

    at: Callable[[int], bool]
    by_all_epochs: bool


def judging(spec: StudySpec) -> Judging:
    """Returns the epochs at which the study's pruner decides.

    Trials are compared at equal epochs, so what is not judged need not be reported: halving
    pruners look at their rungs, ``min_resource · reduction_factor ** k``, the others at every
    ``interval_steps`` after ``n_warmup_steps``.
    """
    name, options = spec.pruner.name, spec.pruner.options
    if name == "nop":
        return Judging(lambda epoch: False, by_all_epochs=False)
    first = options.get("min_resource", 1 if name == "hyperband" else "auto")
    if name in ("hyperband", "successivehalving") and first != "auto":
        factor = options.get("reduction_factor", 3 if name == "hyperband" else 4)
        return Judging(lambda epoch: _is_rung(epoch, first, factor), by_all_epochs=False)
    warmup, interval = options.get("n_warmup_steps", 0), options.get("interval_steps", 1)
    return Judging(
        lambda epoch: epoch >= warmup and (epoch - warmup) % interval == 0, by_all_epochs=True
    )


def _is_rung(epoch: int, first: int, factor: int) -> bool:
    rung = first
    while rung < epoch:
        rung *= factor
    return rung == epoch
