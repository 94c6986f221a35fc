"""One row a trial, one row a reference, and the best among them."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from tuner.results.configuration import Configuration, Value
from tuner.storage.attributes import TrialAttrs, shown_attrs

if TYPE_CHECKING:
    import optuna

STATES = ("complete", "pruned", "fail", "running", "waiting")
"""Optuna's states of a trial, in the order in which they are counted."""

SEARCH = "search"
"""Origin of every trial that is not a reference."""

ADDED = "added by hand"
"""Origin of a finished trial whose end tuner did not store: of ``Study.add_trial``, or of
``Study.tell`` beside the process that ran it."""


@dataclass(frozen=True)
class TrialRow:
    """One trial.

    Attributes:
        number: Its number in the study, from 0.
        state: One of :data:`STATES`.
        value: The objective's value: of a complete trial its best epoch's, of a pruned one what
            was stored when it stopped; None if there is none or it is not finite.
        params: Parameter names and values; without any, those that it was enqueued with.
        epochs: Epochs that were run; None before the first.
        reason: Why it was pruned or failed.
        duration_s: Seconds from start to end; None while it runs or waits.
        origin: ``"search"``, the reference's name, or :data:`ADDED`.
        epoch: The best epoch, counted from 1; of a complete trial only.
        epochs_wanted: Epochs that it would have run without early stopping and pruning.
        seed: The seed that it was trained with.
    """

    number: int
    state: str
    value: float | None
    params: Mapping[str, Value]
    epochs: int | None = None
    reason: str | None = None
    duration_s: float | None = None
    origin: str = SEARCH
    epoch: int | None = None
    epochs_wanted: int | None = None
    seed: int | None = None

    @classmethod
    def of(
        cls,
        trial: optuna.trial.FrozenTrial,
        attrs: TrialAttrs | None = None,
        *,
        in_ours: bool = True,
    ) -> TrialRow:
        """Reads one trial as Optuna stores it.

        Args:
            trial: The trial.
            attrs: Its attributes, if they have been read.
            in_ours: Whether tuner created its study; elsewhere no trial is :data:`ADDED`.

        Raises:
            SpecError: One of its attributes is not what tuner stores there.
        """
        attrs = attrs or shown_attrs(trial.user_attrs, f"trial {trial.number}")
        state = trial.state.name.lower()
        steps = trial.intermediate_values
        enqueued = trial.system_attrs.get("fixed_params")
        params = dict(trial.params or (enqueued if isinstance(enqueued, Mapping) else {}))
        was_run = attrs.worker is not None or attrs.seed is not None
        was_ended = attrs.epoch is not None if state == "complete" else was_run
        is_added = in_ours and trial.state.is_finished() and not was_ended
        return cls(
            number=trial.number,
            state=state,
            value=finite(trial.value),
            params=params,
            epochs=attrs.epochs or max(steps, default=None),
            reason=attrs.reason,
            duration_s=None if trial.duration is None else trial.duration.total_seconds(),
            origin=attrs.origin or (ADDED if is_added else SEARCH),
            epoch=attrs.epoch if state == "complete" else None,
            epochs_wanted=attrs.epochs_wanted,
            seed=attrs.seed,
        )

    def to_dict(self) -> dict[str, Any]:
        """Returns one element of ``tuner trials --json``."""
        return {
            "number": self.number,
            "state": self.state,
            "value": self.value,
            "params": dict(self.params),
            "epochs": self.epochs,
            "reason": self.reason,
            "duration_s": None if self.duration_s is None else round(self.duration_s, 3),
            "origin": self.origin,
        }


@dataclass(frozen=True)
class BestTrial:
    """The best complete trial; ``configuration`` is what ``train`` needs of it.

    Attributes:
        number: Its number in the study.
        value: The objective's value on the validation split, at ``epoch``.
        epoch: The best epoch, counted from 1; None in a study that tuner did not run.
        params: Parameter names and values.
        origin: ``"search"``, the reference's name, or :data:`ADDED`.
        configuration: What to train; None in a study that tuner did not run, and of a trial that
            was added by hand and is not in the search space.
    """

    number: int
    value: float
    epoch: int | None
    params: Mapping[str, Value]
    origin: str
    configuration: Configuration | None = field(default=None, repr=False)

    def to_dict(self) -> dict[str, Any]:
        """Returns the ``best`` of ``--json``."""
        return {
            "number": self.number,
            "value": self.value,
            "epoch": self.epoch,
            "params": dict(self.params),
            "origin": self.origin,
        }


@dataclass(frozen=True)
class ReferenceRow:
    """A reference configuration: its own trial here, and what was reported of it elsewhere.

    Attributes:
        name: The reference's name in the study file.
        number: Number of its trial; None before it was enqueued.
        value: The objective's value here, on the validation split; None unless complete.
        reported: What the study file says was reported: ``split`` and metric values.
        state: State of its trial; None before it was enqueued.
        reason: Why it was pruned or failed.
        epoch: Its best epoch.
    """

    name: str
    number: int | None
    value: float | None
    reported: Mapping[str, Any]
    state: str | None = None
    reason: str | None = None
    epoch: int | None = None

    @classmethod
    def of(cls, name: str, reported: Mapping[str, Any], rows: Sequence[TrialRow]) -> ReferenceRow:
        """Finds the reference's trial: the complete one if there is one, else the latest."""
        own = [row for row in rows if row.origin == name]
        row = next((row for row in own if row.state == "complete"), own[-1] if own else None)
        if row is None:
            return cls(name, None, None, dict(reported))
        value = row.value if row.state == "complete" else None
        return cls(name, row.number, value, dict(reported), row.state, row.reason, row.epoch)

    def to_dict(self) -> dict[str, Any]:
        """Returns one element of the ``references`` of ``--json``."""
        return {
            "name": self.name,
            "number": self.number,
            "value": self.value,
            "reported": dict(self.reported),
        }


def best_of(rows: Sequence[TrialRow], direction: str) -> TrialRow | None:
    """Returns the best complete row, the earliest among equals.

    A pruned trial never wins, however good the value at which it stopped: it was not trained to
    its end, so there is no best epoch of it to keep.
    """
    done = [row for row in rows if row.state == "complete" and row.value is not None]
    sign = -1.0 if direction == "maximize" else 1.0
    return min(done, key=lambda row: (sign * (row.value or 0.0), row.number), default=None)


def finite(value: float | None) -> float | None:
    """Returns ``value``, or None if it is NaN or infinite: JSON has no word for those."""
    return value if value is not None and math.isfinite(value) else None
