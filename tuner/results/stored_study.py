"""Reads a stored study into a :class:`StudyResult`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tuner.errors import SpecError, StudyError
from tuner.results.rows import BestTrial, ReferenceRow, TrialRow, best_of
from tuner.results.study_result import StudyResult
from tuner.space import Left
from tuner.spec import Objective, StudySpec
from tuner.spec.access import Access
from tuner.spec.models import EXHAUSTIVE
from tuner.storage.attributes import (
    STOPPED,
    Names,
    StoredData,
    StoredStop,
    TrialAttrs,
    shown_attrs,
    study_attr,
)

if TYPE_CHECKING:
    import optuna
    from optuna.trial import FrozenTrial


def read_result(
    study: optuna.Study,
    storage_url_masked: str,
    wall_s: float | None = None,
    *,
    base: Path | None = None,
    access: Access | None = None,
) -> StudyResult:
    """Reads a study.

    Args:
        study: The study.
        storage_url_masked: Its database's URL without the password.
        wall_s: Seconds of the run that just ended.
        base: Folder of the study file, from which relative paths in it are read; the working
            folder if None.
        access: What the study may use of this machine; None if the user's own study file
            names the same data and network.

    Raises:
        StudyError: A trial has more values than the study has objectives.
        SpecError: An attribute is not what tuner stores there.
    """
    name, attrs = study.study_name, study.user_attrs
    stored = attrs.get("tuner:spec")
    spec = None
    if stored is not None:
        spec = StudySpec.from_dict(stored, base or Path.cwd(), study=name)
    objectives = _objectives(study, spec)
    frozen = sorted(study.get_trials(deepcopy=False), key=lambda trial: trial.number)
    rows = tuple(_row(trial, name, spec, len(objectives)) for trial in frozen)
    data = study_attr(StoredData, attrs, "tuner:data", name)
    versions = study_attr(Names, attrs, "tuner:versions", name)
    result = StudyResult(
        study=name,
        storage=storage_url_masked,
        objectives=objectives,
        trials=rows,
        best=None,
        references=tuple(
            ReferenceRow.of(reference.name, reference.reported, rows)
            for reference in (spec.references if spec else ())
            if reference.role == "reference"
        ),
        wall_s=_span_s(frozen) if wall_s is None else wall_s,
        title=spec.title if spec and spec.title != spec.name else "",
        spec=spec,
        data=attrs["tuner:data"] if data else {},
        versions=versions.root if versions else {},
        left=None if spec is None else _left_to_try(spec, study),
        access=access,
        common=_common_params(spec, attrs) if spec else {},
        stop=study_attr(StoredStop, attrs, STOPPED, name),
        complete=tuple(trial for trial in frozen if trial.state.name == "COMPLETE"),
    )
    return replace(result, best=_best(result))


def _objectives(study: optuna.Study, spec: StudySpec | None) -> tuple[Objective, ...]:
    directions = [direction.name.lower() for direction in study.directions]
    if spec is not None and len(directions) == 1:
        # The file decides: another program may have created the study before.
        return (spec.objective,)
    names = study.metric_names
    if not isinstance(names, list) or len(names) != len(directions):
        names = (
            ["value"] if len(directions) == 1 else [f"value {i}" for i in range(len(directions))]
        )
    return tuple(
        Objective(
            metric=str(name) or "value",
            direction="maximize" if direction == "maximize" else "minimize",
        )
        for name, direction in zip(names, directions, strict=True)
    )


def _row(trial: FrozenTrial, study: str, spec: StudySpec | None, n_objectives: int) -> TrialRow:
    if len(trial.values or ()) > n_objectives:
        most = "one value" if n_objectives == 1 else f"{n_objectives} values"
        raise StudyError(f"trial {trial.number} of {study} has more than {most}")
    return TrialRow.of(trial, _attrs(trial, study, spec), in_ours=spec is not None)


def _attrs(trial: FrozenTrial, study: str, spec: StudySpec | None) -> TrialAttrs:
    """Returns a trial's attributes; in a study of another program they may mean anything."""
    try:
        return shown_attrs(trial.user_attrs, f"stored study {study}: trial {trial.number}")
    except SpecError:
        if spec is not None:
            raise
    return TrialAttrs()


def _best(result: StudyResult) -> BestTrial | None:
    if result.has_several_objectives:
        return None
    row = best_of(result.trials, result.objective)
    if row is None or row.value is None:
        return None
    try:
        configuration = result.configuration(row.number)
    except StudyError:
        configuration = None
    return BestTrial(
        number=row.number,
        value=row.value,
        epoch=row.epoch,
        params=row.params,
        role=row.role,
        origin=row.origin,
        is_added=row.is_added,
        configuration=configuration,
    )


def _left_to_try(spec: StudySpec, study: optuna.Study) -> Left | None:
    """Returns what is left to try; None if the study's sampler never runs out of combinations."""
    if spec.sampler.name != EXHAUSTIVE:
        return None
    from tuner.search import left_of  # here, because it imports Optuna's samplers

    return left_of(spec, study)


def _span_s(trials: Sequence[FrozenTrial]) -> float | None:
    """Returns the seconds from the first start to the last end; None before the first end."""
    starts = [trial.datetime_start for trial in trials if trial.datetime_start]
    ends = [trial.datetime_complete for trial in trials if trial.datetime_complete]
    if not starts or not ends:
        return None
    return max(0.0, (max(ends) - min(starts)).total_seconds())


def _common_params(spec: StudySpec, attrs: Mapping[str, Any]) -> dict[str, Any]:
    """Returns the parameters that all trials have beside those of the space, where they matter."""
    from tuner.studies.definition import common_params  # here, because it imports Optuna

    params: dict[str, Any] = common_params(spec, attrs)
    task = (attrs.get("tuner:data") or {}).get("task")
    if task != "regression" and "target_scaling" not in spec.fixed:
        params.pop("target_scaling", None)  # classes are not scaled
    return params
