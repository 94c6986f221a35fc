"""Where a worker process begins; imports nothing heavy, so the supervisor can name it."""

from __future__ import annotations

import os
import signal
from multiprocessing.connection import Connection

from tuner.errors import WorkerError
from tuner.quiet import load_tensorflow
from tuner.workers.messages import Job, Refused


def work(job: Job, messages: Connection, output: Connection) -> None:
    """Runs in the worker process until the supervisor closes ``messages``."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    # What a user's code prints must reach neither the results nor the progress display.
    os.dup2(output.fileno(), 1)
    os.dup2(output.fileno(), 2)
    output.close()

    try:
        load_tensorflow()  # at once, because the fork server has done it
    except WorkerError as error:
        messages.send(Refused(error))
        return

    from tuner.workers.worker import Worker

    Worker(job, messages).run()
