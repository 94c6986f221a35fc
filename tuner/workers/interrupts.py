"""Ctrl-C and SIGTERM as a call, while somebody has work to end in order."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager


@contextmanager
def interrupts(heard: Callable[[signal.Signals], None]) -> Iterator[None]:
    """Calls ``heard`` for each Ctrl-C and SIGTERM during the block, which goes on.

    Only the main thread hears signals; in another one the block is left alone.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def handler(number: int, _frame: object) -> None:
        heard(signal.Signals(number))

    numbers = (signal.SIGINT, signal.SIGTERM)
    before = [signal.signal(number, handler) for number in numbers]
    try:
        yield
    finally:
        for number, old in zip(numbers, before, strict=True):
            signal.signal(number, old)
