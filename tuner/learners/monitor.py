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
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tuner.errors import MetricError, TrialFailed, TunerError
from tuner.learners.fit_result import FitResult
from tuner.learners.keras.networks.families import absent_metric
from tuner.learners.patience import Direction, Patience, is_better

if TYPE_CHECKING:
    from tuner.spec import EarlyStopping

OnEpoch = Callable[[int, float, Mapping[str, Any]], str | None]


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


class Course:
    """The course of one run: epoch by epoch into ``observe``, then once ``result``.

    Errors are kept until ``result``, so that the loop ends properly first: Keras's
    ``on_train_end`` runs in the callbacks of a trial that failed, too.

    Attributes:
        monitor: What is watched.
        epochs: How many are wanted.
        history: Log name to its value at each epoch so far.
    """

    def __init__(
        self, monitor: Monitor, epochs: int, early_stopping: EarlyStopping | None = None
    ) -> None:
        self.monitor = monitor
        self.epochs = epochs
        self.history: dict[str, list[float]] = {}
        self._watched = f"val_{monitor.metric}"
        self._patience = Patience(early_stopping, monitor.direction)
        self._min_delta = early_stopping.min_delta if early_stopping else 0.0
        self._run = 0
        self._best: tuple[int, float] | None = None
        self._pruned = False
        self._reason: str | None = None
        self._error: TunerError | None = None

    def observe(self, epoch: int, logs: Mapping[str, Any], *, again: bool = False) -> Verdict:
        """Takes in one finished epoch.

        Args:
            epoch: 1-based.
            logs: This epoch's values.
            again: An earlier attempt ran it: the monitor's hook has heard of it.
        """
        self._run = epoch
        for name, number in logs.items():
            if number is not None:
                self.history.setdefault(name, []).append(float(number))
        self._error = self._absent(logs) or diverged(
            epoch, logs, (self._watched, "val_loss", "loss")
        )
        if self._error is not None:
            return Verdict(improved=False, stop=True)

        value = float(logs[self._watched])
        improved = self._best is None or is_better(value, self._best[1], self.monitor.direction)
        if improved:
            self._best = (epoch, value)
        waited = self._patience.exhausted_after(epoch, value)
        hook = None if again else self.monitor.on_epoch
        pruned = hook(epoch, value, logs) if hook else None
        if epoch < self.epochs:  # after the last there is nothing left to save
            self._end(epoch, waited, pruned)
        return Verdict(improved, stop=epoch >= self.epochs or self._reason is not None)

    def result(self) -> FitResult:
        """Returns what the run ended with.

        Raises:
            MetricError: The metric was not among the logs.
            TrialFailed: The loss or the metric was NaN or infinite, or no epoch was run.
        """
        if self._error is not None:
            raise self._error
        if self._best is None:
            raise TrialFailed("no epoch was run: a callback stopped the training before the first")
        reason = self._reason
        if reason is None and self._run < self.epochs:
            reason = f"stopped at epoch {self._run} by a callback of the model's own"
        return FitResult(
            state="pruned" if self._pruned else "complete",
            value=self._best[1],
            epoch=self._best[0],
            epochs=self._run,
            reason=reason,
            history=self.history,
        )

    def _end(self, epoch: int, waited: int | None, pruned: str | None) -> None:
        """Notes why the run ends here, if it does; a run that has settled is not pruned."""
        if waited is not None:
            by = f" (by more than {self._min_delta:g})" if self._min_delta else ""
            self._reason = (
                f"early stopping: no better {self._watched}{by} "
                f"for {waited} epoch{'' if waited == 1 else 's'}"
            )
        elif pruned is not None:
            self._pruned, self._reason = True, f"pruned at epoch {epoch}: {pruned}"

    def _absent(self, logs: Mapping[str, float]) -> MetricError | None:
        if logs.get(self._watched) is not None:
            return None
        measured = [n for n, value in logs.items() if value is not None and n.startswith("val_")]
        return absent_metric(self.monitor.metric, [n.removeprefix("val_") for n in measured])


def diverged(
    epoch: int, logs: Mapping[str, float], names: tuple[str, ...] = ("loss",)
) -> TrialFailed | None:
    """Returns the failure of an epoch whose numbers are no longer finite, or None.

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
