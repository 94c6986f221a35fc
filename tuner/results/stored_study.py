"""Reads a stored study into a :class:`StudyResult`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tuner.errors import SpecError, StudyError
from tuner.results.rows import BestTrial, ReferenceRow, TrialRow, best_of, finite
from tuner.results.study_result import StudyResult
from tuner.space import Left
from tuner.spec import Objective, StudySpec
from tuner.spec.access import Access
from tuner.spec.models import CONFIRMING, EXHAUSTIVE
from tuner.storage.attributes import (
    Names,
    StoredConfirmation,
    StoredData,
    TrialAttrs,
    confirmed_by,
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
    companion: tuple[optuna.Study, StoredConfirmation] | None = None,
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
        companion: Its confirmation, see `tuner.studies.companion.find_companion`.

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
    confirms = confirmed_by(attrs, name)
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
        confirms=None if confirms is None else confirms.study,
        complete=tuple(trial for trial in frozen if trial.state.name == "COMPLETE"),
    )
    if result.has_several_objectives:
        return result
    if spec is not None and companion is not None:
        from tuner.results.confirmation import read_confirmation  # which imports samplers

        confirmation = read_confirmation(*companion, result.objective, spec.sampler.seed)
        result = replace(result, confirmation=confirmation)
    row = best_of(result.trials, result.objective)
    best = None if row is None else result.as_best(row)
    return replace(result, best=best, winner=_winner(result) or best)


def _objectives(study: optuna.Study, spec: StudySpec | None) -> tuple[Objective, ...]:
    directions = [direction.name.lower() for direction in study.directions]
    if spec is not None and len(directions) == len(spec.optimized):
        # The file decides: another program may have created the study before.
        return spec.optimized
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
    row = TrialRow.of(trial, _attrs(trial, study, spec), in_ours=spec is not None)
    steps = trial.intermediate_values
    if n_objectives > 1 and spec is not None and row.state == "pruned" and steps:
        # Of several objectives Optuna stores no value; a curve is that of the first one.
        return replace(row, values=(finite(steps[max(steps)]),))
    return row


def _attrs(trial: FrozenTrial, study: str, spec: StudySpec | None) -> TrialAttrs:
    """Returns a trial's attributes; in a study of another program they may mean anything."""
    try:
        return shown_attrs(trial.user_attrs, f"stored study {study}: trial {trial.number}")
    except SpecError:
        if spec is not None:
            raise
    return TrialAttrs()


def _winner(result: StudyResult) -> BestTrial | None:
    """Returns the winner of a finished confirmation; None if there is none."""
    winning = result.confirmation and result.confirmation.winning
    if not winning:
        return None
    row = next((row for row in result.trials if row.number == winning.trial), None)
    return None if row is None or row.value is None else result.as_best(row, is_winner=True)


def _left_to_try(spec: StudySpec, study: optuna.Study) -> Left | None:
    """Returns what is left to try; None if the study's sampler never runs out of combinations."""
    if spec.sampler.name not in (EXHAUSTIVE, CONFIRMING):
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
