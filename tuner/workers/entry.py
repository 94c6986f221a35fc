"""Where a worker process begins; imports nothing heavy, so the supervisor can name it."""

from __future__ import annotations

import os
import signal
from multiprocessing.connection import Connection

from tuner.workers.messages import Job


def work(job: Job, messages: Connection, output: Connection) -> None:
    """Runs in the worker process until the supervisor closes ``messages``."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    # What a user's code prints must reach neither the results nor the progress display.
    os.dup2(output.fileno(), 1)
    os.dup2(output.fileno(), 2)
    output.close()

    from tuner.workers.worker import Worker

    Worker(job, messages).run()
