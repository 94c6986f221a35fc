"""Many workers at one study: trials a second, how long each step waits, and what goes wrong.

    python benchmarks/load.py                       # SQLite, with a dashboard that polls
    python benchmarks/load.py --postgres postgresql+psycopg://user@host/database --seconds 20

The objective is a sleep of 50 ms, without TensorFlow: what is measured is the storage. Every worker
is a process with its own connection; it asks (six parameters, TPE), reports at the rungs of
Hyperband and tells, as a worker of `tuner run` does. The column TPE is the part of ask in which
Optuna's sampler chooses the parameters; the rest of it is the storage. Before the time runs, each
worker reads what is stored, all of them at once: the column loading. At the end the study must
hold each number once, no running trial, and as many finished trials as the workers have counted.
Times are in milliseconds.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

import optuna
from storage import SPEC, fill

from tuner import search
from tuner.search import judging
from tuner.storage.database import Database
from tuner.storage.lease import own_lease
from tuner.storage.retrying import OUTAGE_SECONDS, RetryPolicy
from tuner.trials.reporting import Reporter

OBJECTIVE_SECONDS = 0.05
STEPS = ("ask", "report", "tell")
SAMPLING = "TPE"  # the part of ask that is Optuna's sampler, whatever the storage
LOADING = "loading"  # of the stored trials, once
COLUMNS = (*STEPS, SAMPLING, LOADING)
RUNGS = (1, 3, 9, 27, 81)


def main() -> None:
    """Measures what the command line asks for and prints a table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--postgres", help="URL of a database in which studies may be made")
    parser.add_argument("--seconds", type=float, default=20.0, help="of each measurement")
    parser.add_argument("--stored", type=int, nargs="+", default=[0, 1_000, 10_000])
    parser.add_argument("--workers", type=int, nargs="+", help="processes, instead of the usual")
    parser.add_argument("--work", nargs=2, help=argparse.SUPPRESS)  # one worker: URL, study
    asked = parser.parse_args()
    if asked.work:
        print(json.dumps(work(*asked.work)))
        return
    print(f"{os.cpu_count()} cores, {asked.seconds:g} s each\n")
    head = (
        "database",
        "stored",
        "workers",
        "trials/s",
        *(f"{column} median / 99%" for column in COLUMNS),
    )
    print("| " + " | ".join((*head, "errors")) + " |")
    print("|" + " --- |" * (len(head) + 1))
    with tempfile.TemporaryDirectory() as folder:
        for stored in asked.stored:
            for workers in asked.workers or (1, 4, 8):
                url = f"sqlite:///{folder}/{uuid.uuid4().hex}.db"
                with polled(url):
                    print(row("SQLite", url, stored, workers, asked.seconds), flush=True)
            for workers in (asked.workers or (1, 4, 16, 64)) if asked.postgres else ():
                print(row("PostgreSQL", asked.postgres, stored, workers, asked.seconds), flush=True)


def row(kind: str, url: str, stored: int, workers: int, seconds: float) -> str:
    """Measures one study; returns its line of the table."""
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    name = f"load-{uuid.uuid4().hex[:8]}"
    database = Database(url)
    database.upgrade()
    study = optuna.create_study(storage=database.storage, study_name=name, direction="maximize")
    if stored:
        fill(url, study._study_id, stored, ours=True)
    pipes = dict.fromkeys(("stdin", "stdout", "stderr"), subprocess.PIPE)
    command = [sys.executable, __file__, "--work", url, name]
    processes = [subprocess.Popen(command, text=True, **pipes) for _ in range(workers)]
    for process in processes:
        process.stdout.readline()  # it is ready
    done: list[dict[str, Any]] = []
    errors: list[str] = []
    for process in processes:
        with suppress(BrokenPipeError):  # its error is collected below
            process.stdin.write(str(seconds))
            process.stdin.close()
        process.stdin = None
    for process in processes:
        out, error = process.communicate()
        if process.returncode:
            errors.append(error.strip().splitlines()[-1])
        else:
            done.append(json.loads(out))
    ended = sum(one["ended"] for one in done)
    errors += lost_or_doubled(database, study, stored + ended)
    optuna.delete_study(study_name=name, storage=database.storage)
    database.close()
    cells = [kind, f"{stored:,}", str(workers), f"{ended / seconds:.1f}"]
    for step in COLUMNS:
        times = sorted(1000 * took for one in done for took in one[step]) or [float("nan")]
        last = times[min(len(times) - 1, int(0.99 * len(times)))]
        cells.append(f"{statistics.median(times):.0f} / {last:.0f}")
    return "| " + " | ".join((*cells, "; ".join(errors) or "none")) + " |"


def lost_or_doubled(database: Database, study: optuna.Study, expected: int) -> list[str]:
    """What is wrong with the trials as they are stored."""
    trials = database.storage.get_all_trials(study._study_id, deepcopy=False)
    finished = sum(trial.state.is_finished() for trial in trials)
    wrong = []
    if finished != expected:
        wrong.append(f"{finished} finished trials instead of {expected}")
    if sorted(trial.number for trial in trials) != list(range(len(trials))):
        wrong.append("numbers are missing or doubled")
    if len(trials) != finished:
        wrong.append(f"{len(trials) - finished} trials have not ended")
    return wrong


def work(url: str, name: str) -> dict[str, Any]:
    """Runs trials for the seconds read from standard input; returns the seconds of each step."""
    import scipy.special  # noqa: F401 - in a real worker Keras has it already

    retry = RetryPolicy(OUTAGE_SECONDS)
    database = Database(url, lease=own_lease(), wanted=10**6, retry=retry)
    study = database.study(name)
    study.sampler, study.pruner = search.make_sampler(SPEC), search.make_pruner(SPEC)
    took: dict[str, Any] = {step: [] for step in COLUMNS} | {"ended": 0}
    sample = study.sampler.sample_relative

    def sample_relative(*args: Any) -> dict[str, Any]:
        with timed(took[SAMPLING]):
            return sample(*args)

    study.sampler.sample_relative = sample_relative
    with timed(took[LOADING]):
        study.get_trials(deepcopy=False)
    print("ready", flush=True)
    end = time.monotonic() + float(sys.stdin.read())
    while time.monotonic() < end:
        with timed(took["ask"]):
            trial = study.ask()
            with database.together():
                SPEC.search_space.suggest(trial)
        time.sleep(OBJECTIVE_SECONDS)
        value = trial.params["dropout"]
        reporter = Reporter(trial, judging(SPEC), database, RUNGS[-1])
        for rung in RUNGS:
            with timed(took["report"]):
                reporter.pruned(rung, value)
        with timed(took["tell"]):
            study.tell(trial, value)
        took["ended"] += 1
    database.close()
    return took


@contextmanager
def timed(seconds: list[float]) -> Iterator[None]:
    """Adds to the list how long the block takes."""
    since = time.perf_counter()
    yield
    seconds.append(time.perf_counter() - since)


@contextmanager
def polled(url: str) -> Iterator[None]:
    """While the block runs, a dashboard on the database is asked twice a second, as by its page."""
    from tuner.dashboard.app import (
        open_server,  # here: not every worker needs it, and it takes long
    )

    database = Database(url)
    server = open_server(database, "127.0.0.1", 0)
    over = threading.Event()

    def poll() -> None:
        while not over.wait(0.5):
            with urllib.request.urlopen(f"http://127.0.0.1:{server.server_port}/api/studies"):
                pass

    threads = [threading.Thread(target=one) for one in (server.serve_forever, poll)]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        over.set()
        threads[1].join()
        server.shutdown()
        threads[0].join()
        server.server_close()
        database.close()


if __name__ == "__main__":
    main()
