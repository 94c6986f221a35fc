"""Starts worker processes from a server that has imported the learner's runtime and run nothing.

Importing TensorFlow takes seconds and hundreds of megabytes; a fork of a process that has
done so takes milliseconds and shares its memory. So workers can be thrown away at any time. A
supervisor has one fork server for each runtime that its studies need: a study of trees does not
wait for TensorFlow, and a service that runs both kinds imports each runtime once.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import sys
import types
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing import forkserver, resource_tracker
from multiprocessing.connection import Connection
from multiprocessing.context import ForkServerProcess
from multiprocessing.forkserver import ForkServer
from pathlib import Path

from tuner.errors import WorkerError
from tuner.learners.registry import runtime_of
from tuner.workers.interrupts import ENDING_SIGNALS
from tuner.workers.messages import Job

_context = multiprocessing.get_context("forkserver")
_servers: dict[tuple[str, ...], ForkServer] = {}  # by what they have imported

# Read when TensorFlow is imported or first used. One thread a worker: on small matrices two
# threads are slower than one, and there is a worker for every core. On a GPU, several
# workers share its memory only if each takes what it needs.
_ENVIRONMENT = {
    "TF_CPP_MIN_LOG_LEVEL": "3",
    "TF_FORCE_GPU_ALLOW_GROWTH": "true",
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "KERAS_BACKEND": "tensorflow",
}


def start_process(job: Job) -> tuple[ForkServerProcess, Connection, Connection]:
    """Starts a worker; the first one waits until the fork server has imported the runtime.

    Returns:
        The process, the pipe of messages to and from it, and the pipe from which what it
        prints is read.

    Raises:
        WorkerError: The fork server died.
    """
    from tuner.workers.entry import work

    server, runtime = _running_server(job.spec.model, job.spec.base)
    messages, worker_messages = _context.Pipe(duplex=True)
    output, worker_output = _context.Pipe(duplex=False)
    # The worker holds the reading end, too: after its supervisor was killed, what a user's code
    # prints must not fail the trial by a broken pipe.
    pipes = (worker_messages, worker_output, output)
    process = _context.Process(target=work, args=(job, *pipes), daemon=True)
    try:
        with _no_main_module(), _forked_by(server):
            process.start()
    except (EOFError, ConnectionError) as exc:
        what, module = (
            (runtime, runtime.lower()) if runtime else ("Python", "tuner.workers.preload")
        )
        raise WorkerError(
            f"the process that loads {what} for the workers died; see what this says: "
            f"python -c 'import {module}'"
        ) from exc
    except KeyboardInterrupt:
        if process.pid is not None:
            process.kill()  # at the end Python would wait for it, and it ignores SIGTERM
        raise
    worker_messages.close()
    worker_output.close()
    return process, messages, output


def begin_loading(model: str, base: Path) -> None:
    """Lets a fork server begin to import what a model's workers need, and does not wait for it.

    The supervisor's own imports take about as long as those of scikit-learn: both at once save a
    quarter of the time until the first trial. TensorFlow takes so much longer that little would
    be saved, and after an error in the study it would be loaded in vain.
    """
    preload, runtime = runtime_of(model, base)
    if preload and not runtime:
        _running_server(model, base)


def _running_server(model: str, base: Path) -> tuple[ForkServer, str]:
    """Returns the fork server for a model, and what people call what it imports."""
    preload, runtime = runtime_of(model, base)
    server = _servers.setdefault(preload, ForkServer())
    server.set_forkserver_preload([*preload, "tuner.workers.preload"])
    with _worker_environment(), _signals_blocked():
        server.ensure_running()
    return server, runtime


@contextmanager
def _forked_by(server: ForkServer) -> Iterator[None]:
    """Lets multiprocessing fork from this server; it knows one for the whole process."""
    usual = forkserver.connect_to_new_process
    forkserver.connect_to_new_process = server.connect_to_new_process
    try:
        yield
    finally:
        forkserver.connect_to_new_process = usual


@contextmanager
def _worker_environment() -> Iterator[None]:
    before = {key: os.environ.get(key) for key in _ENVIRONMENT}
    os.environ.update(_ENVIRONMENT)
    try:
        yield
    finally:
        for key, value in before.items():
            if value is None:
                del os.environ[key]
            else:
                os.environ[key] = value


@contextmanager
def _no_main_module() -> Iterator[None]:
    """Hides the program's main module while a process starts.

    multiprocessing runs the main script again in the child. A user's three-line script calls
    ``tuner.run`` at its top level and must not have to guard against that.
    """
    main = sys.modules["__main__"]
    sys.modules["__main__"] = types.ModuleType("__main__")
    try:
        yield
    finally:
        sys.modules["__main__"] = main


@contextmanager
def _signals_blocked() -> Iterator[None]:
    """Starts the fork server where signals that end a run do not reach it or the workers.

    A terminal sends Ctrl-C and SIGHUP to the whole group of processes, a service manager SIGTERM:
    the supervisor alone decides what they mean. Blocked, not ignored: a signal that comes now
    reaches the supervisor afterwards.
    """
    resource_tracker.ensure_running()  # it lets signals through again when it is started
    before = signal.pthread_sigmask(signal.SIG_BLOCK, ENDING_SIGNALS)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
