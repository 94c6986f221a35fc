"""`tuner worker` as a process: signals, kills, and what it prints."""

from __future__ import annotations

import os
import signal
import time

import psutil
import pytest
from optuna.trial import TrialState
from processes import WAIT_SECONDS, program, running

from tuner.storage.database import Database
from tuner.studies import queue

TREES = """
dataset = "rows_of_trees:load_data"
model = "hist_gradient_boosting"
objective = { metric = "mae", direction = "minimize" }
budget = { n_trials = 2 }
search_space.max_iter = { type = "int", low = 2, high = 4 }
"""
ROWS = """
import sys
import numpy as np

assert not {"tensorflow", "keras"} & set(sys.modules)

def load_data():
    x = np.random.default_rng(0).normal(size=(90, 2))
    return x, x[:, 0] - x[:, 1]
"""


@pytest.fixture
def worker(laboratory):
    """Starts `tuner worker` in the laboratory's folder."""

    def start(*words):
        command = [*program("tuner"), "worker", "--storage", laboratory.url, "--allow-code"]
        return running([*command, "--workers", "1", *words], laboratory.folder)

    return start


def wait_for(laboratory, wanted, name="scripted"):
    """Waits until so many trials are in each of these states."""
    database = Database(laboratory.url)
    until = time.monotonic() + WAIT_SECONDS
    try:
        while True:
            counts = database.counts(database.study(name))
            if all(counts[TrialState[state.upper()]] >= n for state, n in wanted.items()):
                return counts
            assert time.monotonic() < until, counts
            time.sleep(0.1)
    finally:
        database.close()


def wait_for_status(laboratory, wanted):
    """Waits until the study has this status in the queue."""
    database = Database(laboratory.url)
    until = time.monotonic() + WAIT_SECONDS
    try:
        while queue.status_of(database.study("scripted"), database) != wanted:
            assert time.monotonic() < until
            time.sleep(0.1)
    finally:
        database.close()


@pytest.mark.slow
@pytest.mark.parametrize(("number", "status"), [(signal.SIGTERM, 0), (signal.SIGINT, 130)])
def test_worker_finishes_its_trial_after_a_signal(laboratory, worker, number, status):
    laboratory.behave("slow")
    laboratory.submit(n_trials=50)
    with worker() as process:
        wait_for(laboratory, {"running": 1})
        process.send_signal(number)
        out, error = process.communicate(timeout=WAIT_SECONDS)
    assert (process.returncode, out) == (status, ""), error
    assert "stopping: what runs has 30 s to finish" in error
    assert "Traceback" not in error
    counts = wait_for(laboratory, {"complete": 1})
    assert counts[TrialState.RUNNING] == counts[TrialState.WAITING] == 0


@pytest.mark.slow
@pytest.mark.parametrize(("grace", "signals"), [("0", 1), ("600", 2)])
def test_trial_is_requeued_when_the_grace_period_ends(laboratory, worker, grace, signals):
    laboratory.behave("endless")
    laboratory.submit(n_trials=50)
    with worker("--grace", grace) as process:
        wait_for(laboratory, {"running": 1})
        process.send_signal(signal.SIGTERM)
        if signals == 2:
            assert process.stderr
            while "after a second signal at once" not in process.stderr.readline():
                assert process.poll() is None
            process.send_signal(signal.SIGTERM)
        process.communicate(timeout=WAIT_SECONDS)
    assert process.returncode == 0
    counts = wait_for(laboratory, {"waiting": 1})
    assert counts[TrialState.RUNNING] == counts[TrialState.FAIL] == 0


@pytest.mark.slow
def test_trial_of_a_killed_worker_is_run_by_another(laboratory, worker):
    laboratory.behave("slow")
    laboratory.submit(n_trials=2)
    with worker() as process:
        wait_for(laboratory, {"running": 1})
        family = [psutil.Process(process.pid), *psutil.Process(process.pid).children(True)]
        for one in family:
            one.kill()
    with worker("--until-done") as process:
        _, error = process.communicate(timeout=2 * WAIT_SECONDS)
    assert process.returncode == 0, error
    assert "scripted: trial 0 goes back to the queue; its process is gone" in error
    counts = wait_for(laboratory, {"complete": 2})
    assert counts[TrialState.RUNNING] == counts[TrialState.WAITING] == 0


@pytest.mark.slow
def test_worker_runs_networks_and_then_trees_without_tensorflow(laboratory, worker):
    laboratory.submit("networks", n_trials=2, priority=1)
    laboratory.study = laboratory.folder / "trees.toml"
    laboratory.study.write_text(TREES)
    (laboratory.folder / "rows_of_trees.py").write_text(ROWS)
    laboratory.submit("trees")
    with worker("--until-done") as process:
        _, error = process.communicate(timeout=2 * WAIT_SECONDS)
    assert process.returncode == 0, error
    for name in ("networks", "trees"):
        counts = wait_for(laboratory, {"complete": 2}, name)
        assert sum(counts.values()) == 2


@pytest.mark.slow
def test_study_without_its_data_here_is_left_to_other_workers(laboratory, worker):
    laboratory.submit(n_trials=1)
    (laboratory.folder / "lacking.toml").write_text(
        laboratory.study.read_text().replace(
            '"scripted:load_data"', '{ csv = "a.csv", target = "y" }'
        )
    )
    laboratory.study = laboratory.folder / "lacking.toml"
    laboratory.submit("lacking", priority=1)
    with worker() as process:
        wait_for(laboratory, {"complete": 1})
        process.send_signal(signal.SIGTERM)
        _, error = process.communicate(timeout=WAIT_SECONDS)
    assert "lacking is set aside for 5 min: " in error
    assert "a.csv" in error
    assert process.returncode == 0


@pytest.mark.slow
def test_study_whose_trials_all_fail_leaves_the_queue(laboratory, worker, command):
    laboratory.behave("diverges")
    laboratory.submit(n_trials=2)
    with worker() as process:
        wait_for_status(laboratory, "stopped")
        process.send_signal(signal.SIGTERM)
        _, error = process.communicate(timeout=WAIT_SECONDS)
    assert "scripted is stopped: the first 10 trials failed" in error
    listed = command("studies", "--storage", laboratory.url)
    assert "stopped, 0 of 2: the first 10 trials failed" in listed.out


def test_queue_commands_print_their_result(laboratory, command):
    url = ("--storage", laboratory.url)
    answer = command("submit", laboratory.study, *url, "--priority", "2", "--workers", "3")
    assert answer.out.startswith(
        "scripted is submitted: 4 trials wanted, 3 at a time, priority 2\n"
    )
    assert "tuner worker --storage " in answer.out
    assert "is paused; go on with: tuner resume scripted" in command("pause", "scripted", *url).out
    command("run", laboratory.study, *url).refused(
        2, "is paused; go on with: tuner resume scripted"
    )
    assert command("resume", "scripted", *url).out == "scripted is open again\n"
    command("resume", "scripted", *url).refused(2, "is open already")
    assert "is stopped" in command("stop", "scripted", *url).out
    command("pause", "other", *url).refused(2, "no study 'other' is stored")
    command("submit", laboratory.study, *url, "--workers", "-1").refused(2, "--workers must be at")
    command("worker", *url, "--grace", "soon").refused(2, "--grace must be a duration")
    command("worker", *url, "--grace", "-5").refused(2, r'--grace must be at least 0 .* got "-5"')
    command("worker", *url, "--workers", "-1").refused(2, "--workers must be at least 1")


@pytest.mark.slow
def test_worker_notes_which_of_its_studies_are_not_submitted(laboratory, worker):
    laboratory.store()
    with worker("scripted") as process:
        assert process.stderr
        assert "1 trial at a time" in process.stderr.readline()
        assert process.stderr.readline() == (
            "scripted is not submitted; submit it with: tuner submit scripted\n"
        )
        os.kill(process.pid, signal.SIGTERM)
        process.communicate(timeout=WAIT_SECONDS)
    assert process.returncode == 0
