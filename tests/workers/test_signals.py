"""Signals to a whole group of processes, as terminals and service managers send them."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable

import psutil
import pytest
from laboratory import Laboratory
from optuna.trial import FrozenTrial, TrialState
from processes import WAIT_SECONDS, program, running
from terminals import Terminal

from tuner.storage.database import Database
from tuner.workers.interrupts import interrupts

pytestmark = pytest.mark.slow


def train_long(laboratory: Laboratory) -> None:
    laboratory.behave("slow")
    text = laboratory.study.read_text()
    laboratory.study.write_text(text.replace("low = 3\nhigh = 3", "low = 1000\nhigh = 1000"))


def first_trial(laboratory: Laboratory, wanted: Callable[[FrozenTrial], bool]) -> FrozenTrial:
    """Waits until trial 0 satisfies the condition."""
    until = time.monotonic() + WAIT_SECONDS
    while time.monotonic() < until:
        time.sleep(0.2)
        if not laboratory.database.exists():
            continue
        database = Database(laboratory.url)
        try:
            study = database.find_study("scripted")
            if study and study.trials and wanted(study.trials[0]):
                return study.trials[0]
        finally:
            database.close()
    raise AssertionError("trial 0 did not become what was wanted")


def is_running(trial: FrozenTrial) -> bool:
    return trial.state is TrialState.RUNNING


def waits_uncounted(trial: FrozenTrial) -> bool:
    counted = {"attempts", "left_behind"} & set(trial.user_attrs)
    return trial.state is TrialState.WAITING and not counted


@pytest.mark.parametrize(
    ("command", "number"), [("run", signal.SIGTERM), ("worker", signal.SIGHUP)]
)
def test_a_signal_to_the_group_returns_the_trial_uncounted(
    laboratory: Laboratory, command: str, number: signal.Signals
) -> None:
    train_long(laboratory)
    words = {
        "run": ["run", str(laboratory.study)],
        "worker": ["worker", "--allow-code", "--grace", "1s"],
    }
    laboratory.submit(n_trials=1)
    start = [*program("tuner"), *words[command], "--workers", "1", "--storage", laboratory.url]
    with running(start, laboratory.folder, start_new_session=True) as process:
        first_trial(laboratory, is_running)
        os.killpg(process.pid, number)
        _, error = process.communicate(timeout=WAIT_SECONDS)
    assert process.returncode == {"run": 130, "worker": 0}[command], error
    assert "Traceback" not in error
    assert first_trial(laboratory, waits_uncounted)


def test_closed_terminal_ends_a_run_and_requeues_its_trial(laboratory: Laboratory) -> None:
    train_long(laboratory)
    with Terminal(laboratory.folder, "run", "scripted", "--storage", laboratory.url) as terminal:
        first_trial(laboratory, is_running)
        family = psutil.Process(terminal.process.pid).children(recursive=True)
        terminal.close()
        status, _ = terminal.ended()
    assert status == 130
    assert first_trial(laboratory, waits_uncounted)
    _, alive = psutil.wait_procs(family, timeout=20)
    assert alive == []


def test_printing_trial_is_requeued_when_its_supervisor_was_killed(laboratory: Laboratory) -> None:
    script = laboratory.folder / "scripted.py"
    body = "def build_model(params, data):\n"
    loud = (
        body + "    if os.environ.get('TRIED'): time.sleep(3); print('x' * 200_000, flush=True)\n"
        "    os.environ['TRIED'] = 'yes'\n"
    )
    script.write_text(script.read_text().replace(body, loud))
    start = [*program("tuner"), "run", str(laboratory.study), "--storage", laboratory.url]
    with running([*start, "--workers", "1"], laboratory.folder) as process:
        worker = first_trial(laboratory, is_running).user_attrs["worker"]["pid"]
        process.kill()
    psutil.wait_procs([psutil.Process(worker)], timeout=WAIT_SECONDS)
    assert first_trial(laboratory, waits_uncounted)


def test_processes_of_users_code_receive_signals() -> None:
    code = (
        "import os, signal, subprocess, sys\n"
        "from tuner.workers.entry import _leave_signals_to_supervisor\n"
        "signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})\n"
        "_leave_signals_to_supervisor()\n"
        "os.kill(os.getpid(), signal.SIGTERM)\n"
        "child = subprocess.Popen(['sleep', '60'])\n"
        "child.terminate()\n"
        "forked = os.fork() or os.execvp('sleep', ['sleep', '60'])\n"
        "while not (ended := os.waitpid(forked, os.WNOHANG)[1]):\n"
        "    os.kill(forked, signal.SIGTERM)\n"  # the first may arrive before exec
        "print(child.wait(), ended)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=30)
    assert (done.stdout, done.stderr) == ("-15 15\n", "")


def test_ignored_signal_stays_ignored() -> None:
    received: list[signal.Signals] = []
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with interrupts(received.append):
            os.kill(os.getpid(), signal.SIGHUP)
            os.kill(os.getpid(), signal.SIGTERM)
        assert received == [signal.SIGTERM]
        assert signal.getsignal(signal.SIGHUP) is signal.SIG_IGN
    finally:
        signal.signal(signal.SIGHUP, before)
