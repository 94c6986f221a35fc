"""What happens between two steps, whatever runs them: best step, stopping, pruning, NaN.

Free of any library that fits: a learner reports each step and obeys the verdict.

Terms:
    logs: name to value at the end of a step, as Keras has them: "loss", "val_loss",
        "accuracy", "val_accuracy"; the validation split's begin with ``val_``.
    better: greater when the direction is "maximize", else less.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from tuner.errors import MetricError, TrialFailed, TunerError
from tuner.learners.checks import absent_metric
from tuner.learners.fit_result import FitResult
from tuner.learners.patience import Patience, is_better
from tuner.spec.models import Direction
from tuner.units import count_plain

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from tuner.spec import EarlyStopping

Logs = Mapping[str, Any]
"""Name to number, or to None for what a step did not log."""
OnStep = Callable[[int, float, Logs], str | None]
Predict = Callable[[], "NDArray[Any]"]
Score = Callable[["NDArray[Any]"], float]
S = TypeVar("S")


class UnusableCheckpoint(Exception):
    """A trial cannot be resumed from these bytes; the text says why."""


class Checkpoints(Protocol):
    """Keeps the saved state of one trial, whose content only the learner knows."""

    def load(self, read: Callable[[bytes], tuple[int, S]]) -> S | None:
        """Returns the state in the last checkpoint; None if there is none to resume from.

        Args:
            read: Returns the step after which the state was saved, and the state. It raises
                :class:`UnusableCheckpoint` if the trial cannot be resumed from it.
        """

    def due(self) -> bool:
        """Returns whether it is time to save."""

    def save(self, step: int, pack: Callable[[], bytes]) -> None:
        """Keeps the state after a step in place of the last one."""


@dataclass(frozen=True)
class Verdict:
    """What a learner has to do after a step.

    Attributes:
        improved: Keep this model: the best so far.
        stop: Run no further step.
    """

    improved: bool
    stop: bool


class Watch:
    """Watches one fit: each step into ``observe``, then once ``result``.

    Errors are kept until ``result``, so that the fit ends properly first: Keras's
    ``on_train_end`` runs in the callbacks of a trial that failed, too.

    Attributes:
        metric: Name without ``val_`` of what is watched on the validation split; None if nothing
            is held out: then all steps are run, and the last one counts.
        direction: "minimize" or "maximize".
        steps: How many are wanted.
        checkpoints: Where a learner that can be resumed saves its state, or None.
        loop: What the learner says of how it runs its steps, where there are several ways:
            ``"resident"`` or ``"fit"``; else empty.
        logs: What each step so far logged, those of an earlier attempt included; without a step
            that diverged. Nothing of a step that was not scored.
    """

    _error: TunerError | None

    def __init__(
        self,
        steps: int,
        metric: str | None = None,
        direction: Direction = "minimize",
        *,
        early_stopping: EarlyStopping | None = None,
        on_step: OnStep | None = None,
        score: Score | None = None,
        checkpoints: Checkpoints | None = None,
        word: str = "epoch",
    ) -> None:
        """Prepares; no step has been run.

        Args:
            steps: See above.
            metric: See above.
            direction: See above.
            early_stopping: The study's rule, or None.
            on_step: Called after each step with the 1-based step, the metric's value and all
                logs. A text that it returns ends the run as pruned and says why, to follow
                "pruned at epoch 3: ".
            score: Computes the metric from predictions for the validation rows, or raises
                ``MetricError``. It is used where the learner does not log the metric itself.
            checkpoints: See above.
            word: What people call a step.
        """
        self.metric = metric
        self.direction = direction
        self.steps = steps
        self.checkpoints = checkpoints
        self.loop = ""
        self._early_stopping = early_stopping
        self._on_step = on_step
        self._score = score
        self._word = word
        self._watched = f"val_{metric}"
        self._begin()

    @property
    def is_blind(self) -> bool:
        """Whether nothing is held out and watched."""
        return self.metric is None

    def observe(self, step: int, logs: Logs, predict: Predict | None = None) -> Verdict:
        """Records one finished step.

        Args:
            step: 1, 2, 3 …, as often as it is called.
            logs: This step's values.
            predict: Returns predictions for the validation rows, as ``Fitted.predict`` does. It
                is called only if the metric is to be computed from them.
        """
        logs = dict(logs)
        undefined: MetricError | None = None
        if self._score and predict and logs.get(self._watched) is None:
            try:
                logs[self._watched] = self._score(predict())
            except MetricError as error:
                undefined = error
        return self._observe(step, logs, self._on_step, undefined)

    def skip(self, step: int) -> None:
        """Records a finished step that has not been scored: it cannot be the best, nor the last.

        Args:
            step: As in ``observe``.
        """
        self._error = self._error or self._skipped(step)
        self.logs.append({})

    def replay(self, logs: Sequence[Logs]) -> bool:
        """Starts over with the steps of an earlier attempt, for which ``on_step`` was called then.

        Returns:
            False if the fit would have ended with one of them; then no step has been run.
        """
        self._begin()
        for step, one in enumerate(logs, start=1):
            if self._observe(step, one, None).stop:
                self._begin()
                return False
        return True

    def result(self) -> FitResult:
        """Returns what the fit ended with.

        Raises:
            MetricError: The metric was not among the logs.
            TrialFailed: The loss or the metric was NaN or infinite, or no step was run.
        """
        if self._error is not None:
            raise self._error
        if self._best is None:
            raise TrialFailed(
                f"no {self._word} was run: a callback stopped the training before the first"
            )
        run, reason = len(self.logs), self._reason
        if reason is None and run < self.steps:
            reason = f"stopped at {self._word} {run} by a callback of the model's own"
        return FitResult(
            state="pruned" if self._pruned else "complete",
            value=self._best[1],
            epoch=self._best[0],
            epochs=run,
            reason=reason,
            history=self._history(),
        )

    def _begin(self) -> None:
        self.logs: list[Logs] = []
        self._patience = Patience(self._early_stopping, self.direction)
        self._best: tuple[int, float | None] | None = None
        self._pruned = False
        self._reason: str | None = None
        self._error = None

    def _observe(
        self,
        step: int,
        logs: Logs,
        on_step: OnStep | None,
        undefined: MetricError | None = None,
    ) -> Verdict:
        watched = ("loss",) if self.is_blind else (self._watched, "val_loss", "loss")
        self._error = (
            self._skipped(step)
            or undefined
            or self._absent(logs)
            or diverged(step, logs, watched, self._word)
        )
        if self._error is not None:
            return Verdict(improved=False, stop=True)
        self.logs.append(logs)
        if self.is_blind:
            self._best = (step, None)
            return Verdict(improved=False, stop=step >= self.steps)
        value = float(logs[self._watched])
        best = self._best[1] if self._best else None
        improved = best is None or is_better(value, best, self.direction)
        if improved:
            self._best = (step, value)
        waited = self._patience.exhausted_after(step, value)
        pruned = on_step(step, value, logs) if on_step else None
        if step < self.steps:  # after the last there is nothing left to save
            self._end(step, waited, pruned)
        return Verdict(improved, stop=step >= self.steps or self._reason is not None)

    def _end(self, step: int, waited: int | None, pruned: str | None) -> None:
        """Records why the run ends here, if it does; early stopping goes before pruning."""
        if waited is not None:
            delta = self._early_stopping.min_delta if self._early_stopping else 0.0
            by = f" (by more than {delta:g})" if delta else ""
            steps = count_plain(waited, self._word)
            self._reason = f"early stopping: no better {self._watched}{by} for {steps}"
        elif pruned is not None:
            self._pruned, self._reason = True, f"pruned at {self._word} {step}: {pruned}"

    def _skipped(self, step: int) -> TrialFailed | None:
        due = len(self.logs) + 1
        if step == due:
            return None
        return TrialFailed(
            f"{self._word} {step} was reported where {self._word} {due} is due: fit must call "
            "watch.observe with 1, 2, 3 …"
        )

    def _absent(self, logs: Logs) -> MetricError | None:
        if self.is_blind or logs.get(self._watched) is not None:
            return None
        measured = [n for n, value in logs.items() if value is not None and n.startswith("val_")]
        return absent_metric(str(self.metric), [n.removeprefix("val_") for n in measured])

    def _history(self) -> dict[str, list[float]]:
        history: dict[str, list[float]] = {}
        for logs in self.logs:
            for name, number in logs.items():
                if number is not None:
                    history.setdefault(name, []).append(float(number))
        return history


def diverged(
    step: int, logs: Logs, names: tuple[str, ...] = ("loss",), word: str = "epoch"
) -> TrialFailed | None:
    """Returns the failure of a step whose numbers are no longer finite, or None.

    Args:
        step: 1-based.
        logs: The step's values.
        names: Which of them must be finite; the first that is not is named.
        word: What people call a step.
    """
    for name in names:
        value = logs.get(name)
        if value is not None and not math.isfinite(value):
            what = "NaN" if math.isnan(value) else "infinite"
            return TrialFailed(
                f"{name} is {what} at {word} {step}: the training diverged; "
                "a lower learning_rate is the usual cure"
            )
    return None
