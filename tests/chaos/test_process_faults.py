"""Processes that are killed or stopped, and two runs of one study at once.

A supervisor that is killed alone is tested in ``tests/workers/test_heartbeats.py``, a terminal that
is closed in ``tests/workers/test_signals.py``.
"""

from __future__ import annotations

import signal
import time

import psutil
import pytest
from faulted import FaultedRun, repetitions
from judging import Judge
from laboratory import Laboratory

pytestmark = [pytest.mark.slow, pytest.mark.parametrize("repetition", repetitions())]


def test_kill_of_everything_loses_no_trial(slow: Laboratory, judge: Judge, repetition: int) -> None:
    with FaultedRun(slow) as run:
        run.wait_for_trials(1 + repetition % 3)
        run.kill()
        assert run.ended() == -signal.SIGKILL
        reported = run.reported
    judge.check_left(slow, reported, running=True)
    judge.check_resumed(slow, reported)


@pytest.mark.parametrize("of", ["a worker", "the supervisor"])
def test_suspended_process_continues_when_it_is_resumed(
    of: str, slow: Laboratory, judge: Judge, repetition: int
) -> None:
    with FaultedRun(slow) as run:
        run.wait_for_trials(1 + repetition % 3)
        process = run.workers()[0] if of == "a worker" else psutil.Process(run.process.pid)
        process.suspend()
        time.sleep(4)
        process.resume()
        assert run.ended() == 0
        assert "Traceback" not in run.output
        reported = run.reported
    judge.check_reached(slow, reported)


def test_two_runs_share_a_study(slow: Laboratory, judge: Judge, repetition: int) -> None:
    with FaultedRun(slow) as first, FaultedRun(slow, name="second") as second:
        assert (first.ended(), second.ended()) == (0, 0)
        assert "Traceback" not in first.output + second.output
        assert not first.reported & second.reported
        reported = first.reported | second.reported
    assert len(reported) == 6
    judge.check_reached(slow, reported)


def test_run_takes_over_the_trials_of_a_killed_one(
    slow: Laboratory, judge: Judge, repetition: int
) -> None:
    with FaultedRun(slow) as first, FaultedRun(slow, name="second") as second:
        first.wait_for_trials(1)
        first.kill()
        assert first.ended() == -signal.SIGKILL
        assert second.ended() == 0
        assert "Traceback" not in second.output
        reported = first.reported | second.reported
    judge.check_reached(slow, reported)
