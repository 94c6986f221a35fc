"""Runs of a real study by real processes: some complete, some are killed, some resumed."""

from __future__ import annotations

import multiprocessing
import os
import signal
import sys

import psutil
import pytest

from tuner.errors import MetricError, ModelError, SpecError, StudyError, WorkerError
from tuner.storage.database import Database
from tuner.workers.ending import StopRequests


def leases(laboratory) -> dict[int, dict]:
    database = Database(laboratory.url)
    study = database.study("scripted")
    found = {trial.number: trial.lease for trial in database.running(study)}
    database.close()
    return found


def values(run) -> dict[int, tuple]:
    return {row.number: (row.state, row.value, dict(row.params)) for row in run.trials}


@pytest.mark.slow
def test_run_reaches_the_total_and_then_does_nothing(laboratory):
    run = laboratory.run(workers=2)
    assert run.ending == "done"
    assert run.counts["complete"] == 4
    assert run.best.value == min(row.value for row in run.trials)
    again = laboratory.run(workers=2)
    assert again.n_workers is None
    assert values(again) == values(run)
    assert laboratory.run(workers=1, more=1).counts["complete"] == 5


@pytest.mark.slow
def test_the_supervisor_never_imports_tensorflow(laboratory):
    import subprocess

    code = (
        "import sys, tuner.api\n"
        f"tuner.api.run({str(laboratory.study)!r}, storage={laboratory.url!r}, n_trials=1)\n"
        "heavy = {'tensorflow', 'keras', 'pandas', 'sklearn'} & set(sys.modules)\n"
        "sys.exit(f'imported {heavy}' if heavy else 0)\n"
    )
    script = laboratory.folder / "three_lines.py"
    script.write_text(code)  # at its top level, without a __main__ guard, as people write it
    done = subprocess.run([sys.executable, script], capture_output=True, text=True)
    assert (done.returncode, done.stderr, done.stdout) == (0, "", "")


@pytest.mark.slow
def test_trial_of_a_killed_worker_is_retried(laboratory):
    calm = values(laboratory.run(workers=1, study_name="calm"))
    laboratory.behave("slow")
    killed = []

    def kill_once(number, epoch):
        if number == 1 and epoch == 1 and not killed:
            killed.append(leases(laboratory)[1]["pid"])
            os.kill(killed[0], signal.SIGKILL)

    laboratory.recorder.on_epoch = kill_once
    run = laboratory.run(workers=2, recorder=laboratory.recorder)
    assert killed
    assert ("returned", 1, "the worker was killed by SIGKILL") in laboratory.recorder.events
    assert run.counts == {"complete": 4, "pruned": 0, "fail": 0, "running": 0, "waiting": 0}
    assert {n: v[2]["learning_rate"] for n, v in values(run).items()} == {
        n: v[2]["learning_rate"] for n, v in calm.items()
    }
    assert [v[1] for v in values(run).values()] == [v[1] for v in calm.values()]


@pytest.mark.slow
def test_replaced_worker_is_ended_when_a_thread_of_a_trial_keeps_it(laboratory, monkeypatch):
    monkeypatch.setattr("tuner.workers.process._TRIALS_A_PROCESS", 1)
    laboratory.behave("leaves a thread")
    run = laboratory.run(workers=1, n_trials=2)
    assert run.counts["complete"] == 2
    assert multiprocessing.active_children() == []  # Python waits for them when it exits


@pytest.mark.slow
def test_trial_fails_after_killing_three_workers(laboratory):
    laboratory.behave("calm", "dies")
    run = laboratory.run(workers=2)
    assert run.counts["complete"] == 4
    failed = [row for row in run.trials if row.state == "fail"]
    assert failed
    assert {row.params["behaviour"] for row in failed} == {"dies"}
    assert failed[0].reason == "3 workers died over it; the worker was killed by SIGKILL"


@pytest.mark.slow
def test_interrupt_requeues_running_trials_and_the_same_command_resumes(laboratory):
    laboratory.behave("slow")
    workers = []

    def interrupt(number, epoch):
        if number == 2:
            workers.extend(psutil.Process(one["pid"]) for one in leases(laboratory).values())
            os.kill(os.getpid(), signal.SIGINT)

    laboratory.recorder.on_epoch = interrupt
    run = laboratory.run(workers=2, recorder=laboratory.recorder)
    assert run.ending == "interrupted"
    assert run.counts["running"] == 0
    assert run.counts["waiting"] >= 1
    assert run.counts["complete"] < 4
    assert workers
    assert psutil.wait_procs(workers, timeout=10)[1] == []
    run = laboratory.run(workers=2)
    assert run.ending == "done"
    assert run.counts["complete"] == 4
    assert [row.number for row in run.trials] == [0, 1, 2, 3]


@pytest.mark.slow
def test_timeout_ends_a_run_during_a_trial(laboratory, monkeypatch):
    laboratory.behave("slow")
    made = []

    class Expiring(StopRequests):
        def __init__(self, *arguments):
            super().__init__(*arguments)
            made.append(self)

    def expire(number, epoch):
        made[0]._deadline = 0.0

    monkeypatch.setattr("tuner.workers.supervisor.StopRequests", Expiring)
    laboratory.recorder.on_epoch = expire
    run = laboratory.run(workers=1, timeout="1h", n_trials=50, recorder=laboratory.recorder)
    assert run.ending == "timeout"
    assert run.counts["running"] == 0
    assert run.counts["waiting"] == 1


@pytest.mark.slow
def test_trial_over_its_time_limit_fails_with_the_reason(laboratory):
    laboratory.behave("calm", "endless")
    run = laboratory.run(workers=2, n_trials=5, settings=["budget.trial.timeout=8"])
    assert run.counts["complete"] == 5
    failed = [row for row in run.trials if row.state == "fail"]
    assert {row.reason for row in failed} == {"timeout: took longer than 8 s"}
    assert {row.params["behaviour"] for row in failed} == {"endless"}


@pytest.mark.slow
def test_trial_over_its_memory_limit_fails_with_the_reason(laboratory):
    laboratory.behave("calm", "grows")
    run = laboratory.run(workers=2, settings=["budget.trial.memory=900MiB"])
    failed = [row for row in run.trials if row.state == "fail"]
    assert {row.params["behaviour"] for row in failed} == {"grows"}
    assert all(row.reason.startswith("memory: used ") for row in failed)
    assert all(row.reason.endswith("the limit is 900 MiB") for row in failed)


@pytest.mark.slow
def test_diverging_trial_fails_and_the_study_continues(laboratory):
    laboratory.behave("calm", "diverges")
    run = laboratory.run(workers=2)
    assert run.counts["complete"] == 4
    failed = [row for row in run.trials if row.state == "fail"]
    assert {row.params["behaviour"] for row in failed} == {"diverges"}
    assert all("NaN at epoch 1" in row.reason for row in failed)


@pytest.mark.slow
def test_exception_in_a_network_fails_only_its_trial(laboratory):
    laboratory.behave("calm", "raises")
    laboratory.add(
        '\n[[reference]]\nname = "calm"\n[reference.params]\n'
        'learning_rate = 0.01\nepochs = 3\nbehaviour = "calm"\n'
    )
    run = laboratory.run(workers=1)
    assert run.counts["complete"] == 4
    assert (run.trials[0].role, run.trials[0].origin) == ("reference", "calm")
    assert {row.role for row in run.trials[1:]} == {"search"}
    (reason,) = {row.reason for row in run.trials if row.state == "fail"}
    lines = (laboratory.folder / "scripted.py").read_text().splitlines()
    (line,) = [number for number, text in enumerate(lines, 1) if "raise ValueError" in text]
    assert reason == (
        '"scripted:build_model" raised ValueError: this network does not like its parameters '
        f"(scripted.py, line {line})"
    )


@pytest.mark.slow
def test_run_ends_when_every_trial_fails(laboratory):
    laboratory.behave("diverges")
    with pytest.raises(StudyError, match=r"the first 10 trials failed, .*NaN"):
        laboratory.run(workers=2)


@pytest.mark.slow
def test_network_that_cannot_be_built_is_refused_before_anything_is_stored(laboratory):
    laboratory.behave("raises")
    with pytest.raises(ModelError, match="this network does not like its parameters"):
        laboratory.run(workers=1)


@pytest.mark.slow
def test_absent_metric_is_refused_before_anything_is_stored(laboratory):
    with pytest.raises(MetricError, match=r"accuracy.*measures:? loss, mae"):
        laboratory.run(workers=1, settings=["objective.metric=accuracy"])
    database = Database(laboratory.url)
    assert database.study_names() == []
    database.close()


@pytest.mark.slow
def test_study_that_differs_from_the_stored_one_is_refused(laboratory):
    laboratory.run(workers=1, n_trials=1)
    laboratory.study.write_text(laboratory.study.read_text().replace("high = 0.1", "high = 0.5"))
    difference = r"search_space.learning_rate.high: 0.1 in the database, now 0.5"
    with pytest.raises(SpecError, match=difference):
        laboratory.run(workers=1)


@pytest.mark.slow
def test_output_of_users_code_is_shown_apart_from_results(laboratory, capfd):
    laboratory.behave("prints")
    laboratory.run(workers=1, n_trials=1)
    assert "a line from the user's own code" in laboratory.recorder.notes()
    assert capfd.readouterr() == ("", "")


@pytest.mark.slow
def test_workers_that_cannot_start_end_the_run(laboratory):
    laboratory.behave("dies")
    with pytest.raises(WorkerError, match="die before they can run a trial"):
        laboratory.run(workers=1)


@pytest.mark.slow
def test_the_same_seed_gives_the_same_trials_twice(laboratory):
    first = laboratory.run(workers=1, study_name="first", settings=["sampler.name=tpe"])
    second = laboratory.run(workers=1, study_name="second", settings=["sampler.name=tpe"])
    assert values(first) == values(second)
    other = laboratory.run(workers=1, study_name="other", seed=4, n_trials=2)
    assert values(other)[0] != values(first)[0]


@pytest.mark.slow
def test_interrupted_study_ends_with_the_trials_of_an_undisturbed_one(laboratory):
    settings = ["sampler.name=tpe", "sampler.n_startup_trials=2"]
    calm = laboratory.run(workers=1, study_name="calm", settings=settings)
    for total in (1, 3, 4):
        halting = laboratory.run(workers=1, n_trials=total, study_name="halting", settings=settings)
    assert values(halting) == values(calm)
