"""What a worker prints: a bounded amount at a time, few lines, and nothing quadratic."""

from __future__ import annotations

import contextlib
import os
import threading
import time
from collections.abc import Iterator
from multiprocessing import Pipe
from types import SimpleNamespace

import pytest

from tuner.workers import output
from tuner.workers.output import Output


class Printer:
    """The writing end of a pipe, and what reads it."""

    def __init__(self) -> None:
        reading, self.writing = Pipe(duplex=False)
        self.output = Output(reading)
        self._threads: list[threading.Thread] = []

    def write(self, printed: bytes) -> None:
        """Writes all of it, however little the pipe holds, and waits until some has arrived."""
        self._threads.append(threading.Thread(target=self._write, args=(printed,), daemon=True))
        self._threads[-1].start()
        assert self.output.pipe is not None
        assert self.output.pipe.poll(5)

    def _write(self, printed: bytes) -> None:
        with contextlib.suppress(BrokenPipeError):  # the test has seen enough
            while printed:
                printed = printed[os.write(self.writing.fileno(), printed) :]

    def shown(self) -> list[str]:
        return self.output.lines()

    def close(self) -> None:
        self.output.close()
        for thread in self._threads:
            thread.join(5)
        self.writing.close()


@pytest.fixture
def printer() -> Iterator[Printer]:
    made = Printer()
    yield made
    made.close()


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The seconds that ``output`` reads; no time passes by itself."""
    now = [0.0]
    monkeypatch.setattr(output, "time", SimpleNamespace(monotonic=lambda: now[0]))
    return now


def test_lines_are_shown_when_they_end(printer: Printer) -> None:
    printer.write(b"one\ntwo")
    assert printer.shown() == ["one"]
    printer.write(" ünd drei\r\n".encode())
    assert printer.shown() == ["two ünd drei"]
    printer.write(b"the end")
    printer.writing.close()
    assert printer.shown() == ["the end"]
    assert printer.output.pipe is None
    assert printer.shown() == []


def test_long_output_is_shortened_with_a_notice(clock: list[float], printer: Printer) -> None:
    printer.write(b"".join(b"%d\n" % number for number in range(1000)))
    assert printer.shown() == [str(number) for number in range(200)]
    assert list(printer.output.last) == [str(number) for number in range(980, 1000)]
    assert printer.shown() == []
    clock[0] = 1.0
    printer.write(b"later\n")
    assert printer.shown() == ["… 800 lines that a trial printed are not shown", "later"]


def test_one_call_reads_a_bounded_amount(printer: Printer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(output, "_READ_BYTES", 2**17)
    read = []

    def count(descriptor: int, size: int) -> bytes:
        chunk = os.read(descriptor, size)
        read.append(len(chunk))
        return chunk

    monkeypatch.setattr(output, "os", SimpleNamespace(read=count))
    printer.write(b"x\n" * 2**20)
    printer.shown()
    assert 0 < sum(read) <= 2**17 + 2**16


def test_line_without_an_end_is_cut(printer: Printer) -> None:
    printer.write(b"x" * 2**25 + b"\nnext\n")
    began = time.process_time()
    lines: list[str] = []
    while len(lines) < 2:
        lines += printer.shown()
    assert lines == ["x" * 4096 + " … (cut: a line longer than 4096 bytes)", "next"]
    assert time.process_time() - began < 2  # a quadratic way takes 13 s


@pytest.mark.parametrize("form", [b"%d %%\r", b"\r%d %%"])
def test_of_a_progress_bar_the_last_state_is_shown(printer: Printer, form: bytes) -> None:
    for number in range(1000):
        printer.write(form % number)
        assert printer.shown() == []
    printer.write(b"\n")
    assert printer.shown() == ["999 %"]
