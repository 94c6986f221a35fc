"""One trial, from the parameters that Optuna suggests to the end that is stored.

Whatever library fits it: candidate (learner and parameters), data and seed go in, and the
objective's value comes out.
"""

from __future__ import annotations

import traceback
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import Any, Literal

import numpy as np
import optuna
from optuna.trial import TrialState

from tuner.data import Development
from tuner.data.raised import described
from tuner.data.redividing import redivided
from tuner.data.trivial import trivial
from tuner.errors import (
    MetricError,
    ModelError,
    SpecError,
    SupervisorGone,
    TrialFailed,
    TunerError,
    debugging,
)
from tuner.learners.base import Learner
from tuner.search import derive_seed, judging
from tuner.space import SearchSpace, Value
from tuner.spec import Role, StudySpec
from tuner.storage.attributes import TrialAttrs, enqueued_attrs
from tuner.storage.database import Database
from tuner.trials.checking import check_learner, check_params, check_reported
from tuner.trials.checkpoints import OUTPUTS, TrialCheckpoints
from tuner.trials.folding import Folds, folds_for
from tuner.trials.reporting import Reporter
from tuner.trials.trial_outputs import write_outputs
from tuner.trials.validating import Plan, Validating, validating
from tuner.units import count


@dataclass(frozen=True)
class Outcome:
    """How a trial ended.

    Attributes:
        state: The state that is stored, in lower case.
        values: The value of each objective that is optimised, at the best epoch; of a pruned
            trial the first one's only, of a failed trial none.
        reason: Why it did not run all its epochs; None if it did.
        violation: The constraints that a complete trial violates, in words; None if there are none.
        was_refused: Whether it was never trained for a reason of its own, such as enqueued
            parameters that are not in the search space: this says nothing about the study.
    """

    state: Literal["complete", "pruned", "fail"]
    values: tuple[float, ...]
    reason: str | None
    was_refused: bool = False
    violation: str | None = None


def check_model(spec: StudySpec, learner: Learner, data: Development) -> dict[str, Any] | None:
    """Makes sure that the learner can fit these data and logs what the study asks for.

    Returns:
        The trivial predictor that the trials are compared with, see `tuner.data.trivial`; None
        if the metric is one that only the model itself can compute.

    Raises:
        DataError: The rows cannot be divided into the folds that the study asks for.
        MetricError: There is no such metric for this model and task, which lists those there are;
            or it is not defined for the validation rows.
        ModelError: A user's function does not return a compiled model.
        SpecError: The learner does not read such data, or has no such output for the task.
    """
    check_params(spec, type(learner))
    check_learner(spec, type(learner), data)
    if spec.n_folds > 1:
        folds = folds_for(data, spec.validation, spec.sampler.seed)
        _ = folds.positions  # raises what is wrong with them
        data = replace(data, train=folds.rows, validation=folds.rows)
    drawn = set(spec.search_space.names())
    with learner.restored():
        logged = learner.try_out(_example_params(spec), data)
        check_reported(spec, data, logged)
        if spec.objective.metric in logged:
            return learner.baseline(spec.objective.metric, data, spec.fixed, drawn)
    return _trivial_score(spec.objective.metric, data)


def _trivial_score(metric: str, data: Development) -> dict[str, Any] | None:
    """Returns the trivial predictor's value of a metric that is computed from predictions.

    Returns:
        None if the metric is not defined for a constant prediction.

    Raises:
        MetricError: It is not defined for the validation rows, and so for no trial.
    """
    try:
        found = trivial(data, metric)
    except MetricError as error:
        raise MetricError(f"objective.metric: {error}") from error
    if found is None and len(np.unique(data.validation.y, axis=0)) < 2:
        rows = count(len(data.validation), "validation row")
        raise MetricError(
            f"objective.metric: {metric} is not defined for the {rows} of {data.name}, whose "
            "targets are all the same; choose another metric"
        )
    return found


def run_trial(
    trial: optuna.Trial,
    spec: StudySpec,
    learner: Learner,
    data: Development,
    database: Database,
    *,
    checkpoints: str,
    on_start: Callable[[int], None],
    on_epoch: Callable[[int, float], None],
    common: Mapping[str, Value] | None = None,
) -> Outcome:
    """Runs a trial and stores how it ended.

    Args:
        trial: Just asked for.
        spec: The study.
        learner: What fits it, the same for all trials of a worker.
        data: Its data.
        database: Where the trial's attributes are written.
        checkpoints: Where a trial that takes long is saved, see :mod:`tuner.storage.artifacts`.
        on_start: Called with the number of epochs that the trial may take.
        on_epoch: Called after each epoch (from 1) with the metric on the validation split.
        common: Parameters that all trials of the study have, see `common_params`.

    Raises:
        TunerError: The study cannot continue (all but a failure of this trial); the trial is
            still running.
        TrialLost: Another process runs the trial by now.
    """
    try:
        with database.together():
            stored = _enqueued(trial)
            role, seed = stored.role, derive_seed(spec.sampler.seed, trial.number)
            if role is Role.CONFIRM and stored.seed is not None:
                seed = stored.seed
            suggested = _suggest(trial, spec.search_space)
            default = _default_of(spec, suggested) if role is Role.SEARCH else None
            params = {**(common or {}), **suggested}
            learner, given = learner.chosen(params)
            steps = spec.n_folds if spec.n_folds > 1 else learner.steps(given)
            begun: dict[str, Any] = {"seed": seed, "epochs_wanted": steps}
            if default is not None:  # which the sampler has proposed
                role = Role.DEFAULT
                begun["origin"] = default
            if "role" not in trial.user_attrs:
                begun["role"] = role.value
            database.write_attrs(trial._trial_id, begun)
    except TrialFailed as failure:
        return replace(_fail(trial, database, str(failure), [], None), was_refused=True)
    except (TunerError, optuna.exceptions.OptunaError):
        raise
    except Exception as error:  # noqa: BLE001 - samplers raise whatever they come across
        reason = f"the sampler {spec.sampler.name} failed: {_in_one_line(error, spec.base)}"
        return _fail(trial, database, reason, [], None)
    on_start(steps)
    reporter = Reporter(trial, judging(spec), database, steps, role)
    word = "fold" if spec.n_folds > 1 else "epoch"
    every_s = spec.training.checkpoint
    kept = TrialCheckpoints(trial, database, reporter, checkpoints, every_s, word)

    def report(step: int, value: float) -> str | None:
        on_epoch(step, value)
        if not reporter.pruned(step, value):
            return None
        return f"{spec.objective.metric} {value:.4g} was not good enough for {spec.pruner.name}"

    stops_early = role.may_stop_early and not stored.runs_all_epochs
    plan = Plan(
        learner=learner,
        params=given,
        seed=seed,
        folds=_folds(spec, data, stored.division),
        objective=spec.objective,
        early_stopping=spec.early_stopping if stops_early else None,
        report=report,
        checkpoints=kept,
        keep=spec.validation is not None and spec.validation.keep,
        base=spec.base,
        goals=spec.goals,
    )
    fit = validating(plan)
    try:
        with learner.restored():
            result = fit.run()
    except (TrialFailed, ModelError, MetricError) as failure:
        _show_traceback(failure)
        return _fail(trial, database, str(failure), fit.logs, kept)
    except (TunerError, SupervisorGone, optuna.exceptions.OptunaError):
        raise
    except BaseException as error:  # noqa: BLE001 - a user's network raises what it wants
        return _fail(trial, database, _in_one_line(error, spec.base), fit.logs, kept)
    values: tuple[float, ...] = () if result.value is None else (result.value,)
    measured = fit.measured
    if result.state == "complete":
        values += tuple(measured[goal.metric] for goal in spec.goals if goal.role == "optimize")
    attrs: dict[str, Any] = {"epoch": result.epoch, "epochs": result.epochs}
    if result.reason:
        attrs["reason"] = result.reason
    if measured:
        attrs["measured"] = measured
    if plan.keep and result.state == "complete":
        attrs |= _written(trial, database, checkpoints, fit)
    with database.together():
        database.require_own(trial._trial_id)
        reporter.flush()
        database.write_attrs(trial._trial_id, attrs)
        database.write_curves(trial._trial_id, fit.logs)
        for goal in spec.constraints:
            if goal.metric in measured:
                trial.set_constraint(goal.metric, goal.excess(measured[goal.metric]))
        if result.state == "pruned":
            trial.study.tell(trial, state=TrialState.PRUNED)
        else:
            trial.study.tell(trial, values)
    kept.remove()
    violation = None
    if result.state == "complete":
        found = [goal.violation(measured[goal.metric]) for goal in spec.constraints]
        violation = ", ".join(filter(None, found)) or None
    return Outcome(result.state, values, result.reason, violation=violation)


def _default_of(spec: StudySpec, params: Mapping[str, Value]) -> str | None:
    """Returns the name of the reference of the role ``default`` with these parameters, if any."""
    defaults = [one for one in spec.references if one.role == "default"]
    return next((one.name for one in defaults if one.params == params), None)


def _written(
    trial: optuna.Trial, database: Database, location: str, fit: Validating
) -> dict[str, Any]:
    """Writes what a complete trial leaves; returns the attribute that points at it."""
    folds = fit.fitted
    out_of_fold = fit.plan.folds.pooled([fold.predictions for fold in folds])
    models = [fold.model for fold in folds if fold.model is not None]
    written = write_outputs(trial, database, location, out_of_fold, models)
    if written is None:
        return {}
    written["fit_s"] = round(sum(fold.fit_s for fold in folds), 4)
    first = folds[0]
    written["predict_s"] = round(1000 * (first.predict_s or 0.0) / len(first.predictions), 6)
    return {OUTPUTS: written}


def _folds(spec: StudySpec, data: Development, division: int | None) -> Folds:
    """Returns how the rows are divided: as the study's, or anew if ``division`` is a seed."""
    if division is None:
        return folds_for(data, spec.validation, spec.sampler.seed)
    if spec.n_folds > 1:
        return folds_for(data, spec.validation, division)
    return Folds(_redivided(data, division), spec.validation, spec.sampler.seed)


# What a learner has prepared for the arrays of a division serves its next candidate, too.
_redivided = lru_cache(maxsize=2)(redivided)


def _enqueued(trial: optuna.Trial) -> TrialAttrs:
    """Returns the attributes that the trial has when it begins, why it exists among them.

    Raises:
        TrialFailed: It was enqueued with an attribute that tuner could not read.
    """
    try:
        return enqueued_attrs(trial.user_attrs)
    except SpecError as error:
        raise TrialFailed(str(error)) from None


def _suggest(trial: optuna.Trial, space: SearchSpace) -> dict[str, Value]:
    """Returns the trial's parameters; those that it was enqueued with must be in the space.

    Optuna warns of a value outside the space and trains it, cuts 31.5 to 31, and draws what is
    missing or misspelt.

    Raises:
        TrialFailed: What it was enqueued or stored with is not in the space.
    """
    enqueued = trial._cached_frozen_trial.system_attrs.get("fixed_params")
    if enqueued and (fault := space.fault(space.as_stored(enqueued))) is not None:
        raise TrialFailed(f"enqueued outside the search space: {fault}")
    params = space.suggest(trial)
    if (fault := space.fault(trial.params | params)) is not None:
        raise TrialFailed(f"stored outside the search space: {fault}")
    return params


def _fail(
    trial: optuna.Trial,
    database: Database,
    reason: str,
    logged: Sequence[Mapping[str, Any]],
    kept: TrialCheckpoints | None,
) -> Outcome:
    with database.together():
        database.require_own(trial._trial_id)
        database.write_attrs(trial._trial_id, {"reason": reason})
        database.write_curves(trial._trial_id, logged)
        trial.study.tell(trial, state=TrialState.FAIL)
    if kept is not None:
        kept.remove()
    return Outcome("fail", (), reason)


def _in_one_line(error: BaseException, base: Path) -> str:
    """Returns the error as the trial's reason, with file and line of the user's own code."""
    _show_traceback(error)
    return described(error, base)


def _show_traceback(error: BaseException) -> None:
    """Prints a traceback with ``--debug``; the supervisor shows what a worker prints."""
    if debugging():
        traceback.print_exception(error)


def _example_params(spec: StudySpec) -> dict[str, Any]:
    """Returns parameters that the space allows: the first reference's, or any."""
    if spec.references:
        return {**spec.fixed, **spec.references[0].params}
    sampler = optuna.samplers.RandomSampler(seed=spec.sampler.seed)
    return {**spec.fixed, **spec.search_space.suggest(optuna.create_study(sampler=sampler).ask())}
