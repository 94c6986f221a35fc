"""Runs a replay in a worker process: forked and limited to one thread, as that of a search."""

from __future__ import annotations

from collections.abc import Callable
from multiprocessing.connection import wait
from typing import Any

from tuner.trials.repeated import Repeated
from tuner.workers.limits import Limits
from tuner.workers.messages import Ready, Refused, ReplayJob
from tuner.workers.outcomes import cause_of_death
from tuner.workers.process import WorkerProcess

_TICK_SECONDS = 0.2


def run_replay(
    job: ReplayJob,
    accept: Callable[[dict[str, Any]], None],
    note: Callable[[str], None],
    limits: Limits | None,
) -> Repeated:
    """Trains a stored trial again in a process of its own.

    Args:
        job: What to train.
        accept: Called with the description of the data before the training; it raises if they are
            others.
        note: Called with the lines that the process prints.
        limits: Limits that the trial must keep, or None. A trial that breaks one has failed, as in
            a search.

    Raises:
        TunerError: The data are others, or the study cannot be run here.
        WorkerError: No process can be started.
    """
    worker = WorkerProcess(job)
    try:
        while True:
            wait(worker.readable, _TICK_SECONDS)
            for line in worker.printed():
                note(line)
            try:
                for message in worker.receive():
                    match message:
                        case Ready(data=data):
                            accept(data)
                            worker.run_trial()
                        case Refused(error=error):
                            raise error
                        case Repeated():
                            return message
            except EOFError:
                return Repeated("fail", reason=cause_of_death(worker.exitcode))
            if limits is not None:
                limits.look()
                if (broken := limits.broken(worker)) is not None:
                    return Repeated("fail", reason=broken)
    finally:
        worker.kill()
