"""Heartbeats decide whether trials of other machines are alive, however long an epoch takes."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time

import optuna
import psutil
import pytest
import sqlalchemy as sa
from laboratory import Recorder
from optuna.storages import RDBStorage
from optuna.storages._rdb import models
from optuna.trial import TrialState
from processes import program, running

from tuner.errors import UnknownNameError
from tuner.storage import lease, taker
from tuner.storage.database import Database
from tuner.storage.lease import is_alive, own_lease
from tuner.studies import recovery

HEARTBEAT = "import tuner.workers.supervisor as s; s._HEARTBEAT_SECONDS = 2.0; "


def test_process_on_another_machine_is_neither_dead_nor_alive():
    own = own_lease()
    assert is_alive(own) is True
    assert is_alive(own | {"started": 0}) is False
    assert is_alive(own | {"host": "elsewhere"}) is None
    assert is_alive(own | {"machine": "another container of the same name"}) is None
    # As earlier versions stored it: their times were of another clock.
    old = own | {"started": psutil.Process().create_time()}
    assert is_alive(old | {"machine": own["machine"].replace(":", "/")}) is None
    del old["machine"]
    assert is_alive(old) is None


def test_is_alive_ignores_a_change_of_the_clock(monkeypatch):
    own = own_lease()
    created = psutil.Process.create_time

    def since_it_was_set(process):
        return created(process) + 3600

    monkeypatch.setattr(psutil.Process, "create_time", since_it_was_set)
    monkeypatch.setattr(psutil, "boot_time", lambda: 3600.0)
    assert own_lease() == own
    assert is_alive(own) is True


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_is_alive_reads_processes_with_unusual_names(tmp_path):
    named = tmp_path / "a) Z 1 (b"
    shutil.copy(shutil.which("sleep"), named)
    process = subprocess.Popen([named, "60"])
    try:
        started = lease._start_of(process.pid)
        of_psutil = psutil.Process(process.pid).create_time() - psutil.boot_time()
        assert started == pytest.approx(of_psutil, abs=2)
        of_it = own_lease() | {"pid": process.pid, "started": started}
        assert is_alive(of_it) is True
        process.kill()
        os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
        assert is_alive(of_it) is False, "a zombie"
    finally:
        process.kill()
        process.wait()
    assert is_alive(of_it) is False


def test_trial_without_heartbeats_is_requeued(laboratory):
    laboratory.store()
    elsewhere = {"host": "elsewhere", "pid": 1, "started": 0.5}
    database = Database(laboratory.url, lease=elsewhere)
    study = database.study("scripted")
    for _ in range(3):
        study.ask()
    never, silent, beating = (trial.trial_id for trial in database.running(study))
    database.beat([silent, beating])
    assert recovery.return_abandoned(database, study, "gone") == []

    beat, trial = models.TrialHeartbeatModel, models.TrialModel
    with database.storage.engine.begin() as connection:
        long_ago = sa.text("'2026-01-01 00:00:00'")
        connection.execute(
            sa.update(beat).where(beat.trial_id == silent).values(heartbeat=long_ago)
        )
        sent = models.TrialSystemAttributeModel  # what those behind a proxy look at
        ages = sa.update(sent).where(sent.trial_id == silent, sent.key == taker.BEAT)
        connection.execute(ages.values(value_json="0"))
    returned = recovery.return_abandoned(database, study, "its machine is silent")
    assert [one.number for one in returned] == [1]
    with database.storage.engine.begin() as connection:
        began = {trial._datetime_start_utc: sa.text("'2026-01-01 00:00:00'")}
        connection.execute(sa.update(trial).where(trial.trial_id == never).values(began))
    returned = recovery.return_abandoned(database, study, "its machine is silent")
    assert [one.number for one in returned] == [0]

    # Taken again, its old heartbeats are not the new worker's.
    assert study.ask().number in (0, 1)
    assert recovery.return_abandoned(database, study, "gone") == []
    database.close()


ELSEWHERE = {"host": "elsewhere", "pid": 1, "started": 0.5}


class Overtaken(Recorder):
    """Claims the trial as another machine, as if this one had been suspended."""

    def __init__(self, url: str, *, ends_at_once: bool) -> None:
        super().__init__()
        self.database = Database(url, lease=ELSEWHERE)
        self.ends_at_once = ends_at_once
        self.trial = None

    def epoch_done(self, number, epoch, value):
        if self.trial is None:
            study = self.database.study("scripted")
            (seen,) = self.database.running(study)
            assert self.database.give_back(seen.trial_id, seen.lease)
            self.trial = study.ask()
            assert self.trial.number == number
            if self.ends_at_once:
                study.tell(self.trial, -1.0)

    def trial_lost(self, number, reason):
        super().trial_lost(number, reason)
        if not self.ends_at_once:
            self.database.study("scripted").tell(number, -1.0)


@pytest.mark.slow
@pytest.mark.parametrize("ends_at_once", [True, False])
def test_trial_taken_over_by_another_machine_is_left_to_it(laboratory, ends_at_once):
    laboratory.behave("slow")
    laboratory.study.write_text(
        laboratory.study.read_text().replace("n_trials = 4", "n_trials = 2")
    )
    recorder = Overtaken(laboratory.url, ends_at_once=ends_at_once)
    run = laboratory.run(workers=1, recorder=recorder)
    assert run.ending == "done"
    lost = [event[1:] for event in recorder.events if event[0] == "lost"]
    assert lost == [(0, "it was ended from outside, or taken over")]
    finished = [event[:2] for event in recorder.events if event[0] == "complete"]
    assert finished == [("complete", 1)]
    first, second = recorder.database.study("scripted").trials
    assert (first.value, first.user_attrs["worker"]["host"]) == (-1.0, "elsewhere")
    assert second.state is TrialState.COMPLETE
    recorder.database.close()


@pytest.mark.slow
def test_run_waits_for_trials_of_other_machines(laboratory):
    laboratory.run(workers=1, n_trials=1)
    database = Database(laboratory.url, lease=ELSEWHERE)
    study = database.study("scripted")
    trial = study.ask()

    class Waiting(Recorder):
        def note(self, text):
            super().note(text)
            if text.startswith("waiting"):
                study.tell(trial, -1.0)

    foreign_study = Database(laboratory.url).study("scripted")
    recorder = Waiting()
    run = laboratory.run(workers=1, recorder=recorder, n_trials=2)
    assert "waiting for 1 trial under way elsewhere" in recorder.notes()
    assert (run.ending, run.counts["complete"]) == ("done", 2)

    # A trial that tuner does not run may never end: the run does not wait for it.
    foreign_study.ask()
    assert laboratory.run(workers=1, n_trials=3).counts["running"] == 1
    database.close()


@pytest.mark.slow
def test_worker_ends_soon_after_its_supervisor_was_killed(laboratory):
    laboratory.behave("endless")
    run = [*program("tuner"), "run", str(laboratory.study), "--storage", laboratory.url]
    with running([*run, "--workers", "1"], laboratory.folder) as process:
        worker = None
        while worker is None:
            assert process.poll() is None
            time.sleep(0.2)
            if laboratory.database.exists():
                database = Database(laboratory.url)
                if "scripted" in database.study_names():
                    trials = database.running(database.study("scripted"))
                    worker = trials[0].lease["pid"] if trials else None
                database.close()
        process.kill()
    psutil.wait_procs([psutil.Process(worker)], timeout=30)
    assert not psutil.pid_exists(worker)
    database = Database(laboratory.url)
    counts = database.counts(database.study("scripted"))
    database.close()
    assert (counts[TrialState.RUNNING], counts[TrialState.WAITING]) == (0, 1)


@pytest.mark.slow
def test_deleted_study_ends_its_run_with_one_line(laboratory):
    laboratory.behave("slow")
    storage = RDBStorage(laboratory.url)
    deleted = []

    def delete_once(number, epoch):
        if not deleted:
            deleted.append(number)
            optuna.delete_study(study_name="scripted", storage=storage)

    recorder = Recorder()
    recorder.on_epoch = delete_once
    with pytest.raises(UnknownNameError, match="no study is stored in"):
        laboratory.run(workers=2, recorder=recorder)
    assert "Traceback" not in recorder.notes()


@pytest.mark.slow
def test_long_epoch_keeps_its_lease_and_a_killed_run_loses_it(laboratory, monkeypatch):
    laboratory.behave("endless")  # a minute an epoch
    code = (
        f"{HEARTBEAT}import tuner.api; "
        f"tuner.api.run({str(laboratory.study)!r}, storage={laboratory.url!r}, workers=1)"
    )
    run = subprocess.Popen([sys.executable, "-c", code])
    try:
        study = database = None
        while not (study and database.running(study)):
            time.sleep(0.5)
            if database is None and laboratory.database.exists():
                database = Database(laboratory.url)
            if database and "scripted" in database.study_names():
                study = database.study("scripted")
        # As seen from another machine, to which a trial is abandoned after some missing beats.
        monkeypatch.setattr(lease.socket, "gethostname", lambda: "elsewhere")
        monkeypatch.setattr(recovery, "SILENT_SECONDS", 12.0)
        first = database.running(study)[0]
        until = time.monotonic() + 20
        while time.monotonic() < until:
            assert recovery.return_abandoned(database, study, "gone") == []
            time.sleep(1)
        processes = [psutil.Process(run.pid), *psutil.Process(run.pid).children(recursive=True)]
        for process in processes:
            process.send_signal(signal.SIGKILL)
        run.wait()
        returned = []
        while not returned:
            returned = recovery.return_abandoned(database, study, "gone")
            time.sleep(1)
        assert [one.number for one in returned] == [first.number]
        assert database.counts(study)[TrialState.RUNNING] == 0
        database.close()
    finally:
        if run.poll() is None:
            os.kill(run.pid, signal.SIGKILL)
