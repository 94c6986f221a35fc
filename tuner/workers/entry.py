"""Where a worker process begins; imports nothing heavy, so the supervisor can name it."""

from __future__ import annotations

import os
import signal
from multiprocessing.connection import Connection

from tuner.workers.interrupts import ENDING_SIGNALS
from tuner.workers.messages import Job, ReplayJob


def work(job: Job, messages: Connection, output: Connection, reading_end: Connection) -> None:
    """Runs in the worker process until the supervisor closes ``messages``.

    Args:
        job: What to work on.
        messages: To and from the supervisor.
        output: What is printed here goes there.
        reading_end: Of ``output``; held open so that printing never fails, even without a reader.
            Once the pipe is full, printing waits, until this process leaves with its supervisor.
    """
    _leave_signals_to_supervisor()
    # What a user's code prints must reach neither the results nor the progress display.
    os.dup2(output.fileno(), 1)
    os.dup2(output.fileno(), 2)
    output.close()

    from tuner.workers.worker import Worker

    if isinstance(job, ReplayJob):
        from tuner.workers.replay_worker import ReplayWorker

        ReplayWorker(job, messages).run()
    else:
        Worker(job, messages).run()
    reading_end.close()


def _leave_signals_to_supervisor() -> None:
    """Ignores the signals that end a run, but not in the processes that a user's code starts.

    Those would inherit a signal that is blocked or set to SIG_IGN, and a worker of a user's
    process pool, for example, is ended by SIGTERM.
    """
    for number in ENDING_SIGNALS:
        signal.signal(number, _nothing)
    os.register_at_fork(after_in_child=_restore_signals)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, ENDING_SIGNALS)


def _nothing(_number: int, _frame: object) -> None:
    """Handles a signal by doing nothing."""


def _restore_signals() -> None:
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    signal.signal(signal.SIGHUP, signal.SIG_DFL)
