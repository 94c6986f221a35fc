"""One trial, from the parameters that Optuna suggests to the end that is stored."""

from __future__ import annotations

import traceback
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import optuna
from optuna.trial import TrialState

from tuner.data import Development
from tuner.data.raised import described
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
from tuner.learners.keras import networks, training
from tuner.learners.keras.networks.families import FAMILIES
from tuner.learners.keras.networks.outputs import choose
from tuner.learners.keras.networks.saving import check_saveable
from tuner.learners.keras.networks.target import loss_weight
from tuner.learners.keras.training.surroundings import restored_surroundings
from tuner.search import derive_seed, judging
from tuner.space import SearchSpace, Value
from tuner.spec import Role, StudySpec
from tuner.storage.attributes import enqueued_attrs
from tuner.storage.database import Database
from tuner.trials.checking import check_family, check_reported
from tuner.trials.checkpoints import TrialCheckpoints
from tuner.trials.reporting import Reporter

if TYPE_CHECKING:
    from tuner.learners.keras.training.structures import Structures

DEFAULT_EPOCHS = 50
DEFAULT_BATCH_SIZE = 32


@dataclass(frozen=True)
class Outcome:
    """How a trial ended.

    Attributes:
        state: The state that is stored, in lower case.
        values: The objective's value at the best epoch; none for a failed trial.
        reason: Why it did not run all its epochs; None if it did.
        was_refused: Whether it was never trained for a reason of its own, such as enqueued
            parameters that are not in the search space: this says nothing about the study.
    """

    state: Literal["complete", "pruned", "fail"]
    values: tuple[float, ...]
    reason: str | None
    was_refused: bool = False


def check_model(spec: StudySpec, data: Development) -> dict[str, Any] | None:
    """Makes sure that the model can be built and measures what the study asks for.

    Returns:
        The trivial predictor that the trials are compared with, see `tuner.data.trivial`; None
        if the metric is one that only the model itself can compute.

    Raises:
        MetricError: The model does not report the metric; lists those that it does.
        ModelError: A user's function does not return a compiled model.
        SpecError: The family does not read such data, or has no such output for the task.
    """
    if spec.model in FAMILIES:
        check_family(spec, data)
        metric = spec.objective.metric
        return _trivial_loss(spec, data) if metric == "loss" else trivial(data, metric)
    networks.load(spec.model, spec.base)
    with restored_surroundings():
        model = networks.build(spec.model, _example_params(spec), data, spec.base)
        available = networks.available_metrics(model, data, spec.base)
        check_reported(spec, data, available)
        if spec.training.saveable:
            check_saveable(model, spec.model, data, spec.base)
        known = networks.known_metric(model, spec.objective.metric)
    return None if known is None else trivial(data, known)


def _trivial_loss(spec: StudySpec, data: Development) -> dict[str, Any] | None:
    """The trivial predictor's loss; None if trials differ in what their loss is."""
    if any(name in spec.search_space.names() for name in ("loss", "output", "target_scaling")):
        return None
    params = {**FAMILIES[spec.model].parameters, **spec.fixed}
    _, loss = choose(data.task, str(params["output"]), str(params["loss"]))
    if data.task == "multiclass" and loss == "binary_crossentropy":
        return None  # one for each class on its own
    known = "crossentropy" if loss.endswith("crossentropy") else loss
    found = trivial(data, known, weighted=True)
    factor = loss_weight(data, str(params["target_scaling"]), loss)
    return found if found is None or factor is None else {**found, "value": found["value"] * factor}


def run_trial(
    trial: optuna.Trial,
    spec: StudySpec,
    data: Development,
    database: Database,
    structures: Structures,
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
        data: Its data.
        database: Where the trial's attributes are written.
        structures: Graphs of earlier trials, used again where the structure is the same.
        checkpoints: Where a trial that takes long is saved, see :mod:`tuner.storage.artifacts`.
        on_start: Called with the number of epochs that the trial may take.
        on_epoch: Called after each epoch (from 1) with the metric on the validation split.
        common: Parameters that all trials of the study have, see `common_params`.

    Raises:
        TunerError: The study cannot go on (all but a failure of this trial); the trial is
            still running.
        TrialLost: Another process runs the trial by now.
    """
    seed = derive_seed(spec.sampler.seed, trial.number)
    try:
        with database.together():
            role = _role(trial)
            params = {**(common or {}), **_suggest(trial, spec.search_space)}
            epochs = int(params.get("epochs", DEFAULT_EPOCHS))
            begun = {"seed": seed, "epochs_wanted": epochs, "role": role.value}
            database.write_attrs(trial._trial_id, begun)
    except TrialFailed as failure:
        return replace(_store_failure(trial, database, str(failure), [], None), was_refused=True)
    except (TunerError, optuna.exceptions.OptunaError):
        raise
    except Exception as error:  # noqa: BLE001 - samplers raise whatever they come across
        reason = f"the sampler {spec.sampler.name} failed: {_in_one_line(error, spec.base)}"
        return _store_failure(trial, database, reason, [], None)
    on_start(epochs)
    reporter = Reporter(trial, judging(spec), database, epochs, role)
    logged: list[Mapping[str, float]] = []

    kept = TrialCheckpoints(
        *(trial, database, reporter, checkpoints, spec.training.checkpoint),
        on_resumed=lambda state: logged.extend(state.logs),
    )

    def report(epoch: int, value: float, logs: Mapping[str, float]) -> str | None:
        logged.append(dict(logs))
        on_epoch(epoch, value)
        if not reporter.pruned(epoch, value):
            return None
        return f"{spec.objective.metric} {value:.4g} was not good enough for {spec.pruner.name}"

    try:
        networks.load(spec.model, spec.base)
        with restored_surroundings():
            _, result = training.train(
                lambda: networks.build(spec.model, params, data, spec.base),
                data,
                epochs=epochs,
                batch_size=int(params.get("batch_size", DEFAULT_BATCH_SIZE)),
                seed=seed,
                monitor=training.Monitor(spec.objective.metric, spec.objective.direction, report),
                early_stopping=spec.early_stopping if role.may_stop_early else None,
                loop=spec.training.loop,
                structures=structures,
                own_code=spec.model not in FAMILIES,
                checkpoints=kept,
            )
    except (TrialFailed, ModelError, MetricError) as failure:
        _show_traceback(failure)
        return _store_failure(trial, database, str(failure), logged, kept)
    except (TunerError, SupervisorGone, optuna.exceptions.OptunaError):
        raise
    except BaseException as error:  # noqa: BLE001 - a user's network raises what it wants
        return _store_failure(trial, database, _in_one_line(error, spec.base), logged, kept)
    attrs: dict[str, Any] = {"epoch": result.epoch, "epochs": result.epochs}
    if result.reason:
        attrs["reason"] = result.reason
    with database.together():
        database.require_own(trial._trial_id)
        reporter.flush()
        database.write_attrs(trial._trial_id, attrs)
        database.write_curves(trial._trial_id, logged)
        if result.state == "pruned":
            trial.study.tell(trial, state=TrialState.PRUNED)
        else:
            trial.study.tell(trial, result.value)
    kept.remove()
    return Outcome(result.state, (result.value,), result.reason)


def _role(trial: optuna.Trial) -> Role:
    """Returns why the trial exists.

    Raises:
        TrialFailed: It was enqueued with an attribute that tuner could not read.
    """
    try:
        return enqueued_attrs(trial.user_attrs).role
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


def _store_failure(
    trial: optuna.Trial,
    database: Database,
    reason: str,
    logged: Sequence[Mapping[str, float]],
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
    """The error as the trial's reason, with file and line of a person's own code."""
    _show_traceback(error)
    return described(error, base)


def _show_traceback(error: BaseException) -> None:
    """Prints a traceback with ``--debug``; the supervisor shows what a worker prints."""
    if debugging():
        traceback.print_exception(error)


def _example_params(spec: StudySpec) -> dict[str, Any]:
    """Parameters that the space allows: the first reference's, or any."""
    if spec.references:
        return {**spec.fixed, **spec.references[0].params}
    sampler = optuna.samplers.RandomSampler(seed=spec.sampler.seed)
    return {**spec.fixed, **spec.search_space.suggest(optuna.create_study(sampler=sampler).ask())}
