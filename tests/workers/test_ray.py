"""`tuner run --engine ray`: on a cluster of two nodes, of which one is killed in the middle."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from contextlib import contextmanager, nullcontext
from pathlib import Path
from types import SimpleNamespace

import pytest
from laboratory import CALM
from optuna.trial import TrialState
from processes import WAIT_SECONDS, program, running

from tuner.errors import DataError
from tuner.storage.database import Database
from tuner.workers import ray_engine


@contextmanager
def cluster(folder):
    """A running cluster: its process and its address."""
    script = Path(__file__).with_name("ray_cluster.py")
    pipes = {"stdin": subprocess.PIPE, "stderr": subprocess.DEVNULL}
    with running([sys.executable, str(script)], folder, **pipes) as process:
        address = process.stdout.readline().strip()
        assert ":" in address
        try:
            yield process, address
        finally:
            process.stdin.close()
            process.stdin = None
            process.wait(WAIT_SECONDS)


def counts_of(url):
    database = Database(url)
    try:
        if "scripted" not in database.study_names():
            return dict.fromkeys(TrialState, 0)
        return database.counts(database.study("scripted"))
    finally:
        database.close()


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_run_survives_a_killed_node(laboratory, server):
    laboratory.behave("held")  # so that no trial ends before both workers have one
    laboratory.url = url = server.new_database()
    run = [*program("tuner"), "run", str(laboratory.study), "--storage", url, "--n-trials", "4"]
    with cluster(laboratory.folder) as (nodes, address):
        words = ["--engine", "ray", "--address", address, "--workers", "2"]
        with running([*run, *words], laboratory.folder) as process:
            until = time.monotonic() + 2 * WAIT_SECONDS
            while counts_of(url)[TrialState.RUNNING] < 2:
                if time.monotonic() > until:
                    process.kill()
                    pytest.fail(f"the second worker has not started: {process.communicate()}")
                time.sleep(0.2)
            nodes.stdin.write("kill\n")
            nodes.stdin.flush()
            assert nodes.stdout.readline() == "killed\n"
            (laboratory.folder / "released").touch()
            out, error = process.communicate(timeout=240)
    assert process.returncode == 0, error
    assert "on 2 workers: 4 complete, 0 pruned, 0 failed" in out
    counts = counts_of(url)
    assert counts[TrialState.COMPLETE] == 4
    assert counts[TrialState.RUNNING] == counts[TrialState.WAITING] == 0
    calm = laboratory.run(workers=2, study_name="calm", n_trials=4, settings=CALM)
    database = Database(url)
    found = {t.number: t.value for t in database.study("scripted").trials}
    database.close()
    assert found == pytest.approx({row.number: row.value for row in calm.trials}, rel=1e-6)


@pytest.mark.slow
def test_ctrl_c_ends_workers_of_a_local_cluster(laboratory):
    laboratory.behave("slow")
    run = [*program("tuner"), "run", str(laboratory.study), "--storage", laboratory.url]
    with running(
        [*run, "--engine", "ray", "--workers", "1", "--n-trials", "50"], laboratory.folder
    ) as process:
        until = time.monotonic() + 2 * WAIT_SECONDS
        while not laboratory.database.exists() or not counts_of(laboratory.url)[TrialState.RUNNING]:
            assert time.monotonic() < until, process.poll()
            time.sleep(0.2)
        process.send_signal(signal.SIGINT)
        out, error = process.communicate(timeout=2 * WAIT_SECONDS)
    assert process.returncode == 130, error
    assert "interrupted; the same command goes on" in out
    assert counts_of(laboratory.url)[TrialState.RUNNING] == 0


@pytest.mark.slow
def test_run_notes_a_cluster_without_room_and_can_be_interrupted(laboratory):
    run = [*program("tuner"), "run", str(laboratory.study), "--storage", laboratory.url]
    ray = ["--engine", "ray", "--workers", "1", "--gpus-per-worker", "0.25"]
    with running([*run, *ray], laboratory.folder) as process:
        said = ""
        while "room" not in said:
            said = process.stderr.readline()
            assert said, process.poll()
        assert "room for 0 of 1 workers, each needs a core and 0.25 of a GPU" in said
        process.send_signal(signal.SIGINT)
        _, error = process.communicate(timeout=WAIT_SECONDS)
    assert process.returncode == 130, error
    database = Database(laboratory.url)
    assert database.study_attrs(database.study("scripted")).get("tuner:queue") is None
    database.close()


def test_options_that_exclude_each_other_are_refused(laboratory, command, monkeypatch):
    study = laboratory.study
    command("run", study, "--address", "a:1").refused(2, "are Ray's; add --engine ray")
    command("run", study, "--gpus-per-worker", "0.5").refused(2, "are Ray's; add --engine ray")
    ray = ("run", study, "--engine", "ray")
    command(*ray, "--gpus-per-worker", "-1").refused(2, "must be a share of one GPU or a whole")
    command(*ray, "--gpus-per-worker", "1.5").refused(2, "must be a share of one GPU or a whole")
    command(*ray, "--address", "a:1").refused(2, r"tuner\.db is a file of this machine.*postgresql")
    monkeypatch.setitem(sys.modules, "ray", None)
    command(*ray).refused(2, r"needs Ray; install it with: pip install 'tuner\[ray\]'")


class _FailedTask(Exception):
    """As Ray raises what a task has raised."""

    cause = DataError("study 'scripted' was made with other data")


class _FakeRay:
    """A cluster on which every task has failed."""

    exceptions = SimpleNamespace(RayTaskError=_FailedTask, RayError=_FailedTask)

    def cluster_resources(self):
        return {"CPU": 2}

    def remote(self, **_):
        return lambda function: SimpleNamespace(remote=lambda *_: "task")

    def wait(self, tasks, **_):
        return tasks, []

    def cancel(self, task):
        pass

    def get(self, task):
        raise _FailedTask


def test_error_of_a_ray_worker_is_failed_work(laboratory, command, monkeypatch):
    monkeypatch.setattr(ray_engine, "_ray", lambda *_: nullcontext(_FakeRay()))
    run = command("run", laboratory.study, "--engine", "ray", "--workers", "1")
    assert run.err.splitlines()[-1] == "tuner: study 'scripted' was made with other data"
    assert run.status == 1
