"""One row a trial, one row a reference, and the best among them."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from tuner.results.configuration import Configuration
from tuner.results.configuration_rules import ConfirmedScore
from tuner.space import Value
from tuner.spec import Objective, Role
from tuner.storage.attributes import TrialAttrs, shown_attrs
from tuner.storage.constraints import violated_by

if TYPE_CHECKING:
    import optuna

STATES = ("complete", "pruned", "fail", "running", "waiting")
"""Optuna's states of a trial, in the order in which they are counted."""

ADDED = "added by hand"
"""``origin`` of a finished trial whose end tuner did not store."""

Values = tuple[float | None, ...]
"""One value for each objective, None if it is not finite; empty without values."""


@dataclass(frozen=True)
class TrialRow:
    """One trial.

    Attributes:
        number: Its number in the study, from 0.
        state: One of :data:`STATES`.
        values: One for each objective: of a complete trial its best epoch's, of a pruned one what
            was stored when it stopped.
        params: Parameter names and values; without any, those that it was enqueued with.
        epochs: Epochs that were run, or folds of a trial that has some; None before the first.
        reason: Why it was pruned or failed.
        duration_s: Seconds from start to end; None while it runs or waits.
        role: Why it exists.
        reference: The name of its reference, if it has one.
        is_added: Whether it was finished without tuner, by ``Study.add_trial`` or by ``Study.tell``
            beside the process that ran it.
        epoch: The best epoch, counted from 1; of a complete trial only. With folds it is the mean
            of theirs.
        epochs_wanted: Epochs, or folds, that it would have run without early stopping and pruning.
        seed: The seed that it was trained with.
        reused: Number of the equal trial whose value it has taken over; None if it was trained.
        measured: The metrics of the study's further objectives, as far as they were measured.
        violated: Names of the constraints that it violates.
    """

    number: int
    state: str
    values: Values
    params: Mapping[str, Value]
    epochs: int | None = None
    reason: str | None = None
    duration_s: float | None = None
    role: Role = Role.SEARCH
    reference: str | None = None
    is_added: bool = False
    epoch: int | None = None
    epochs_wanted: int | None = None
    seed: int | None = None
    reused: int | None = None
    measured: Mapping[str, float] = field(default_factory=dict)
    violated: tuple[str, ...] = ()

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
            in_ours: Whether tuner created its study; elsewhere no trial is marked as added.

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
        may_be_added = in_ours and attrs.role is not Role.REFERENCE
        return cls(
            number=trial.number,
            state=state,
            values=tuple(finite(value) for value in trial.values or ()),
            params=params,
            epochs=attrs.epochs or max(steps, default=None),
            reason=attrs.reason,
            duration_s=None if trial.duration is None else trial.duration.total_seconds(),
            role=attrs.role,
            reference=attrs.origin,
            is_added=may_be_added and trial.state.is_finished() and not was_ended,
            epoch=attrs.epoch if state == "complete" else None,
            epochs_wanted=attrs.epochs_wanted,
            seed=attrs.seed,
            reused=attrs.reused,
            measured=attrs.measured,
            violated=violated_by(trial),
        )

    @property
    def value(self) -> float | None:
        """The value of the only objective, or the first one's of a pruned trial; else None."""
        return self.values[0] if len(self.values) == 1 else None

    @property
    def origin(self) -> str:
        """The reference's name, :data:`ADDED`, or the role."""
        return self.reference or (ADDED if self.is_added else self.role.value)

    def to_dict(self) -> dict[str, Any]:
        """Returns one element of ``tuner trials --json``; ``reused`` only where a value was."""
        table = {
            "number": self.number,
            "state": self.state,
            "value": self.value,
            "params": dict(self.params),
            "epochs": self.epochs,
            "reason": self.reason,
            "duration_s": None if self.duration_s is None else round(self.duration_s, 3),
            "origin": self.origin,
        }
        return table if self.reused is None else table | {"reused": self.reused}


@dataclass(frozen=True)
class BestTrial:
    """The best complete trial, or one of several; ``configuration`` is what ``train`` needs of it.

    Attributes:
        number: Its number in the study.
        value: The objective's value on the validation split, at ``epoch``; of several objectives
            the first one's.
        epoch: The best epoch, counted from 1; None in a study that tuner did not run.
        params: Parameter names and values.
        role: Why it exists.
        origin: As in :class:`TrialRow`, and ``is_added``, too.
        configuration: What to train; None in a study that tuner did not run, and of a trial that
            was added by hand and is not in the search space.
        values: One for each objective that is optimised.
        measured: The metrics of the study's further objectives.
        confirmed: What the confirmation of the study has found of it; None if it is not its winner.
    """

    number: int
    value: float
    epoch: int | None
    params: Mapping[str, Value]
    role: Role
    origin: str
    is_added: bool
    configuration: Configuration | None = field(default=None, repr=False)
    values: Values = ()
    measured: Mapping[str, float] = field(default_factory=dict)
    confirmed: ConfirmedScore | None = None

    def to_dict(self) -> dict[str, Any]:
        """Returns the ``best`` and the ``winner`` of ``--json``.

        ``measured`` is there only if there are further objectives, ``confirmed`` only if it is a
        winner.
        """
        table = {
            "number": self.number,
            "value": self.value,
            "epoch": self.epoch,
            "params": dict(self.params),
            "origin": self.origin,
        }
        if self.measured:
            table["measured"] = dict(self.measured)
        if self.confirmed is not None:
            table["confirmed"] = self.confirmed.model_dump()
        return table


@dataclass(frozen=True)
class ReferenceRow:
    """A reference configuration: its own trial here, and what was reported of it elsewhere.

    Attributes:
        name: The reference's name in the study file.
        number: Number of its trial; None before it was enqueued.
        values: One for each objective here, on the validation split; empty unless complete.
        reported: What the study file says was reported: ``split`` and metric values.
        state: State of its trial; None before it was enqueued.
        reason: Why it was pruned or failed.
        epoch: Its best epoch.
        measured: The metrics of the study's further objectives.
        violated: Names of the constraints that it violates.
    """

    name: str
    number: int | None
    values: Values
    reported: Mapping[str, Any]
    state: str | None = None
    reason: str | None = None
    epoch: int | None = None
    measured: Mapping[str, float] = field(default_factory=dict)
    violated: tuple[str, ...] = ()

    @classmethod
    def of(cls, name: str, reported: Mapping[str, Any], rows: Sequence[TrialRow]) -> ReferenceRow:
        """Finds the reference's trial: the complete one if there is one, else the latest."""
        own = [row for row in rows if row.role is Role.REFERENCE and row.reference == name]
        row = next((row for row in own if row.state == "complete"), own[-1] if own else None)
        if row is None:
            return cls(name, None, (), dict(reported))
        values = row.values if row.state == "complete" else ()
        known = (row.state, row.reason, row.epoch, row.measured, row.violated)
        return cls(name, row.number, values, dict(reported), *known)

    @property
    def value(self) -> float | None:
        """The value of the only objective; None if there is none, or there are several."""
        return self.values[0] if len(self.values) == 1 else None

    def to_dict(self) -> dict[str, Any]:
        """Returns one element of the ``references`` of ``--json``."""
        return {
            "name": self.name,
            "number": self.number,
            "value": self.value,
            "reported": dict(self.reported),
        }


def best_of(rows: Sequence[TrialRow], objective: Objective) -> TrialRow | None:
    """Returns the best complete row, the first among equals.

    A pruned trial never wins, however good the value at which it stopped: it was not trained to
    its end, so there is no best epoch of it to keep. Nor does one that violates a constraint.
    """
    done = [(row.value, row) for row in feasible(rows) if row.value is not None]
    best = min(done, key=lambda pair: objective.loss(pair[0]), default=None)
    return None if best is None else best[1]


def feasible(rows: Sequence[TrialRow]) -> list[TrialRow]:
    """Returns the complete rows that violate no constraint."""
    return [row for row in rows if row.state == "complete" and not row.violated]


def front_of(rows: Sequence[TrialRow], objectives: Sequence[Objective]) -> list[TrialRow]:
    """Returns the Pareto front: the feasible rows that no other one beats.

    One beats another if it is better in an objective, and worse in none. A trial that has taken
    over the values of an equal one is left out, as that one stands for both.

    Returns:
        Sorted by the first objective, the best first; equals by the others, then by number.
    """

    def losses(row: TrialRow) -> tuple[float, ...]:
        named = zip(objectives, row.values, strict=True)
        return tuple(one.loss(value) for one, value in named if value is not None)

    measured = [row for row in feasible(rows) if row.reused is None and None not in row.values]
    known = [(losses(row), row) for row in measured]
    front: list[tuple[tuple[float, ...], TrialRow]] = []
    # In this order, a row is beaten only by one that stands before it.
    for own, row in sorted(known, key=lambda pair: (pair[0], pair[1].number)):
        if not any(other != own and _no_worse(other, own) for other, _ in front):
            front.append((own, row))
    return [row for _, row in front]


def _no_worse(losses: tuple[float, ...], others: tuple[float, ...]) -> bool:
    return all(own <= other for own, other in zip(losses, others, strict=True))


def finite(value: float | None) -> float | None:
    """Returns ``value``, or None if it is NaN or infinite, which JSON cannot hold."""
    return value if value is not None and math.isfinite(value) else None
