"""Checks this installation, its data and its database; changes nothing unless asked to."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal

import psutil

from tuner.data import data_home, status
from tuner.errors import SpecError, TunerError
from tuner.storage.database import Database
from tuner.storage.url import chosen_url, masked
from tuner.studies import recovery
from tuner.studies.foreign import foreign_trials, how_to_end
from tuner.studies.provenance import versions
from tuner.units import count, format_bytes
from tuner.workers.request import cores

_LOAD = "from tuner.quiet import load_tensorflow; load_tensorflow()"
_LOAD_SECONDS = 300


@dataclass(frozen=True)
class Finding:
    """One thing that was checked.

    Attributes:
        what: Its name.
        state: ``"ok"``, ``"mended"`` (only with ``repair``) or ``"wrong"``.
        text: What was found, and what to do if it is wrong, in one line.
    """

    what: str
    state: Literal["ok", "mended", "wrong"]
    text: str

    def to_dict(self) -> dict[str, Any]:
        """Returns one element of ``tuner doctor --json``."""
        return {"what": self.what, "state": self.state, "told": self.text}


def examine(storage: str | None = None, *, repair: bool = False) -> Iterator[Finding]:
    """Checks the machine, the packages, the data and the database, one after the other.

    Args:
        storage: As in :func:`tuner.run`.
        repair: Put trials that dead processes have left behind back in the queue. Without it
            nothing is changed.
    """
    free = format_bytes(psutil.virtual_memory().available)
    yield Finding("machine", "ok", f"{count(cores(), 'core')}, {free} of memory free")
    yield _tensorflow()
    yield _data()
    yield from _storage(chosen_url(storage), repair)


def _tensorflow() -> Finding:
    since = time.monotonic()
    try:
        done = subprocess.run(
            [sys.executable, "-c", _LOAD], capture_output=True, text=True, timeout=_LOAD_SECONDS
        )
    except subprocess.TimeoutExpired:
        text = f"did not load in {_LOAD_SECONDS} s; see: python -c 'import tensorflow'"
        return Finding("tensorflow", "wrong", text)
    if done.returncode:
        said = (done.stderr.strip().splitlines() or ["nothing was said"])[-1]
        return Finding("tensorflow", "wrong", said)
    found = versions()
    loaded = f"loaded in {time.monotonic() - since:.1f} s"
    text = f"TensorFlow {found['tensorflow']}, Keras {found['keras']}, {loaded}"
    return Finding("tensorflow", "ok", text)


def _data() -> Finding:
    home = data_home()
    if home.exists() and not os.access(home, os.W_OK | os.X_OK):
        text = f"{home} cannot be written; change its rights, or set TUNER_DATA_HOME"
        return Finding("data", "wrong", text)
    found = status()
    here = sum(one.state != "lack" for one in found)
    more = "" if here == len(found) else "; the others: tuner data"
    return Finding("data", "ok", f"{here} of {len(found)} data sets are here{more}")


def _storage(url: str, repair: bool) -> Iterator[Finding]:
    shown = masked(url)
    file = url.removeprefix("sqlite:///").partition("?")[0]
    if url.startswith("sqlite:///") and not os.access(file, os.F_OK):
        yield Finding("storage", "ok", f"{shown} is not there yet; the first study makes it")
        return
    try:
        database = Database(url, must_exist=True)
    except TunerError as error:
        yield Finding("storage", "wrong", str(error))
        return
    try:
        names = database.study_names()
        yield Finding("storage", "ok", f"{shown}: {count(len(names), 'study', 'studies')}")
        for name in names:
            try:
                yield from _trials(database, name, repair)
            except SpecError as error:  # other studies may be in order
                yield Finding("trials", "wrong", str(error))
    except TunerError as error:
        yield Finding("storage", "wrong", str(error))
    finally:
        database.close()


def _trials(database: Database, name: str, repair: bool) -> Iterator[Finding]:
    study = database.study(name)
    left = "was left behind by a process that is gone"
    if repair:
        # Without a cause, so that it is not counted: why the processes are gone is not known.
        for returned in recovery.return_abandoned(database, study):
            text = f"trial {returned.number} of {name} {left}; it goes back to the queue"
            yield Finding("trials", "mended", text)
    for trial in recovery.abandoned(database, study):
        how = "the next `tuner run` or `tuner worker` puts it back in the queue, or --repair now"
        yield Finding("trials", "wrong", f"trial {trial.number} of {name} {left}; {how}")
    if held := foreign_trials(database, study):
        yield Finding("trials", "ok", how_to_end(database, study, held))
