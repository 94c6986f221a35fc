"""The signals that end a run (Ctrl-C, SIGTERM, SIGHUP) as calls, so that the run ends in order."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager

ENDING_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
"""Ctrl-C, the request to end, and the end of the terminal."""


@contextmanager
def interrupts(on_signal: Callable[[signal.Signals], None]) -> Iterator[None]:
    """Calls ``on_signal`` for each of :data:`ENDING_SIGNALS` during the block, which continues.

    After SIGHUP nothing is written to the terminal that is gone. Where SIGHUP is ignored, as
    ``nohup`` does, it stays ignored. Only the main thread gets signals; in another one nothing
    changes.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    # Asked now: a terminal that is gone looks like any other file.
    terminals = [descriptor for descriptor in (1, 2) if os.isatty(descriptor)]

    def handler(number: int, _frame: object) -> None:
        if number == signal.SIGHUP:
            _discard(terminals)
        on_signal(signal.Signals(number))

    hangup = signal.getsignal(signal.SIGHUP)
    numbers = [n for n in ENDING_SIGNALS if n != signal.SIGHUP or hangup is not signal.SIG_IGN]
    before = [signal.signal(number, handler) for number in numbers]
    try:
        yield
    finally:
        for number, old in zip(numbers, before, strict=True):
            signal.signal(number, old)


def _discard(descriptors: Iterable[int]) -> None:
    """Lets what is written to these descriptors from now on go nowhere."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    for descriptor in descriptors:
        os.dup2(nowhere, descriptor)
    os.close(nowhere)
