"""A worker of the service: real studies and processes, paused, stopped and changed meanwhile."""

from __future__ import annotations

import os
import signal
import time
from collections import Counter

import optuna
import pytest
from laboratory import Recorder
from optuna.storages import RDBStorage
from optuna.trial import TrialState
from servers import proxy_here

from tuner.errors import RequestError, StudyError, UnknownNameError, WorkerError
from tuner.results.listing import list_studies
from tuner.results.study_list import studies as table
from tuner.storage.attributes import QueueEntry
from tuner.storage.database import Database
from tuner.studies import queue, submitting
from tuner.studies.queue import Queued
from tuner.workers.messages import Refused
from tuner.workers.process import WorkerProcess


def counted(laboratory, name="scripted"):
    database = Database(laboratory.url)
    try:
        return database.counts(database.study(name))
    finally:
        database.close()


@pytest.mark.slow
def test_a_submitted_study_is_run_to_its_total(laboratory):
    laboratory.submit(n_trials=3)
    assert counted(laboratory)[TrialState.COMPLETE] == 0
    assert laboratory.serve() == "done"
    counts = counted(laboratory)
    assert counts[TrialState.COMPLETE] == 3
    assert counts[TrialState.RUNNING] == counts[TrialState.WAITING] == 0
    # The same trials as of a run by hand: the seed is the study's.
    by_hand = laboratory.run(workers=1, study_name="by hand", n_trials=3)
    database = Database(laboratory.url)
    served = database.study("scripted").trials
    database.close()
    assert {t.number: (t.params, t.value) for t in served} == {
        row.number: (dict(row.params), row.value) for row in by_hand.trials
    }


@pytest.mark.slow
def test_a_worker_serves_through_a_proxy(laboratory):
    with proxy_here(laboratory.url) as laboratory.url:
        laboratory.submit(n_trials=2, workers=1)
        assert laboratory.serve() == "done"
        counts = counted(laboratory)
    assert counts[TrialState.COMPLETE] == 2
    assert counts[TrialState.RUNNING] == 0


@pytest.mark.slow
def test_two_studies_share_a_worker_in_turns(laboratory, monkeypatch):
    monkeypatch.setattr("tuner.service.service.SLICE_SECONDS", 0.0)
    for name in ("one", "two"):
        laboratory.submit(name, n_trials=3)
    assert laboratory.serve("one", "two") == "done"
    turns = [event[1] for event in laboratory.recorder.events if event[0] == "study"]
    assert len(turns) > 2, "the slot stayed with the first study until it was done"
    assert turns[0] != turns[1]
    assert counted(laboratory, "one")[TrialState.COMPLETE] == 3
    assert counted(laboratory, "two")[TrialState.COMPLETE] == 3


@pytest.mark.slow
def test_the_more_urgent_study_comes_first(laboratory):
    laboratory.submit("later", n_trials=1)
    laboratory.submit("first", n_trials=2, priority=3)
    laboratory.serve()
    turns = [event[1] for event in laboratory.recorder.events if event[0] == "study"]
    assert turns == ["first", "later"]


@pytest.mark.slow
def test_worker_respects_the_limit_of_trials_at_once(laboratory):
    laboratory.behave("slow")
    laboratory.submit(n_trials=3, workers=1)
    most = Counter()
    recorder = Recorder()
    recorder.on_epoch = lambda number, epoch: most.update([counted(laboratory)[TrialState.RUNNING]])
    laboratory.serve(recorder=recorder, workers=3)
    assert max(most) == 1
    assert counted(laboratory)[TrialState.COMPLETE] == 3


def test_worker_runs_code_from_the_database_only_when_allowed(laboratory):
    laboratory.submit(n_trials=1)
    with pytest.raises(RequestError, match=r"scripted:build_model.*--allow-code"):
        laboratory.serve(allow_code=False)
    counts = counted(laboratory)
    assert sum(counts.values()) == 0


@pytest.mark.slow
def test_study_whose_trials_all_fail_is_stopped_with_the_reason(laboratory):
    laboratory.behave("diverges")
    laboratory.submit(n_trials=2)
    with pytest.raises(StudyError, match="the first 10 trials failed"):
        laboratory.serve()


@pytest.mark.slow
def test_error_of_this_machine_leaves_the_study_open(laboratory, monkeypatch):
    """TensorFlow cannot be loaded here; elsewhere it may, so the study stays open."""
    laboratory.submit(n_trials=1)
    recorder = Recorder()
    refused = Refused(WorkerError("TensorFlow cannot be loaded: ImportError: no libcudart"))
    monkeypatch.setattr(WorkerProcess, "receive", lambda self: iter([refused]))
    with pytest.raises(WorkerError, match="libcudart"):
        laboratory.serve(recorder=recorder)
    database = Database(laboratory.url)
    assert queue.status_of(database.study("scripted"), database) == "open"
    database.close()


@pytest.mark.slow
def test_pausing_requeues_the_running_trial_within_an_epoch(laboratory):
    laboratory.behave("slow")
    laboratory.submit(n_trials=2)
    paused = []

    def pause(number, epoch):
        if not paused:
            submitting.pause("scripted", laboratory.url)
            paused.append((number, epoch))

    recorder = Recorder()
    recorder.on_epoch = pause
    run = laboratory.run(workers=1, recorder=recorder, n_trials=2)
    assert run.ending == "paused"
    counts = counted(laboratory)
    assert (counts[TrialState.RUNNING], counts[TrialState.WAITING]) == (0, 1)
    assert counts[TrialState.COMPLETE] == 0
    with pytest.raises(RequestError, match="is paused; go on with: tuner resume scripted"):
        laboratory.run(workers=1)
    submitting.resume("scripted", laboratory.url)
    laboratory.serve()
    assert counted(laboratory)[TrialState.COMPLETE] == 2


@pytest.mark.slow
def test_stopped_run_ends_and_can_be_started_again(laboratory):
    laboratory.behave("slow")
    recorder = Recorder()
    recorder.on_epoch = lambda number, epoch: submitting.stop("scripted", laboratory.url)
    run = laboratory.run(workers=2, recorder=recorder)
    assert run.ending == "stopped"
    assert counted(laboratory)[TrialState.RUNNING] == 0
    assert laboratory.run(workers=2, n_trials=2).counts["complete"] == 2


@pytest.mark.slow
def test_the_list_of_studies_shows_queue_workers_and_rate(laboratory):
    laboratory.behave("slow")
    laboratory.submit(n_trials=2, priority=1, workers=1)
    seen = {}

    def look(number, epoch):
        # Once: a listing takes longer than an epoch; later messages arrive after the trial's end.
        if number == 1 and not seen:
            seen["lines"] = list_studies(laboratory.url)

    recorder = Recorder()
    recorder.on_epoch = look
    laboratory.serve(recorder=recorder)
    [line] = [one for one in seen["lines"] if one.workers]
    assert (line.name, line.workers) == ("scripted", 1)
    assert 0 < line.per_minute < 60
    assert "open, 1 of 2, priority 1, 1 at a time" in table([line])
    [after] = [one for one in list_studies(laboratory.url) if one.name == "scripted"]
    assert "done" in table([after])
    assert after.workers == 0


@pytest.mark.slow
def test_busy_worker_obeys_a_new_submission(laboratory):
    laboratory.behave("slow")
    laboratory.submit(n_trials=50)
    recorder = Recorder()
    recorder.on_epoch = lambda number, epoch: laboratory.submit(n_trials=2, workers=1)
    assert laboratory.serve(recorder=recorder) == "done"
    counts = counted(laboratory)
    assert (counts[TrialState.COMPLETE], counts[TrialState.WAITING]) == (2, 0)
    assert next(event for event in recorder.events if event[0] == "started") == ("started", 0, 50)


@pytest.mark.slow
def test_busy_worker_obeys_new_limits_of_its_study(laboratory, monkeypatch):
    monkeypatch.setattr("tuner.service.service.SLICE_SECONDS", 0.1)
    laboratory.behave("slow")
    laboratory.submit(n_trials=3)

    class Limits(Recorder):
        def of(self, name, spec):
            self.events.append(("limit", spec.budget.trial.timeout))
            return self

    recorder = Limits()
    recorder.on_epoch = lambda number, epoch: laboratory.submit(
        settings=["budget.trial.timeout=10m"]
    )
    assert laboratory.serve(recorder=recorder) == "done"
    assert [event[1] for event in recorder.events if event[0] == "limit"] == [None, 600]


@pytest.mark.slow
def test_idle_worker_notes_once_that_it_waits(laboratory, monkeypatch):
    recorder = Recorder()
    steps = []

    def wait(self):
        time.sleep(0.05)
        steps.append(len(self._busy()))
        if len(steps) == 30:
            laboratory.submit(n_trials=1)
        since = steps[::-1].index(1) if 1 in steps else 0
        if since > 30:
            os.kill(os.getpid(), signal.SIGTERM)

    monkeypatch.setattr("tuner.service.service.Service._wait", wait)
    assert laboratory.serve(recorder=recorder, until_done=False) == "stopped"
    lines = [event[1] for event in recorder.events if event[0] in ("note", "study")]
    waiting = "no study is waiting for workers; waiting"
    assert [line for line in lines if line in (waiting, "scripted")] == [
        waiting,
        "scripted",
        waiting,
    ]


def test_worker_that_may_run_no_submitted_study_notes_that_it_waits(laboratory, monkeypatch):
    laboratory.submit(n_trials=1)
    recorder = Recorder()
    monkeypatch.setattr(
        "tuner.service.service.Service._wait", lambda self: os.kill(os.getpid(), signal.SIGTERM)
    )
    assert laboratory.serve(recorder=recorder, until_done=False, allow_code=False) == "stopped"
    _, aside, waiting = recorder.notes().splitlines()
    assert aside.startswith("scripted is set aside for 5 min: ")
    assert waiting == "other workers run what is submitted, or it cannot be run here; waiting"


def test_deleted_study_is_set_aside(laboratory, monkeypatch):
    laboratory.submit(n_trials=1)
    waited = []

    def refresh(self):
        self.open = {"scripted": Queued(QueueEntry(status="open", n_trials=1))}
        if not waited:
            optuna.delete_study(study_name="scripted", storage=laboratory.url)

    def wait(self):
        waited.append(True)
        os.kill(os.getpid(), signal.SIGTERM)

    monkeypatch.setattr("tuner.service.agenda.Agenda.refresh", refresh)
    monkeypatch.setattr("tuner.service.service.Service._wait", wait)
    assert laboratory.serve(until_done=False) == "stopped"
    assert "scripted is set aside for 5 min: no study is stored" in laboratory.recorder.notes()


def test_until_done_an_empty_queue_is_noted(laboratory):
    assert laboratory.serve() == "done"
    assert laboratory.recorder.notes().splitlines()[1:] == ["no study is waiting for workers"]


@pytest.mark.slow
def test_until_done_the_error_names_a_deleted_study(laboratory):
    laboratory.behave("slow")
    laboratory.submit(n_trials=2)
    deleted = []

    def delete_once(number, epoch):
        if not deleted:
            deleted.append(number)
            optuna.delete_study(study_name="scripted", storage=RDBStorage(laboratory.url))

    recorder = Recorder()
    recorder.on_epoch = delete_once
    with pytest.raises(UnknownNameError, match="scripted: no study is stored in"):
        laboratory.serve(recorder=recorder)
