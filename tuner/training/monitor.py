"""What happens between two epochs, whatever loop runs them: best epoch, stopping, pruning, NaN.

Free of TensorFlow: a loop hands in each epoch's logs and obeys the verdict.

Terms:
    logs: name to value at the end of an epoch, as Keras has them: "loss", "val_loss",
        "accuracy", "val_accuracy"; the validation split's begin with ``val_``.
    better: greater when the direction is "maximize", else less.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

import numpy as np

from tuner.errors import MetricError, TrialFailed, TunerError
from tuner.models.families import check_metric
from tuner.training.results import FitResult

if TYPE_CHECKING:
    from tuner.spec import EarlyStopping

Direction = Literal["minimize", "maximize"]
OnEpoch = Callable[[int, float, Mapping[str, float]], str | None]


@dataclass(frozen=True)
class Monitor:
    """What is watched.

    Attributes:
        metric: The metric's name without ``val_``; it is read on the validation split.
        direction: "minimize" or "maximize".
        on_epoch: Called after each epoch with the 1-based epoch, the metric's value and all
            logs. A text that it returns ends the run as pruned and says why, to follow
            "pruned at epoch 3: ".
    """

    metric: str
    direction: Direction
    on_epoch: OnEpoch | None = None


@dataclass(frozen=True)
class Verdict:
    """What the loop has to do after an epoch.

    Attributes:
        improved: Keep these weights: the best so far.
        stop: Run no further epoch.
    """

    improved: bool
    stop: bool


@dataclass
class Course:
    """The course of one run.

    Errors are kept until ``result``, so that the loop ends properly first: Keras's
    ``on_train_end`` runs in the callbacks of a trial that failed, too.

    Attributes:
        monitor: What is watched.
        epochs: How many are wanted.
        early_stopping: Keras's rule, or None.
    """

    monitor: Monitor
    epochs: int
    early_stopping: EarlyStopping | None = None
    history: dict[str, list[float]] = field(default_factory=dict)
    _run: int = 0
    _best: float = math.nan
    _best_epoch: int = 0
    _patience_best: float | None = None
    _waited: int = 0
    _pruned: bool = False
    _reason: str | None = None
    _error: TunerError | None = None

    def observe(self, epoch: int, logs: Mapping[str, float]) -> Verdict:
        """Takes in one finished epoch.

        Args:
            epoch: 1-based.
            logs: This epoch's values.
        """
        self._run = epoch
        for name, number in logs.items():
            self.history.setdefault(name, []).append(float(number))
        self._error = self._missing(logs) or self._diverged(epoch, logs)
        if self._error is not None:
            return Verdict(improved=False, stop=True)

        value = float(logs[f"val_{self.monitor.metric}"])
        improved = self._best_epoch == 0 or self._better(value, self._best)
        if improved:
            self._best, self._best_epoch = value, epoch
        exhausted = self._out_of_patience(epoch, value)
        pruned = self.monitor.on_epoch(epoch, value, logs) if self.monitor.on_epoch else None
        if exhausted:
            self._reason = exhausted
        elif pruned is not None and epoch < self.epochs:
            # After the last epoch there is nothing left to save: the trial is complete.
            self._pruned, self._reason = True, f"pruned at epoch {epoch}: {pruned}"
        return Verdict(improved, stop=self._reason is not None or epoch >= self.epochs)

    def result(self) -> FitResult:
        """What the run ended with; to be called once, after the loop.

        Raises:
            MetricError: The metric was not among the logs.
            TrialFailed: The loss or the metric was NaN or infinite, or no epoch was run.
        """
        if self._error is not None:
            raise self._error
        if self._best_epoch == 0:
            raise TrialFailed("no epoch was run: a callback stopped the training before the first")
        reason = self._reason
        if reason is None and self._run < self.epochs:
            reason = f"stopped at epoch {self._run} by a callback of the model's own"
        return FitResult(
            state="pruned" if self._pruned else "complete",
            value=self._best,
            epoch=self._best_epoch,
            epochs=self._run,
            reason=reason,
            history=self.history,
        )

    def _missing(self, logs: Mapping[str, float]) -> MetricError | None:
        if logs.get(f"val_{self.monitor.metric}") is not None:
            return None
        available = [n.removeprefix("val_") for n in logs if n.startswith("val_")]
        try:
            check_metric(self.monitor.metric, available)
        except MetricError as error:
            return error
        return MetricError(f"val_{self.monitor.metric} has no value")

    def _diverged(self, epoch: int, logs: Mapping[str, float]) -> TrialFailed | None:
        return diverged(epoch, logs, (f"val_{self.monitor.metric}", "val_loss", "loss"))

    def _better(self, value: float, other: float, by: float = 0.0) -> bool:
        # In float32, as Keras compares: 0.951 is not better than 0.95 by more than 0.001.
        if self.monitor.direction == "maximize":
            return bool(np.float32(value - by) > np.float32(other))
        return bool(np.float32(value + by) < np.float32(other))

    def _out_of_patience(self, epoch: int, value: float) -> str | None:
        """The rule of ``keras.callbacks.EarlyStopping`` (3.15), so that its settings mean the same.

        Returns:
            Why to stop, or None to go on.
        """
        rule = self.early_stopping
        if rule is None or epoch <= rule.start_from_epoch:
            return None
        best = self._patience_best
        if best is None or self._better(value, best, by=abs(rule.min_delta)):
            self._patience_best, self._waited = value, 0
            return None
        self._waited += 1
        if self._waited < rule.patience or epoch == 1:
            return None
        better = f"no better val_{self.monitor.metric}"
        if rule.min_delta:
            better += f" (by more than {abs(rule.min_delta):g})"
        return f"early stopping: {better} for {self._waited} epoch{'s' * (self._waited != 1)}"


def diverged(
    epoch: int, logs: Mapping[str, float], names: tuple[str, ...] = ("loss",)
) -> TrialFailed | None:
    """The failure of an epoch whose numbers are no longer finite, or None.

    Args:
        epoch: 1-based.
        logs: The epoch's values.
        names: Which of them must be finite; the first that is not is named.
    """
    for name in names:
        value = logs.get(name)
        if value is not None and not math.isfinite(value):
            what = "NaN" if math.isnan(value) else "infinite"
            return TrialFailed(
                f"{name} is {what} at epoch {epoch}: the training diverged; "
                "a lower learning_rate is the usual cure"
            )
    return None
