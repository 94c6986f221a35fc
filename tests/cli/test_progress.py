"""The displays of a run, driven by events."""

from __future__ import annotations

import io
from typing import Any

import pytest
from rich.console import Console

from tuner.cli.progress import Best, LiveProgress, PlainProgress, ServiceProgress, progress_for
from tuner.spec import Objective
from tuner.workers.observer import Observer


class Screen:
    """A console that keeps its output."""

    def __init__(self, *, terminal: bool) -> None:
        self.file = io.StringIO()
        self.console = Console(
            file=self.file, force_terminal=terminal, width=200, color_system=None
        )

    def progress(self, direction: Any = "maximize") -> Observer:
        objective = Objective(metric="loss", direction=direction)
        return progress_for(self.console, objective)

    @property
    def lines(self) -> list[str]:
        return [line.strip() for line in self.file.getvalue().splitlines()]


@pytest.fixture(params=[True, False], ids=["terminal", "pipe"])
def screen(request: pytest.FixtureRequest) -> Screen:
    return Screen(terminal=request.param)


def test_a_terminal_has_the_live_display_and_a_pipe_plain_lines() -> None:
    assert type(Screen(terminal=True).progress()) is LiveProgress
    assert type(Screen(terminal=False).progress()) is PlainProgress


def test_names_and_notes_are_shown_as_they_are(screen: Screen) -> None:
    progress = screen.progress()
    progress.started("a[/b] [red]c", 1, 5, 2, None)
    progress.note("a line [/red] of the user's code")
    progress.trial_finished(3, "fail", (), "KeyError: '[/x]'")
    progress.close()
    text = "\n".join(screen.lines)
    assert "a[/b] [red]c: 1 of 5 trials done, 2 workers" in text
    assert "a line [/red] of the user's code" in text
    assert "KeyError: '[/x]'" in text


def test_progress_counts_trials_that_other_runs_finish(screen: Screen) -> None:
    progress = screen.progress()
    progress.started("wine", 0, 9, 1, None)
    progress.counted(7)
    progress.trial_finished(2, "complete", (0.5,), None)
    progress.tick()
    progress.close()
    assert "7/9" in "\n".join(screen.lines)


def test_best_value_is_shown_with_its_significant_digits() -> None:
    screen = Screen(terminal=False)
    progress = screen.progress("minimize")
    progress.started("xor", 0, 9, 1, (0, 0.25))
    progress.trial_finished(1, "complete", (0.000042,), None)
    assert screen.lines[-1] == "[0/9] trial 1 complete loss 4.2e-05, best loss 4.2e-05 (trial 1)"


def test_plain_line_of_a_complete_trial_leaves_out_why_it_stopped_early() -> None:
    screen = Screen(terminal=False)
    progress = screen.progress()
    progress.started("shop", 0, 9, 1, None)
    progress.trial_finished(0, "complete", (0.5,), "early stopping: no better loss for 50 epochs")
    progress.trial_finished(1, "pruned", (), "pruned at fold 2: worse than the median")
    complete, pruned = screen.lines[-2:]
    assert complete.endswith("best loss 0.5000 (trial 0)")
    assert "early stopping" not in complete
    assert "(pruned at fold 2: worse than the median)" in pruned


def test_live_display_counts_in_steps_of_the_learner() -> None:
    screen = Screen(terminal=True)
    objective = Objective(metric="loss", direction="minimize")
    progress = progress_for(screen.console, objective, "iteration")
    progress.started("trees", 0, 1, 1, None)
    progress.trial_started(0, 50)
    progress.epoch_done(0, 7, 0.5)
    progress.tick()
    progress.close()
    assert "trial 0  iteration 7 of 50  loss 0.5000" in "\n".join(screen.lines)


def test_slots_of_a_worker_share_the_best_trial_of_a_study() -> None:
    screen, best = Screen(terminal=False), Best()
    objective = Objective(metric="accuracy", direction="maximize")
    one, other = (ServiceProgress(screen.console, "s", objective, best) for _ in range(2))
    for slot in (one, other):
        slot.started("s", 0, 4, 1, None)
    one.trial_finished(0, "complete", (0.9,), None)
    other.trial_finished(1, "complete", (0.8,), None)
    assert screen.lines[-1].endswith(
        "trial 1 complete accuracy 0.8000, best accuracy 0.9000 (trial 0)"
    )
