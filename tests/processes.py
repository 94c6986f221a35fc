"""Real processes of the programs that come with the tests' environment."""

from __future__ import annotations

import json
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

WAIT_SECONDS = 120


def program(name: str) -> list[str]:
    """How a program of this environment is started: ``tuner``, ``optuna``, ``optuna-dashboard``."""
    if name == "tuner":
        return [sys.executable, "-c", "from tuner.cli import main; main()"]
    return [str(Path(sys.executable).with_name(name))]


@contextmanager
def running(words: Sequence[str], folder: Path, **options: Any) -> Iterator[subprocess.Popen[str]]:
    """A process with both outputs piped, killed at the end if it is still there."""
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE} | options
    process = subprocess.Popen(words, cwd=folder, text=True, **pipes)
    try:
        yield process
    finally:
        process.kill()
        process.wait()
        for pipe in (process.stdout, process.stderr, process.stdin):
            if pipe:
                pipe.close()


def ask(url: str) -> Any:
    """The JSON document behind a URL, as soon as a server answers."""
    deadline = time.monotonic() + WAIT_SECONDS
    while True:
        try:
            with urllib.request.urlopen(url, timeout=WAIT_SECONDS) as answer:
                return json.load(answer)
        except urllib.error.URLError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.1)
