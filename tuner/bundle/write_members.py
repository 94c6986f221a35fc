"""Writes a bundle of several members, whose models the trials of a study have left."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tuner.bundle.folder import MARKER, new_folder, writing
from tuner.bundle.info_file import check_info
from tuner.bundle.load import Bundle, load_bundle
from tuner.bundle.members import (
    Members,
    fold_folders,
    out_of_fold,
    read_members,
    restricted,
    take_rows,
)
from tuner.bundle.members_card import members_card
from tuner.bundle.members_info import SCHEMA
from tuner.data import SealedData
from tuner.errors import BundleError
from tuner.learners.registry import shipped
from tuner.results.rendering import document
from tuner.space import Value

_CHECKED_ROWS = 200
"""Rows on which the written members are compared with what the search has stored of them."""
_RELATIVE, _OF_DEVIATION = 1e-3, 1e-3

Describe = Callable[[Members], Mapping[str, Any]]


@dataclass(frozen=True)
class Member:
    """A member to be written.

    Attributes:
        learner: Name of the learner that fitted it.
        params: What it was fitted with.
        trial: Number of its trial.
        models: A folder with ``fold-0``, ``fold-1`` …, as `tuner.trials.trial_outputs.read_models`
            makes them.
        out_of_fold: What `tuner.trials.trial_outputs.read_out_of_fold` returns; the bundle is
            compared with it.
        weight: See `tuner.bundle.members.Voter`; the weights of all members sum to 1.
        temperature: See there.
        shift: See there.
        value: The objective's metric on ``out_of_fold``.
    """

    learner: str
    params: Mapping[str, Value]
    trial: int | None
    models: Path
    out_of_fold: NDArray[np.floating]
    weight: float = 1.0
    temperature: float = 1.0
    shift: float = 0.0
    value: float | None = None


def write_members(
    out_dir: Path,
    members: Sequence[Member],
    data: SealedData,
    folds: Sequence[NDArray[np.intp]],
    about: Mapping[str, Any],
    describe: Describe,
    *,
    force: bool = False,
) -> Bundle:
    """Writes the bundle, and keeps it only if it predicts what the search has stored.

    Args:
        out_dir: Folder of the bundle; it is there whole afterwards, or as it was.
        members: At least one.
        data: The study's data.
        folds: For each fold the positions in ``data.development.rows`` that it holds out; the
            same for all members.
        about: Keys of `tuner.bundle.members_info.MembersInfo` that are known before: ``study``,
            ``metric``, ``direction``, ``value``, ``dataset``, ``model``, ``seed``,
            ``validation``; perhaps ``leaderboard``, and ``warnings`` instead of the schema's.
        describe: Called once with the members as they were read back from the disk; returns
            further keys, ``scores`` and ``baseline`` among them
            (`tuner.bundle.facts` has functions for it).
        force: Replace a bundle that is there.

    Returns:
        The bundle; its models are loaded already.

    Raises:
        RequestError: The folder is taken.
        BundleError: It cannot be written, or a member predicts otherwise than in the search.
    """
    with new_folder(out_dir, force=force) as folder:
        with writing(out_dir):
            listed = [_copied(member, folder, i) for i, member in enumerate(members, start=1)]
        schema = data.development.schema
        info = {
            "tuner_bundle": SCHEMA,
            "warnings": [] if schema is None else list(schema.warnings),
            **about,
            "data": (described := data.describe()),
            "data_fingerprint": described["fingerprint"],
            "members": listed,
            "versions": _versions(),
            "created": datetime.now(UTC).isoformat(timespec="seconds"),
        }
        try:
            loaded = read_members(folder, info)
        except BundleError as error:  # the folder with its final name is not there yet
            said = str(error).replace(str(folder), str(out_dir))
            raise BundleError(said) from error.__cause__
        for member, voter in zip(members, loaded.voters, strict=True):
            _check_predictions(member, voter.models, data, folds)
        info = json.loads(document({**info, **describe(loaded)}))  # NaN is null there
        check_info(info, str(out_dir / MARKER))
        with writing(out_dir):
            (folder / "MODEL.md").write_text(members_card(info, out_dir.name), encoding="utf-8")
            (folder / MARKER).write_text(document(info), encoding="utf-8")
    bundle = load_bundle(out_dir)
    bundle.__dict__["fitted"] = loaded  # cached: loading networks takes seconds
    return bundle


def _copied(member: Member, folder: Path, number: int) -> dict[str, Any]:
    """Copies the models of a member into the bundle; returns its entry of ``bundle.json``."""
    n_folds = sum(1 for _ in member.models.glob("fold-*"))
    if not n_folds:
        raise BundleError(f"{member.models} holds no models")
    for fold, place in enumerate(fold_folders(folder, number, n_folds)):
        shutil.copytree(member.models / f"fold-{fold}", place)
    return {
        "learner": member.learner,
        "library": shipped(member.learner).library,
        **({} if member.trial is None else {"trial": member.trial}),
        "params": dict(member.params),
        "weight": member.weight,
        "temperature": member.temperature,
        **({"shift": member.shift} if member.shift else {}),
        "folds": n_folds,
        **({} if member.value is None else {"value": member.value}),
    }


def _check_predictions(
    member: Member, models: Sequence[Any], data: SealedData, folds: Sequence[NDArray[np.intp]]
) -> None:
    """Makes sure that a member predicts for held-out rows what it did in its trial.

    Raises:
        BundleError: It does not.
    """
    rows = data.development.rows
    held = np.unique(np.concatenate(folds))
    some = held[np.linspace(0, len(held) - 1, min(_CHECKED_ROWS, len(held))).astype(np.intp)]
    now = out_of_fold(models, take_rows(rows.x, some), restricted(folds, some))
    then = member.out_of_fold[some].astype(np.float64)
    close = _OF_DEVIATION * float(np.std(then)) + 1e-6
    if now.shape != then.shape or not np.allclose(now, then, _RELATIVE, close):
        raise BundleError(
            f"the member {member.learner} of trial {member.trial} predicts otherwise than in the "
            "search, so the bundle was not kept; its learner's save or load probably leaves "
            "something out"
        )


def _versions() -> dict[str, str]:
    from tuner.studies.provenance import versions  # here, because it imports Optuna and SQLAlchemy

    return versions()
