"""Fits a candidate and compares it: by the validation split, or by the rows that folds hold out.

Terms:
    candidate: a learner, its parameters, and a seed.
    step: of a trial without folds a step of its learner, of one with folds a fold.
"""

from __future__ import annotations

import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from optuna.exceptions import OptunaError

from tuner import scoring
from tuner.costs import COSTS, TRAIN_S
from tuner.data import Development
from tuner.data.raised import described
from tuner.errors import MetricError, ModelError, SupervisorGone, TrialFailed, TunerError
from tuner.learners.base import Fitted, Learner
from tuner.learners.checks import absent_metric
from tuner.learners.fit_result import FitResult
from tuner.learners.saved import pack_model
from tuner.learners.watch import Checkpoints, Logs, OnStep, Score, Watch
from tuner.search import derive_seed
from tuner.space import Value
from tuner.spec import EarlyStopping, Goal, Objective
from tuner.trials.fitted_folds import FittedFold, pack, unpack
from tuner.trials.folding import Folds
from tuner.trials.measuring import cost_names, finite, logged_or_scored, model_costs

Report = Callable[[int, float], str | None]
"""Called after each step (from 1) with the metric; returns why the trial ends there, or None."""


@dataclass(frozen=True)
class Plan:
    """What is to be fitted, and how.

    Attributes:
        learner: Of the candidate.
        params: Of the candidate.
        seed: The trial's.
        folds: Of the study.
        objective: Of the study.
        early_stopping: When a fit stops by itself, or None.
        report: See :data:`Report`.
        checkpoints: The trial's.
        keep: Whether a complete trial leaves its models.
        base: Folder of the study file, for error texts.
        goals: The further objectives of the study.
    """

    learner: Learner
    params: Mapping[str, Value]
    seed: int
    folds: Folds
    objective: Objective
    early_stopping: EarlyStopping | None
    report: Report
    checkpoints: Checkpoints
    keep: bool
    base: Path
    goals: tuple[Goal, ...] = ()

    def watch(
        self,
        data: Development,
        on_step: OnStep | None = None,
        checkpoints: Checkpoints | None = None,
    ) -> Watch:
        """Returns what watches a fit on these data."""
        return Watch(
            self.learner.steps(self.params),
            self.objective.metric,
            self.objective.direction,
            early_stopping=self.early_stopping,
            on_step=on_step,
            score=_score(self.objective.metric, self.learner, data),
            checkpoints=checkpoints,
            word=self.learner.step_word,
        )

    def fitted(
        self, fitted: Fitted, watch: Watch, data: Development, fit_s: float, *, timed: bool
    ) -> FittedFold:
        """Returns what a model has given.

        Args:
            fitted: The model.
            watch: What watched the fit.
            data: Whose validation rows are held out.
            fit_s: Seconds that the fit took.
            timed: Whether the model predicts a second time, to say how long that takes.

        Raises:
            TrialFailed: It predicts no numbers, or the fit has failed.
            ModelError: It cannot be saved.
        """
        result = watch.result()
        began = time.perf_counter()
        predictions = _predictions(fitted, data)
        fit_s += time.perf_counter() - began  # a model may be completed by its first prediction
        predict_s = None
        if timed:
            began = time.perf_counter()
            fitted.predict(data.validation.x)
            predict_s = time.perf_counter() - began
        model = pack_model(fitted, self.learner, self.params) if self.keep else None
        costs = self.costs(fitted, data)
        assert result.value is not None  # the watch is not blind
        logs = watch.logs[result.epoch - 1]
        one = (result.value, result.epoch, result.reason, logs)
        return FittedFold(*one, predictions, fit_s, predict_s, model, costs)

    def costs(self, fitted: Fitted, data: Development) -> dict[str, float]:
        """Returns what a model costs, as far as the goals ask for it; see `model_costs`."""
        return model_costs(cost_names(self.goals), fitted, self.learner, self.params, data)

    def scores(self) -> list[str]:
        """Returns the metrics of the goals that are no costs."""
        return [goal.metric for goal in self.goals if goal.metric not in COSTS]


class Validating(ABC):
    """Fits a candidate once.

    Attributes:
        logs: What is stored as the trial's curves: what each step so far has logged.
        fitted: What the models have given: of those that are kept, or of folds.
        measured: The metrics of the goals, once the candidate is fitted; of a pruned trial, whose
            scores are not final, the costs only.
    """

    def __init__(self, plan: Plan) -> None:
        """Prepares; nothing is fitted."""
        self.plan = plan
        self.fitted: list[FittedFold] = []
        self.measured: dict[str, float] = {}

    @property
    @abstractmethod
    def logs(self) -> Sequence[Logs]:
        """See the class."""

    @abstractmethod
    def run(self) -> FitResult:
        """Fits.

        Returns:
            ``epoch`` is the best step of the learner, ``epochs`` the number of steps of the trial.

        Raises:
            TrialFailed: The candidate cannot be fitted.
            MetricError: The objective's metric cannot be computed.
            ModelError: A model cannot be built or saved.
        """


class HoldOut(Validating):
    """Compares by the validation split."""

    def __init__(self, plan: Plan) -> None:
        """Prepares; nothing is fitted."""
        super().__init__(plan)
        self._watch = plan.watch(plan.folds[0], self._report, plan.checkpoints)
        self._n_steps = 0  # those of an earlier attempt at the trial are not counted

    @property
    def logs(self) -> Sequence[Logs]:
        return self._watch.logs

    def run(self) -> FitResult:
        plan, data = self.plan, self.plan.folds[0]
        began = time.perf_counter()
        fitted = plan.learner.fit(plan.params, data, plan.seed, self._watch)
        seconds = time.perf_counter() - began
        result = self._watch.result()
        if plan.keep and result.state == "complete":
            self.fitted = [plan.fitted(fitted, self._watch, data, seconds, timed=True)]
        if plan.goals:
            self.measured = self._measured(fitted, data, seconds, result)
        return result

    def _report(self, step: int, value: float, _logs: Logs) -> str | None:
        self._n_steps += 1
        return self.plan.report(step, value)

    def _measured(
        self, fitted: Fitted, data: Development, seconds: float, result: FitResult
    ) -> dict[str, float]:
        # Steps of an earlier attempt took as long as those that were run here.
        whole = seconds * len(self._watch.logs) / max(self._n_steps, 1)
        found = {**self.plan.costs(fitted, data), TRAIN_S: whole}
        if result.state == "complete" and (names := self.plan.scores()):
            logs = self._watch.logs[result.epoch - 1]
            predictions = _predictions(fitted, data)
            for name in names:
                y = data.validation.y
                found[name] = logged_or_scored(name, logs, data.task, y, predictions)
        return _wanted(found, self.plan.goals)


class CrossValidation(Validating):
    """Compares by the out-of-fold predictions: those of each fold's model for its held-out rows."""

    @property
    def logs(self) -> Sequence[Logs]:
        return [fold.logs for fold in self.fitted]

    def run(self) -> FitResult:
        plan, n = self.plan, len(self.plan.folds)
        begun_with = {"seed": plan.seed, "folds": n, "keep": plan.keep}
        self.fitted = (
            plan.checkpoints.load(lambda content: _resumed(unpack(content, begun_with))) or []
        )
        size = plan.folds.batch if plan.learner.batches_folds else 1
        pruned = None
        while len(self.fitted) < n and pruned is None:
            pruned = self._fit(range(len(self.fitted), len(self.fitted) + size))
            done = len(self.fitted)
            if pruned is None and done < n and plan.checkpoints.due():
                plan.checkpoints.save(done, lambda: pack(self.fitted, begun_with))
        done = len(self.fitted)
        if plan.goals:
            self.measured = self._measured(is_complete=pruned is None)
        return FitResult(
            state="complete" if pruned is None else "pruned",
            value=self._value(),
            epoch=max(1, round(float(np.mean([fold.epoch for fold in self.fitted])))),
            epochs=done,
            reason=self._reason() if pruned is None else f"pruned at fold {done}: {pruned}",
        )

    def _fit(self, numbers: range) -> str | None:
        """Fits some folds; returns why the trial ends after them, or None."""
        plan, n = self.plan, len(self.plan.folds)
        data = [plan.folds[number] for number in numbers]
        watches = [plan.watch(fold) for fold in data]
        seeds = [derive_seed(plan.seed, number) for number in numbers]
        began = time.perf_counter()
        with self._named(numbers):
            fitted = plan.learner.fit_folds(plan.params, data, seeds, watches)
        seconds = (time.perf_counter() - began) / len(numbers)
        ends = None
        for number, model, watch, fold in zip(numbers, fitted, watches, data, strict=True):
            with self._named(range(number, number + 1)):
                timed = plan.keep and not self.fitted
                self.fitted.append(plan.fitted(model, watch, fold, seconds, timed=timed))
                value = self._value()
            ends = plan.report(number + 1, value)
        return ends if numbers.stop < n else None

    def _measured(self, *, is_complete: bool) -> dict[str, float]:
        """Returns the metrics of the goals: costs of one model, but the seconds of all fits."""
        folds = self.fitted
        found = {TRAIN_S: sum(fold.fit_s for fold in folds)}
        for name in folds[0].costs:
            found[name] = float(np.mean([fold.costs[name] for fold in folds]))
        if is_complete:
            for name in self.plan.scores():
                found[name] = finite(name, self._pooled(name, partial(_logged, name)))
        return _wanted(found, self.plan.goals)

    def _value(self) -> float:
        """Returns the objective's metric of the rows that were held out so far.

        Raises:
            TrialFailed: It is not finite.
        """
        metric = self.plan.objective.metric
        value = self._pooled(metric, lambda fold: fold.value)
        if not np.isfinite(value):
            raise TrialFailed(f"{metric} of the rows that were held out so far is {value}")
        return value

    def _pooled(self, metric: str, of_fold: Callable[[FittedFold], float]) -> float:
        """Returns a metric of the rows that were held out so far.

        It is that of all out-of-fold predictions together. A metric that only the learner can
        measure is the mean of what the folds have, each as much as it holds out.
        """
        plan = self.plan
        task = plan.folds.data.task
        if not scoring.is_computable(metric, task):
            held_out = [len(plan.folds.positions[k][1]) for k in range(len(self.fitted))]
            return float(np.average([of_fold(fold) for fold in self.fitted], weights=held_out))
        pooled = plan.folds.pooled([fold.predictions for fold in self.fitted])
        known = ~np.isnan(pooled).reshape(len(pooled), -1).any(axis=1)
        y = plan.folds.rows.y[known]
        return scoring.score([metric], task, y, pooled[known])[metric]

    def _reason(self) -> str | None:
        reasons = [fold.reason for fold in self.fitted if fold.reason]
        return f"in {len(reasons)} of {len(self.fitted)} folds: {reasons[0]}" if reasons else None

    @contextmanager
    def _named(self, numbers: range) -> Iterator[None]:
        """Names the fold, or the folds, in whatever is raised of fitting it."""
        n = len(self.plan.folds)
        which = f"fold {numbers.stop} of {n}"
        if len(numbers) > 1:
            which = f"folds {numbers.start + 1} to {numbers.stop} of {n}"
        try:
            yield
        except (TrialFailed, ModelError, MetricError) as failure:
            raise TrialFailed(f"{which}: {failure}") from failure
        except (TunerError, SupervisorGone, OptunaError):
            raise
        except BaseException as error:
            raise TrialFailed(f"{which}: {described(error, self.plan.base)}") from error


def _wanted(found: Mapping[str, float], goals: Sequence[Goal]) -> dict[str, float]:
    """Returns what was measured of the goals, in their order."""
    return {goal.metric: found[goal.metric] for goal in goals if goal.metric in found}


def _logged(metric: str, fold: FittedFold) -> float:
    """Returns what the learner logged at a fold's best step.

    Raises:
        MetricError: It did not log the metric.
    """
    value = fold.logs.get(f"val_{metric}")
    if value is None:
        names = [name.removeprefix("val_") for name in fold.logs if name.startswith("val_")]
        raise absent_metric(metric, names, where=f"objective.{metric}")
    return float(value)


def _resumed(folds: list[FittedFold]) -> tuple[int, list[FittedFold]]:
    return len(folds), folds


def _predictions(fitted: Fitted, data: Development) -> NDArray[np.floating]:
    """Returns predictions for the held-out rows.

    Raises:
        TrialFailed: They are no numbers.
    """
    predictions = np.asarray(fitted.predict(data.validation.x))
    if predictions.ndim == 2 and predictions.shape[1] == 1:
        predictions = predictions[:, 0]
    if not np.isfinite(predictions).all():
        raise TrialFailed("predictions for the held-out rows are NaN or infinite")
    return predictions


def _score(metric: str, learner: Learner, data: Development) -> Score | None:
    """Returns what computes the objective's metric from predictions for the validation rows.

    Returns:
        None if only the learner can measure it.
    """
    y, task = data.validation.y, data.task
    if metric in (learner.metrics(task) or ()) or not scoring.is_computable(metric, task):
        return None
    return lambda predictions: scoring.score([metric], task, y, predictions)[metric]


def validating(plan: Plan) -> Validating:
    """Returns what fits the candidate as its study compares trials."""
    return HoldOut(plan) if len(plan.folds) == 1 else CrossValidation(plan)
