"""The checkpoints of one trial, and the attribute of the trial that points at the last one.

Each checkpoint is a new file. The transaction that stores the reports of its epochs sets the
trial's attribute ``checkpoint`` to it; only then is the previous file removed. So the attribute
never points at a file that is half written. It also names the files that may exist beside it, so
that the process that resumes or ends the trial leaves none behind:

    id, epoch: the last checkpoint; absent before the first.
    files: all names that may exist, the one that is written next included.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any
from urllib.parse import quote
from uuid import uuid4

from pydantic import ValidationError

from tuner.errors import SpecError
from tuner.learners.watch import S, UnusableCheckpoint
from tuner.storage.artifacts import ArtifactError, Artifacts
from tuner.storage.attributes import Pointer, StoredOutputs, read
from tuner.storage.error_mapping import storage_errors

if TYPE_CHECKING:
    import optuna
    from optuna.trial import FrozenTrial

    from tuner.storage.database import Database
    from tuner.trials.reporting import Reporter

_log = logging.getLogger(__name__)
_KEY = "checkpoint"
OUTPUTS = "outputs"
"""The attribute of a trial that points at its outputs, see :mod:`tuner.trials.trial_outputs`."""
_LONGEST_NAME = 100  # of the study, in a file's name
_SHARE = 10  # of a trial's time a store that fails may take one part


class TrialCheckpoints:
    """The checkpoints of a running trial; a :class:`tuner.learners.watch.Checkpoints`.

    The trial continues whatever happens to them. A failed write is logged once and tried again
    after the usual time: a disk may have been full for a moment only.
    """

    def __init__(
        self,
        trial: optuna.Trial,
        database: Database,
        reporter: Reporter,
        location: str,
        every_s: float,
        word: str = "epoch",
    ) -> None:
        """Begins with what an earlier attempt at the trial has left.

        Args:
            trial: The running trial.
            database: Where it is stored.
            reporter: Of its epochs, which are stored with the pointer.
            location: Folder or S3 address, see :mod:`tuner.storage.artifacts`.
            every_s: Seconds from the beginning to the first checkpoint, and to each further one.
            word: What people call a step of the trial.
        """
        self._trial = trial
        self._database = database
        self._reporter = reporter
        self._artifacts = Artifacts(location)
        self._every_s = every_s
        self._word = word
        self._due_at = time.monotonic() + every_s
        left = _left_by(trial._cached_frozen_trial)
        self._current = left.id
        self._files = set(left.files)
        if (outputs := stored_outputs(trial._cached_frozen_trial)) is not None:
            self._files.add(outputs.id)
        self._next = ""
        self._failing = False

    def load(self, read: Callable[[bytes], tuple[int, S]]) -> S | None:
        if self._current is None:
            return None
        try:
            step, state = read(self._artifacts.read(self._current))
        except (ArtifactError, UnusableCheckpoint) as error:
            self._warn(
                "begins again, because it cannot be resumed from its checkpoint: %s", str(error)
            )
            return None
        _log.info("trial %d resumes after %s %d", self._trial.number, self._word, step)
        return state

    def due(self) -> bool:
        return time.monotonic() >= self._due_at

    def save(self, step: int, pack: Callable[[], bytes]) -> None:
        """Keeps the state after a step in place of the last one, if it can be written.

        Raises:
            TrialLost: Another process runs the trial. Nothing is removed then: that process may
                resume from any file that was written so far.
        """
        began = time.monotonic()
        if not self._next:
            # Recorded before there is such a file, so that a crash while writing leaves no orphan.
            self._next = self._new_name()
            self._point({"id": self._current, "files": sorted(self._files)})
        name = self._next
        try:
            self._artifacts.write(name, pack())
        except (ArtifactError, MemoryError) as error:
            why = str(error) or "out of memory"
            if not self._failing:
                self._warn(f"is not saved after {self._word} {step}, and tried again: %s", why)
            self._failing = True
            now = time.monotonic()
            self._due_at = now + max(self._every_s, _SHARE * (now - began))
            return
        self._failing = False
        self._next = self._new_name()
        with self._database.together():
            self._reporter.flush()
            self._point({"id": name, "epoch": step, "files": sorted(self._files)})
        self._current = name
        # The one before, and what an earlier attempt has left half written.
        if _removal_error(self._artifacts, self._files - {name, self._next}) is None:
            self._files = {name, self._next}
        # Counted from here: a slow store must not take all the time.
        self._due_at = time.monotonic() + self._every_s

    def remove(self) -> None:
        """Removes what there is, once the trial has ended."""
        _remove(self._artifacts, self._files, self._trial.number)

    def _point(self, pointer: Mapping[str, Any]) -> None:
        # Through a proxy a write does not check the lease by itself.
        self._database.require_own(self._trial._trial_id)
        self._database.write_attrs(self._trial._trial_id, {_KEY: pointer})

    def _new_name(self) -> str:
        name = new_name(self._trial)
        self._files.add(name)
        return name

    def _warn(self, text: str, why: str) -> None:
        _log.warning(f"trial %d {text}", self._trial.number, why)


def new_name(trial: optuna.Trial) -> str:
    """Returns a name for a file of a trial that no other one has, see ``FileName``."""
    study = quote(trial.study.study_name, safe="")[:_LONGEST_NAME]
    return f"{study}-{trial.number}-{uuid4().hex}.npz"


def remove_of(database: Database, study: optuna.Study, number: int, location: str) -> None:
    """Removes the files of a trial that has failed, but not in its own process."""
    with storage_errors(database.url):
        storage = study._storage
        trial_id = storage.get_trial_id_from_study_id_trial_number(study._study_id, number)
        trial = storage.get_trial(trial_id)
    outputs = stored_outputs(trial)
    files = [*_left_by(trial).files, *([] if outputs is None else [outputs.id])]
    _remove(Artifacts(location), files, number)


def _left_by(trial: FrozenTrial) -> Pointer:
    """Returns what an earlier attempt at the trial left; nothing if the attribute is damaged."""
    stored = trial.user_attrs.get(_KEY)
    try:
        where = f"trial {trial.number}"
        return Pointer() if stored is None else read(Pointer, stored, where, _KEY)
    except SpecError as error:
        _log.warning("its checkpoints are neither used nor removed: %s", error)
        return Pointer()


def stored_outputs(trial: FrozenTrial) -> StoredOutputs | None:
    """Returns what a trial's attribute says of its outputs; None if it is absent or damaged."""
    try:
        return StoredOutputs.model_validate(trial.user_attrs.get(OUTPUTS))
    except ValidationError:
        return None


def _remove(artifacts: Artifacts, names: Iterable[str], number: int) -> None:
    error = _removal_error(artifacts, names)
    if error is not None:
        _log.warning("trial %d has left a checkpoint behind: %s", number, error)


def _removal_error(artifacts: Artifacts, names: Iterable[str]) -> ArtifactError | None:
    try:
        for name in names:
            artifacts.remove(name)
    except ArtifactError as error:
        return error
    return None
