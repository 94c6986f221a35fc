"""What a result takes from a study as it is stored."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from tuner.errors import SpecError
from tuner.space import Left
from tuner.spec import StudySpec
from tuner.spec.models import EXHAUSTIVE
from tuner.storage.attributes import TrialAttrs, shown_attrs

if TYPE_CHECKING:
    import optuna


def left_to_try(spec: StudySpec, study: optuna.Study) -> Left | None:
    """What is left to try; None if the study's sampler never runs out of combinations."""
    if spec.sampler.name != EXHAUSTIVE:
        return None
    from tuner.search import left_of  # here, because it imports Optuna's samplers

    return left_of(spec, study)


def attrs_of(trial: optuna.trial.FrozenTrial, study: str, spec: StudySpec | None) -> TrialAttrs:
    """A trial's attributes; in a study of another program they may mean anything."""
    try:
        return shown_attrs(trial.user_attrs, f"stored study {study}: trial {trial.number}")
    except SpecError:
        if spec is not None:
            raise
    return TrialAttrs()


def span_s(trials: Sequence[optuna.trial.FrozenTrial]) -> float | None:
    """Returns the seconds from the first start to the last end; None before the first end."""
    starts = [trial.datetime_start for trial in trials if trial.datetime_start]
    ends = [trial.datetime_complete for trial in trials if trial.datetime_complete]
    if not starts or not ends:
        return None
    return max(0.0, (max(ends) - min(starts)).total_seconds())


def common_params_of(spec: StudySpec, attrs: Mapping[str, Any]) -> dict[str, Any]:
    """The parameters that all trials have beside those of the space, as far as they matter."""
    from tuner.studies.lifecycle import common_params  # here, because it imports Optuna

    params: dict[str, Any] = common_params(spec, attrs)
    task = (attrs.get("tuner:data") or {}).get("task")
    if task != "regression" and "target_scaling" not in spec.fixed:
        params.pop("target_scaling", None)  # classes are not scaled: no need to speak of it
    return params
