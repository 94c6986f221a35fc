"""The companion of a study: the study in the same database in which its best are trained again.

The companion of ``wine`` is ``wine-confirm``, an ordinary study whose attribute ``tuner:confirms``
says which one it confirms and what its candidates are. Its sampler chooses among them.
"""

from __future__ import annotations

import math
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import optuna
from optuna.trial import FrozenTrial, TrialState

from tuner.data import DATASETS
from tuner.data import load as load_data
from tuner.data.redividing import why_not_redivided
from tuner.errors import RequestError
from tuner.learners.registry import first_defaults
from tuner.spec import Role, StudySpec
from tuner.spec.access import Access
from tuner.spec.models import CONFIRMING, Choice, Confirm
from tuner.storage.attributes import (
    CONFIRMS,
    Defaults,
    StoredCandidate,
    StoredConfirmation,
    StoredData,
    confirmed_by,
    study_attr,
)
from tuner.storage.constraints import violated_by
from tuner.storage.database import Database
from tuner.storage.error_mapping import storage_errors
from tuner.studies import lifecycle, queue
from tuner.studies.definition import DEFAULTS
from tuner.studies.provenance import versions

_SUFFIX = "-confirm"


@dataclass(frozen=True)
class Companion:
    """A study that is ready to train candidates again.

    Attributes:
        name: Its name in the database.
        spec: What its workers are given.
        stored: What it confirms, and how.
        added: Names of the candidates that an earlier confirmation of the study did not have;
            empty if there was none.
    """

    name: str
    spec: StudySpec
    stored: StoredConfirmation
    added: tuple[str, ...] = ()


def companion_name(study: str) -> str:
    """Returns the name of a study's companion."""
    return f"{study}{_SUFFIX}"


def find_companion(
    database: Database, study: optuna.Study
) -> tuple[optuna.Study, StoredConfirmation] | None:
    """Returns the companion of a stored study, and what it holds; None if there is none.

    Raises:
        SpecError: Its attribute is not what tuner stores there.
    """
    found = database.find_study(companion_name(study.study_name))
    if found is None:
        return None
    stored = confirmed_by(found.user_attrs, found.study_name)
    is_its = stored is not None and stored.study == study.study_name
    return (found, stored) if stored is not None and is_its else None


def prepare_companion(
    database: Database,
    study: optuna.Study,
    spec: StudySpec,
    wanted: Confirm,
    access: Access | None = None,
) -> Companion:
    """Stores the companion of a study with its candidates, or adds those that it does not have.

    Args:
        database: Of both.
        study: The study that is confirmed.
        spec: Its spec.
        wanted: What is asked for; ``fresh_splits`` is decided here if it is None.
        access: What a study from a database may use of this machine.

    Raises:
        RequestError: The study has nothing to confirm, is a confirmation itself, or has one that
            was begun otherwise.
        DataError: The rows are needed, and cannot be loaded.
    """
    name = companion_name(study.study_name)
    require_confirmable(study, database)
    require_one_objective(spec, study.study_name)
    candidates = list(_candidates(study, spec, wanted.top))
    if not candidates:
        quoted = shlex.quote(study.study_name)
        kept = " and keeps its constraints" if spec.constraints else ""
        raise RequestError(
            f"no trial of {study.study_name} is complete{kept}, so there is nothing to confirm; "
            f"tuner run {quoted} goes on"
        )
    before = _earlier(database, study, spec, wanted)
    added: list[str] = []
    if before is None:
        fresh = _fresh_splits(study, spec, wanted.fresh_splits, access)
        stored = StoredConfirmation(
            study=study.study_name,
            fingerprint=spec.fingerprint,
            top=wanted.top,
            repeats=wanted.repeats,
            fresh_splits=fresh,
            overlap=_overlap(study, spec) if fresh else 0.0,
            candidates=candidates,
        )
    else:
        known = {(one.name, repr(sorted(one.params.items()))) for one in before.candidates}
        new = [c for c in candidates if (c.name, repr(sorted(c.params.items()))) not in known]
        added = [one.name for one in new]
        asked = {"top": wanted.top, "repeats": wanted.repeats}
        stored = before.model_copy(update=asked | {"candidates": [*before.candidates, *new]})
    own = _spec_of(spec, stored, wanted.timeout)
    _store(database, name, own, stored, study)
    return Companion(name, own, stored, tuple(added))


def require_confirmable(study: optuna.Study, database: Database) -> None:
    """Makes sure that tuner has made a study, and not as a confirmation.

    Raises:
        RequestError: It has not.
    """
    name = study.study_name
    stored = confirmed_by(study.user_attrs, name)
    if stored is not None:
        raise RequestError(
            f"study '{name}' is itself the confirmation of {stored.study}; continue it with: "
            f"tuner confirm {shlex.quote(stored.study)}"
        )
    if "tuner:spec" not in study.user_attrs:
        raise RequestError(
            f"study '{name}' in {database} was not made by tuner, which cannot train its trials"
        )


def has_candidates(study: optuna.Study, spec: StudySpec) -> bool:
    """Returns whether a stored study has a trial that can be confirmed."""
    return any(True for _ in _candidates(study, spec, 1))


def require_one_objective(spec: StudySpec, name: str) -> None:
    """Refuses a study that optimises several objectives: no single trial of it wins.

    Raises:
        RequestError: It does.
    """
    if len(spec.optimized) > 1:
        metrics = " and ".join(one.metric for one in spec.optimized)
        raise RequestError(
            f"study '{name}' optimises {metrics}, so that no single trial wins, and cannot be "
            'confirmed; write role = "store" for all but the first [[objective]], or leave '
            "out [confirm] and --confirm, and choose with: "
            f"tuner export {shlex.quote(name)} --pick SENTENCE"
        )


def _candidates(study: optuna.Study, spec: StudySpec, top: int) -> Iterator[StoredCandidate]:
    """Yields the best complete trials with distinct parameters, then the references."""
    references = {one.name for one in spec.references if one.role == "reference"}
    complete = [
        trial
        for trial in study.get_trials(deepcopy=False, states=(TrialState.COMPLETE,))
        if trial.values and math.isfinite(trial.values[0]) and not violated_by(trial)
        if spec.search_space.contains(spec.search_space.as_stored(trial.params))
    ]
    best = sorted(complete, key=lambda one: (spec.objective.loss(one.values[0]), one.number))
    named: dict[str, FrozenTrial] = {}
    for trial in sorted(complete, key=lambda one: one.number):
        origin = trial.user_attrs.get("origin")
        if trial.user_attrs.get("role") == Role.REFERENCE.value and origin in references:
            named.setdefault(origin, trial)
    seen = [trial.params for trial in named.values()]
    for trial in best:
        if top == 0:
            break
        if trial.params not in seen:
            seen.append(trial.params)
            top -= 1
            yield _candidate(f"trial {trial.number}", trial, spec)
    for name, trial in named.items():
        yield _candidate(name, trial, spec, is_reference=True)


def _candidate(
    name: str, trial: FrozenTrial, spec: StudySpec, *, is_reference: bool = False
) -> StoredCandidate:
    return StoredCandidate(
        name=name,
        trial=trial.number,
        value=trial.values[0],
        params=spec.search_space.read(spec.search_space.as_stored(trial.params)),
        is_reference=is_reference,
    )


def _earlier(
    database: Database, study: optuna.Study, spec: StudySpec, wanted: Confirm
) -> StoredConfirmation | None:
    """Returns the confirmation that the study has; None if there is none yet.

    Raises:
        RequestError: A study of its name is another one, or was begun otherwise.
    """
    name = companion_name(study.study_name)
    there = database.find_study(name)
    if there is None:
        return None
    delete = (
        f"delete it with: optuna delete-study --study-name {shlex.quote(name)} "
        f"--storage {shlex.quote(str(database))}"
    )
    found = find_companion(database, study)
    if found is None:
        if not there.get_trials(deepcopy=False) and CONFIRMS not in there.user_attrs:
            return None  # a confirmation was stopped just after it had been created
        raise RequestError(
            f"the confirmation of {study.study_name} is the study '{name}', but the one in "
            f"{database} is another study; rename it, or {delete}"
        )
    stored = found[1]
    if stored.fingerprint != spec.fingerprint:
        raise RequestError(
            f"study '{name}' in {database} confirms an earlier study {study.study_name}, which had "
            f"other settings; {delete}"
        )
    if wanted.fresh_splits is not None and wanted.fresh_splits != stored.fresh_splits:
        began, now = ("with", "without") if stored.fresh_splits else ("without", "with")
        raise RequestError(
            f"the confirmation of {study.study_name} was begun {began} fresh splits, and repeats "
            f"{now} them cannot be compared; leave out the option, or {delete}"
        )
    return stored


def _fresh_splits(
    study: optuna.Study, spec: StudySpec, wanted: bool | None, access: Access | None
) -> bool:
    """Returns whether each repeat divides the rows anew.

    Raises:
        RequestError: It is asked for, and the rows must not be mixed.
    """
    dataset, attrs = spec.dataset, study.user_attrs
    described = study_attr(StoredData, attrs, "tuner:data", study.study_name)
    kind = (attrs.get("tuner:data") or {}).get("kind", "table") if described else "table"
    own = isinstance(dataset, str) and ":" in dataset
    if wanted is False or (wanted is None and (own or kind not in ("table", "mixed"))):
        return False
    reason = DATASETS[dataset].fixed if isinstance(dataset, str) and dataset in DATASETS else ""
    if not reason:
        reason = why_not_redivided(load_data(dataset, spec.base, access).development) or ""
    if reason and wanted:
        raise RequestError(
            f"the rows of {study.study_name} cannot be divided anew, because {reason}; write "
            "--no-fresh-splits"
        )
    return not reason


def _overlap(study: optuna.Study, spec: StudySpec) -> float:
    """Returns how many rows are held out for each row that is fitted on."""
    if spec.validation is not None and spec.n_folds > 1:
        return 1 / (spec.validation.folds - 1)
    stored = study_attr(StoredData, study.user_attrs, "tuner:data", study.study_name)
    rows = stored.rows if stored else {}
    return rows.get("validation", 1) / max(1, rows.get("train", 3))


def _spec_of(spec: StudySpec, stored: StoredConfirmation, timeout: float | None) -> StudySpec:
    """Returns the companion's own spec."""
    # More than all repeats of all candidates: what ends it is that nothing is left to train.
    most = 2 * len(stored.candidates) * stored.repeats
    budget = spec.budget.model_copy(update={"n_trials": most, "timeout": timeout})
    validation = spec.validation
    if validation is not None:
        validation = validation.model_copy(update={"keep": False})
    changes: dict[str, Any] = {
        "name": companion_name(stored.study),
        "title": f"Confirmation of {stored.study}",
        "sampler": Choice(name=CONFIRMING, seed=spec.sampler.seed),
        "pruner": Choice(name="nop"),
        "budget": budget,
        "validation": validation,
        "confirm": None,
        "references": (),
    }
    return spec.model_copy(update=changes)


def _store(
    database: Database,
    name: str,
    spec: StudySpec,
    stored: StoredConfirmation,
    study: optuna.Study,
) -> None:
    """Stores the companion, which has the data and the defaults of the study that it confirms."""
    companion = lifecycle.store(database, name, spec)
    recorded = study_attr(Defaults, study.user_attrs, DEFAULTS, study.study_name)
    attrs: dict[str, Any] = {
        DEFAULTS: recorded.root if recorded else first_defaults(spec.model),
        CONFIRMS: stored.model_dump(),
    }
    if "tuner:data" in study.user_attrs:
        attrs["tuner:data"] = study.user_attrs["tuner:data"]
    if "tuner:versions" not in companion.user_attrs:
        attrs["tuner:versions"] = versions()
    with storage_errors(database.url):
        for key, value in attrs.items():
            if companion.user_attrs.get(key) != value:
                companion.set_user_attr(key, value)
    _submit_beside(database, companion, study, spec)


def _submit_beside(
    database: Database, companion: optuna.Study, study: optuna.Study, spec: StudySpec
) -> None:
    """Submits the companion if its study is in the queue, so that its workers help."""
    entry = queue.entry_of(study.user_attrs, study.study_name)
    there = queue.entry_of(companion.user_attrs, companion.study_name)
    if entry.status == "open" and there.status in ("open", "unlisted"):
        changes = {"n_trials": spec.budget.n_trials, "is_used_up": False}
        queue.store_entry(companion, database, entry.model_copy(update=changes))
