"""What tuner stores as attributes of studies and trials, validated when it is read back.

Everyone who can write to the database can set any of them (``optuna study set-user-attr``), so each
is validated by a model of its own; a value that does not fit is an error in one line. Keys that a
later version has added are ignored.
"""

from __future__ import annotations

import json
import shlex
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Annotated, Any, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field, RootModel, ValidationError, model_validator

from tuner.errors import SpecError
from tuner.spec.models import Finite, Part, Text
from tuner.spec.reading import rule
from tuner.spec.role import Role
from tuner.wording import kind, one_line, toml

Count = Annotated[int, Field(ge=0)]
Positive = Annotated[int, Field(ge=1)]
FileName = Annotated[str, Field(pattern=r"^[A-Za-z0-9_.~%-]*-\d+-[0-9a-f]{32}\.npz$")]
"""Of a checkpoint or outputs; never a path, for such files are removed."""

_Model = TypeVar("_Model", bound=BaseModel)
_RESTORE = "tuner has not stored this: take it from a copy of the database, or start another study"
_LONGEST_REASON = 120  # characters
_WHOLE = ConfigDict(frozen=True, strict=True)


class Stored(Part):
    """Base of what is stored as a JSON object."""

    model_config = ConfigDict(extra="ignore")


class Names(RootModel[dict[str, str]]):
    """``tuner:versions``: version by package."""

    model_config = _WHOLE


class Folder(RootModel[Annotated[str, Field(pattern=r"^[^\x00]+$")]]):
    """``tuner:base``: the folder that the study was last run from."""

    model_config = _WHOLE


QueueStatus = Literal["open", "paused", "stopped", "unlisted"]
"""Whether trials of a study may begin: by any worker, by none, or only by `tuner run`."""


class QueueEntry(Stored):
    """``tuner:queue``: a study's entry in the queue.

    Attributes:
        status: ``"open"``: workers take its trials. ``"paused"``: nobody does until it is
            resumed. ``"stopped"``: it was taken off the queue. ``"unlisted"``: it never was there.
            Stored and shown in JSON as ``standing``.
        n_trials: Finished trials wanted in total; None if it was never submitted.
        priority: Workers turn to studies of the highest priority first.
        workers: How many trials may run at the same time; None for any number.
        reason: Why it was stopped, if it cannot be continued.
        is_used_up: Whether every combination of its search space has been tried, so that it is
            done with fewer trials than are wanted.
    """

    model_config = ConfigDict(extra="ignore", validate_by_name=True)

    status: QueueStatus = Field(
        default="unlisted", validation_alias="standing", serialization_alias="standing"
    )
    n_trials: Positive | None = None
    priority: int = 0
    workers: Positive | None = None
    reason: str | None = None
    is_used_up: bool = False

    def to_dict(self) -> dict[str, Any]:
        """Returns the entry as it is stored, and as ``--json`` shows it."""
        return self.model_dump(by_alias=True)


class Defaults(RootModel[dict[str, str | bool | int | float]]):
    """``tuner:defaults``: defaults of the model's family when the study was created."""

    model_config = _WHOLE


class StoredBaseline(Stored):
    """The trivial predictor, see :mod:`tuner.data.trivial`."""

    predicts: Text
    value: Finite


class StoredData(Stored):
    """``tuner:data``: the fingerprint decides whether other data are the study's.

    The ``schema`` is a `tuner.data.schema.Schema`, whose import takes too long for a list of
    studies. Studies have none if their data do not come as a table, or if they are older.
    """

    name: Text | None = None
    fingerprint: Text
    rows: dict[str, Count] = Field(default={})
    task: str | None = None
    baseline: StoredBaseline | None = None
    table: dict[str, Any] | None = Field(default=None, alias="schema")


class StoredCandidate(Stored):
    """A configuration that is trained again.

    Attributes:
        name: "trial 37", or the name of a reference; ``origin`` of its trials.
        trial: Number of the trial in the study that is confirmed.
        value: What that trial gave.
        params: Its parameters.
        is_reference: Whether it was known beforehand; such a one runs all its epochs.
    """

    name: Text
    trial: Count
    value: Finite
    params: dict[str, str | bool | int | float]
    is_reference: bool = False


CONFIRMS = "tuner:confirms"
"""The study attribute that makes a study the confirmation of another one."""


class StoredConfirmation(Stored):
    """``tuner:confirms``: which study this one confirms, and how.

    Attributes:
        study: Its name.
        fingerprint: What it searched, see `StudySpec.fingerprint`.
        repeats: How often each candidate is to be trained.
        fresh_splits: Whether each repeat divides the rows anew.
        overlap: Rows that are held out for each row that is fitted on, if the rows are divided
            anew: the correction of Nadeau and Bengio (2003) for repeats that share rows; else 0.
        candidates: What is trained, in the order in which it was taken in.
    """

    study: Text
    fingerprint: Text
    repeats: Positive
    fresh_splits: bool
    overlap: Annotated[Finite, Field(ge=0)]
    candidates: list[StoredCandidate]


class Lease(Stored):
    """``worker`` of a trial, see ``lease.py``; empty before its process has written its lease."""

    host: str | None = None
    machine: str | None = None
    pid: Positive | None = None
    started: Finite | None = None

    @model_validator(mode="after")
    def _is_whole(self) -> Lease:
        if self.machine is not None and None in (self.host, self.pid, self.started):
            raise ValueError("must have host, pid and started beside machine")
        return self


class Pointer(Stored):
    """``checkpoint`` of a trial: see :mod:`tuner.trials.checkpoints`."""

    id: FileName | None = None
    epoch: Count | None = None
    files: list[FileName] = Field(default=[])


class StoredOutputs(Stored):
    """``outputs`` of a trial: see :mod:`tuner.trials.trial_outputs`.

    Attributes:
        id: Name of the file. It is stored before the file is written, the others afterwards.
        size: Bytes of the file.
        models: How many models it holds.
        fit_s: Seconds that all models took to fit.
        predict_s: Seconds that one of them takes to predict 1,000 rows.
    """

    id: FileName
    size: Count | None = None
    models: Count = 0
    fit_s: Finite = 0.0
    predict_s: Finite = 0.0


class TrialAttrs(Stored):
    """The attributes of one trial, named as in the database; all but its checkpoint.

    ``stored_role`` is the attribute ``role``: None if the trial has not begun, or was begun before
    there were roles, and anything if another program set it. ``origin`` is the name of its
    reference, or of the candidate that it trains again. ``measured`` holds the metrics of the
    study's further objectives. A trial of a confirmation has its ``repeat``, from 0, and
    ``division``: the seed by which its rows are divided anew, if they are. It stops early by the
    study's rule unless it ``runs_all_epochs``.
    """

    stored_role: Any = Field(default=None, alias="role")
    origin: Text | None = None
    worker: Lease | None = None
    seed: Count | None = None
    repeat: Count | None = None
    division: Count | None = None
    runs_all_epochs: bool = False
    epochs_wanted: Positive | None = None
    epoch: Positive | None = None
    epochs: Count | None = None
    reason: str | None = None
    measured: dict[str, Finite] = Field(default={})
    attempts: Count = 0
    left_behind: Count = 0
    beat: Finite | None = Field(default=None, alias="tuner:beat")

    @property
    def role(self) -> Role:
        """Why the trial exists; without a role it is a reference if it has the name of one."""
        try:
            return Role(self.stored_role)
        except ValueError:
            return Role.SEARCH if self.origin is None else Role.REFERENCE


def read(
    model: type[_Model], value: object, where: str, key: str = "", advice: str = _RESTORE
) -> _Model:
    """Validates what was stored.

    Args:
        model: What it must be.
        value: What it is.
        where: The study or trial, as errors name it.
        key: The attribute; empty if the value is all attributes.
        advice: What to do if it is something else.

    Raises:
        SpecError: It is something else.
    """
    try:
        return model.model_validate(value)
    except ValidationError as invalid:
        error = invalid.errors()[0]
    keys = ".".join(filter(None, (key, *map(str, error["loc"]))))
    found = error["input"]
    got = "" if error["type"] == "missing" else f", but got {toml(found)}, {kind(found)}"
    raise SpecError(f"{where}: {keys}: {rule(error)}{got}; {advice}")


def study_attr(
    model: type[_Model], attrs: Mapping[str, Any], key: str, study: str
) -> _Model | None:
    """An attribute of a study; None if it is absent.

    Raises:
        SpecError: It is not what tuner stores there.
    """
    if attrs.get(key) is None:
        return None
    submit = f"put it there again with: tuner submit {shlex.quote(study)}"
    advice = submit if model is QueueEntry else _RESTORE
    return read(model, attrs[key], f"stored study {study}", key, advice)


def confirmed_by(attrs: Mapping[str, Any], study: str) -> StoredConfirmation | None:
    """What a study with these attributes confirms; None if it is no confirmation.

    Raises:
        SpecError: The attribute is not what tuner stores there.
    """
    return study_attr(StoredConfirmation, attrs, CONFIRMS, study)


def trial_attrs(attrs: Mapping[str, Any], trial: str) -> TrialAttrs:
    """The attributes of a trial.

    Args:
        attrs: Its user attributes, and those of tuner's system attributes that matter.
        trial: The trial, as errors name it.

    Raises:
        SpecError: One of them is not what tuner stores there.
    """
    return read(TrialAttrs, attrs, trial)


def shown_attrs(attrs: Mapping[str, Any], trial: str) -> TrialAttrs:
    """The attributes of a trial, to be shown.

    A trial that tuner has not begun was added by hand, or enqueued with attributes of another
    program: those that tuner would not store are left out.

    Args:
        attrs: As in :func:`trial_attrs`, and ``trial``, too.

    Raises:
        SpecError: Tuner has begun the trial, and an attribute was changed by hand.
    """
    if "epochs_wanted" in attrs:
        return trial_attrs(attrs, trial)
    try:
        return TrialAttrs.model_validate(attrs)
    except ValidationError as invalid:
        faulty = {error["loc"][0] for error in invalid.errors()}
    return TrialAttrs.model_validate({k: v for k, v in attrs.items() if k not in faulty})


def enqueued_attrs(attrs: Mapping[str, Any]) -> TrialAttrs:
    """The attributes of a trial that was just claimed.

    Raises:
        SpecError: It was enqueued with one that tuner cannot read.
    """
    where = "enqueued with an attribute that tuner uses"
    return read(TrialAttrs, attrs, where, advice="give yours another name")


@contextmanager
def readable_rows() -> Iterator[None]:
    """Refuses rows of Optuna's tables that hold what Optuna never stores there.

    Raises:
        SpecError: A state, a time, a number or a distribution cannot be read.
    """
    try:
        yield
    except (LookupError, ValueError, TypeError, OverflowError, RecursionError) as exc:
        reason = one_line(str(exc))[:_LONGEST_REASON] or type(exc).__name__
        raise SpecError(f"a row of Optuna's tables cannot be read: {reason}; {_RESTORE}") from exc


def parsed(text: str) -> Any:
    """Returns the value of an attribute; if it is not JSON its text, which no model accepts."""
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return text
