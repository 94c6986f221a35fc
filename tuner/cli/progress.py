"""Shows a run while it lasts: a live display in a terminal, plain lines elsewhere."""

from __future__ import annotations

import re
import time
from dataclasses import dataclass

from rich.console import Console, Group
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from tuner.spec.models import Objective
from tuner.units import count, duration, figure
from tuner.wording import one_line, printable
from tuner.workers.observer import Observer

_COLOUR = re.compile(r"\x1b\[[0-9;]*m")


def print_line(console: Console, text: str, style: str | None = None) -> None:
    """Prints one line of progress; what it holds may come from a person's code or the database.

    Colours that a worker's output brings along are left out, other control characters escaped.
    """
    plain = printable(_COLOUR.sub("", text)).replace("\n", r"\n")
    console.print(plain, style=style, markup=False, highlight=False, soft_wrap=style is None)


@dataclass
class Best:
    """The best complete trial of a study; the slots of a worker that run one study share it.

    Attributes:
        trial: Its number and value; None before the first.
    """

    trial: tuple[int, float] | None = None


class _Tally:
    """What both displays count: finished trials, the best, running trials, time left."""

    def __init__(
        self, objective: Objective, best: Best | None = None, ends: float | None = None
    ) -> None:
        self._objective = objective
        self._best = best or Best()
        self.ends = ends
        self.total = 0
        self.done_before = 0
        self.done = 0
        self.pruned = 0
        self.failed = 0
        self.violating: set[int] = set()
        self.running: dict[int, tuple[int, int, float | None]] = {}
        self._since = time.monotonic()

    @property
    def best(self) -> tuple[int, float] | None:
        return self._best.trial

    def begin(self, done: int, total: int, best: tuple[int, float] | None) -> None:
        self.done = self.done_before = done
        self.total = total
        self._best.trial = best
        self._since = time.monotonic()

    def finish(self, number: int, state: str, value: float | None) -> None:
        self.running.pop(number, None)
        if number in self.violating:
            return
        self.failed += state == "fail"
        self.pruned += state == "pruned"
        if state != "complete" or value is None:
            return
        if self.best is None or self._objective.better(value, self.best[1]):
            self._best.trial = (number, value)

    def progress(self) -> str:
        """How many trials are done, of how many if they decide when the run ends."""
        return f"{self.done}" if self.ends is not None else f"{self.done}/{self.total}"

    def share(self) -> tuple[float, float]:
        """How much of the run is done, and of how much: of the time if that decides."""
        if self.ends is None:
            return self.done, max(self.total, 1)
        whole = max(self.ends - self._since, 1e-3)
        return min(time.monotonic() - self._since, whole), whole

    def left(self) -> str:
        """Time left: to the end that the run has, or from its pace so far."""
        if self.ends is not None:
            return f"{duration(max(self.ends - time.monotonic(), 0))} left"
        made = self.done - self.done_before
        if not made or self.done >= self.total:
            return ""
        seconds = (time.monotonic() - self._since) / made * (self.total - self.done)
        return f"about {duration(max(seconds, 1))} left"

    def best_text(self) -> str:
        if self.best is None:
            return ""
        number, value = self.best
        return f"best {self._objective.metric} {figure(value)} (trial {number})"


class LiveProgress(Observer):
    """A bar, the best so far and the running trials, redrawn in place."""

    def __init__(
        self,
        console: Console,
        objective: Objective,
        step_word: str = "epoch",
        ends: float | None = None,
    ) -> None:
        """Prepares; nothing is shown yet.

        Args:
            console: Where to show the run.
            objective: Of the study.
            step_word: What a step of its learner is called, such as "iteration".
            ends: When the run ends, by `time.monotonic`; None if its trials decide that.
        """
        self._console = console
        self._metric = objective.metric
        self._step_word = step_word
        self._tally = _Tally(objective, ends=ends)
        self._live = Live(console=console, refresh_per_second=8, transient=True)

    def started(
        self, title: str, done: int, total: int, workers: int, best: tuple[int, float] | None
    ) -> None:
        self._tally.begin(done, total, best)
        print_line(self._console, _beginning(title, self._tally, workers))
        self._live.start()

    def counted(self, done: int) -> None:
        self._tally.done = done

    def trial_started(self, number: int, epochs: int) -> None:
        self._tally.running[number] = (0, epochs, None)

    def epoch_done(self, number: int, epoch: int, value: float) -> None:
        _, epochs, _ = self._tally.running.get(number, (0, epoch, None))
        self._tally.running[number] = (epoch, epochs, value)

    def trial_violates(self, number: int, violation: str) -> None:
        self._tally.violating.add(number)
        self.note(f"trial {number} cannot win: {violation}")

    def trial_finished(
        self, number: int, state: str, values: tuple[float, ...], reason: str | None
    ) -> None:
        self._tally.finish(number, state, _only(values))
        if state == "fail":
            self.note(f"trial {number} failed: {reason}")

    def trial_returned(self, number: int, reason: str) -> None:
        self._tally.running.pop(number, None)
        self.note(f"trial {number} goes back to the queue: {reason}")

    def trial_lost(self, number: int, reason: str) -> None:
        self._tally.running.pop(number, None)
        self.note(f"trial {number} is not run here any more: {reason}")

    def note(self, text: str) -> None:
        print_line(self._console, text, style="dim")

    def tick(self) -> None:
        if self._live.is_started:
            self._live.update(self._picture())

    def close(self) -> None:
        self._live.stop()

    def _picture(self) -> Group:
        tally = self._tally
        done, whole = tally.share()
        head = Table.grid(padding=(0, 2))
        head.add_row(
            ProgressBar(total=whole, completed=done, width=30),
            f"{tally.progress()} {'trial' if tally.progress() == '1' else 'trials'}",
            f"{tally.pruned} pruned, {tally.failed} failed",
            tally.left(),
        )
        metric = one_line(self._metric)
        lines = [Text(one_line(tally.best_text()))] if tally.best else []
        for number, (epoch, epochs, value) in sorted(tally.running.items()):
            shown = "" if value is None else f"  {metric} {figure(value)}"
            progress = f"{self._step_word} {epoch} of {epochs}"
            lines.append(Text(f"  trial {number}  {progress}{shown}", style="dim"))
        return Group(head, *lines)


class PlainProgress(Observer):
    """One line for each trial that ends; for logs and pipes."""

    def __init__(
        self,
        console: Console,
        objective: Objective,
        best: Best | None = None,
        ends: float | None = None,
    ) -> None:
        self._console = console
        self._metric = objective.metric
        self._tally = _Tally(objective, best, ends)

    def started(
        self, title: str, done: int, total: int, workers: int, best: tuple[int, float] | None
    ) -> None:
        self._tally.begin(done, total, best)
        self.note(_beginning(title, self._tally, workers))

    def counted(self, done: int) -> None:
        self._tally.done = done

    def trial_started(self, number: int, epochs: int) -> None:
        self._tally.running[number] = (0, epochs, None)

    def epoch_done(self, number: int, epoch: int, value: float) -> None:
        """Nothing: an epoch is not worth a line."""

    def trial_violates(self, number: int, violation: str) -> None:
        self._tally.violating.add(number)
        self.note(f"trial {number} cannot win: {violation}")

    def trial_finished(
        self, number: int, state: str, values: tuple[float, ...], reason: str | None
    ) -> None:
        tally, value = self._tally, _only(values)
        tally.finish(number, state, value)
        shown = "" if value is None else f" {self._metric} {figure(value)}"
        why = f" ({reason})" if reason and state != "complete" else ""  # that is in `trials`
        parts = [tally.best_text(), tally.left()]
        rest = "".join(f", {part}" for part in parts if part)
        self.note(f"[{tally.progress()}] trial {number} {state}{shown}{why}{rest}")

    def trial_returned(self, number: int, reason: str) -> None:
        self._tally.running.pop(number, None)
        self.note(f"trial {number} goes back to the queue: {reason}")

    def trial_lost(self, number: int, reason: str) -> None:
        self._tally.running.pop(number, None)
        self.note(f"trial {number} is not run here any more: {reason}")

    def note(self, text: str) -> None:
        print_line(self._console, text)

    def tick(self) -> None:
        """Nothing: there is no display to refresh."""

    def close(self) -> None:
        """Nothing to take down."""


class ServiceProgress(PlainProgress):
    """The same lines with the study's name before them: a worker has several studies."""

    def __init__(self, console: Console, name: str, objective: Objective, best: Best) -> None:
        super().__init__(console, objective, best)
        self._name = name

    def started(
        self, title: str, done: int, total: int, workers: int, best: tuple[int, float] | None
    ) -> None:
        self._tally.begin(done, total, best)
        self.note(f"{done} of {total} trials done")

    def note(self, text: str) -> None:
        super().note(f"{self._name}: {text}")


def progress_for(
    console: Console, objective: Objective, step_word: str = "epoch", ends: float | None = None
) -> Observer:
    """The live display in a terminal, plain lines elsewhere; see :class:`LiveProgress`."""
    if console.is_terminal:
        return LiveProgress(console, objective, step_word, ends)
    return PlainProgress(console, objective, ends=ends)


def _only(values: tuple[float, ...]) -> float | None:
    """Returns the value of a trial of a run, which has one objective; None if it failed."""
    return values[0] if values else None


def _beginning(title: str, tally: _Tally, workers: int) -> str:
    done = f"{tally.done} of {tally.total}" if tally.ends is None else f"{tally.done}"
    return f"{title}: {done} trials done, {count(workers, 'worker')}"
