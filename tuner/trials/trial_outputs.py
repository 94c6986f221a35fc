"""What a complete trial leaves if its study keeps it: out-of-fold predictions and its models.

One ``.npz`` without pickle at the location of the checkpoints, named by the trial's attribute
``outputs``:

    out_of_fold: float32 ``(n, classes)`` or ``(n,)``, float64 if the targets are; a row for each of
        ``Development.rows``, NaN for those that were never held out.
    model_0, model_1 …: the models of the folds, as :func:`tuner.learners.saved.pack_model` packs
        them, uint8 ``(bytes,)``.

The attribute names the file before it is written, so that a crash leaves no file that is not known.
A trial whose outputs cannot be written is complete all the same.
"""

from __future__ import annotations

import io
import logging
import zipfile
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from tuner.errors import BundleError
from tuner.learners.archives import check_archive
from tuner.learners.saved import unpack_model
from tuner.storage.artifacts import ArtifactError, Artifacts
from tuner.storage.attributes import StoredOutputs
from tuner.trials.checkpoints import OUTPUTS, new_name, stored_outputs

if TYPE_CHECKING:
    import optuna
    from optuna.trial import FrozenTrial

    from tuner.storage.database import Database

_log = logging.getLogger(__name__)


def write_outputs(
    trial: optuna.Trial,
    database: Database,
    location: str,
    out_of_fold: NDArray[np.floating],
    models: Sequence[bytes],
) -> dict[str, Any] | None:
    """Writes the outputs of a running trial, in place of those of an earlier attempt at it.

    Args:
        trial: The trial.
        database: Where it is stored.
        location: Folder or S3 address, see :mod:`tuner.storage.artifacts`.
        out_of_fold: As in the module.
        models: As in the module.

    Returns:
        ``id``, ``size`` and ``models`` of the attribute, to be stored when the trial ends; None if
        the outputs cannot be written, which is logged.

    Raises:
        TrialLost: Another process runs the trial.
    """
    artifacts, name = Artifacts(location), new_name(trial)
    earlier = stored_outputs(trial._cached_frozen_trial)
    try:
        if earlier is not None:
            artifacts.remove(earlier.id)
        with database.together():
            database.require_own(trial._trial_id)
            database.write_attrs(trial._trial_id, {OUTPUTS: {"id": name}})
        content = _packed(out_of_fold, models)
        artifacts.write(name, content)
    except ArtifactError as error:
        _log.warning("trial %d leaves no outputs: %s", trial.number, error)
        return None
    return {"id": name, "size": len(content), "models": len(models)}


def outputs_of(trial: FrozenTrial) -> StoredOutputs | None:
    """Returns what is known of the outputs that a trial has left; None if it has none."""
    found = stored_outputs(trial)
    return None if found is None or found.size is None else found


def read_out_of_fold(location: str, trial: FrozenTrial) -> NDArray[np.floating]:
    """Returns a trial's out-of-fold predictions, as the module describes them.

    Args:
        location: Where the study's checkpoints are.
        trial: A complete trial.

    Raises:
        BundleError: It has left none, or the file is missing or broken.
    """
    with _opened(location, trial) as archive:
        found = archive["out_of_fold"]
        if found.dtype not in (np.float32, np.float64) or found.ndim not in (1, 2):
            raise ValueError(f"its predictions are {found.dtype} of shape {found.shape}")
        return np.asarray(found)


def read_models(location: str, trial: FrozenTrial, folder: Path) -> list[Path]:
    """Writes the models of a trial's folds into folders, for `tuner.learners.saved.load_model`.

    Args:
        location: Where the study's checkpoints are.
        trial: A complete trial.
        folder: Where ``fold-0``, ``fold-1`` … are made.

    Returns:
        The folders, in the order of the folds.

    Raises:
        BundleError: The trial has left none, or the file is missing or broken.
    """
    folders = []
    with _opened(location, trial) as archive:
        for number in range(sum(name.startswith("model_") for name in archive.files)):
            content = archive[f"model_{number}"]
            if content.dtype != np.uint8 or content.ndim != 1:
                raise ValueError(f"model {number} is {content.dtype} of shape {content.shape}")
            folders.append(folder / f"fold-{number}")
            unpack_model(content.tobytes(), folders[-1])
    return folders


def remove_outputs(location: str, trials: Iterable[FrozenTrial]) -> None:
    """Removes the outputs of trials that no longer matter; their attributes remain.

    Optuna changes no attributes of a trial that has ended. What cannot be removed is logged.
    """
    artifacts = Artifacts(location)
    for trial in trials:
        found = stored_outputs(trial)
        try:
            if found is not None:
                artifacts.remove(found.id)
        except ArtifactError as error:
            _log.warning("the outputs of trial %d are not removed: %s", trial.number, error)


def _packed(out_of_fold: NDArray[np.floating], models: Sequence[bytes]) -> bytes:
    content = io.BytesIO()
    packed = {f"model_{k}": np.frombuffer(one, np.uint8) for k, one in enumerate(models)}
    np.savez(content, allow_pickle=False, out_of_fold=out_of_fold, **packed)
    return content.getvalue()


@contextmanager
def _opened(location: str, trial: FrozenTrial) -> Iterator[np.lib.npyio.NpzFile]:
    """Opens a trial's outputs, and turns what is wrong with them into one line."""
    known = outputs_of(trial)
    if known is None:
        raise BundleError(
            f"trial {trial.number} has left no models; a study keeps them with keep = true under "
            "[validation]"
        )
    what = f"the outputs of trial {trial.number}"
    try:
        with (
            Artifacts(location).opened(known.id) as file,
            np.load(file, allow_pickle=False) as archive,
        ):
            if not isinstance(archive, np.lib.npyio.NpzFile) or archive.zip is None:
                raise ValueError("they are no archive")
            check_archive(archive.zip, known.size or 0, what)
            yield archive
    except (ArtifactError, OSError) as error:
        raise BundleError(f"{what} cannot be read: {error}") from error
    except (EOFError, KeyError, ValueError, zipfile.BadZipFile, MemoryError) as exc:
        raise BundleError(f"{what} at {location} are broken: {exc}") from exc
