"""Who runs a trial, and whether that process is still alive.

A process is identified by host, machine, pid and start time: a pid alone is soon reused, and two
machines or containers may have one name. A process elsewhere is known only by its heartbeats.
"""

from __future__ import annotations

import functools
import os
import socket
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import psutil

# Start times are read in ticks of 10 ms and pass through JSON.
_SAME_START_SECONDS = 0.05


def own_lease() -> dict[str, Any]:
    """The lease of this process.

    Returns:
        ``host``, ``machine``, ``pid`` and ``started``, see :func:`_start_of`.
    """
    return {
        "host": socket.gethostname(),
        "machine": _machine(),
        "pid": os.getpid(),
        "started": _start_of(os.getpid()),
    }


def is_alive(lease: Mapping[str, Any]) -> bool | None:
    """Whether the process of the lease is alive; None if it is on another machine."""
    if lease.get("host") != socket.gethostname() or lease.get("machine") != _machine():
        return None
    try:
        started = _start_of(lease["pid"])
        if psutil.Process(lease["pid"]).status() == psutil.STATUS_ZOMBIE:
            return False
    except (psutil.NoSuchProcess, FileNotFoundError, ProcessLookupError):
        return False
    return bool(abs(started - lease["started"]) < _SAME_START_SECONDS)


def _start_of(pid: int) -> float:
    """When a process started, in seconds; only to be compared, on the same machine.

    On Linux, since the machine did. psutil adds the time of day of that, which changes when the
    clock is set; every process would then seem to be another one.
    """
    if sys.platform != "linux":
        return psutil.Process(pid).create_time()
    stat = Path(f"/proc/{pid}/stat").read_bytes()
    # Field 22; the second is the program's name in parentheses, and may hold any others.
    return int(stat.rpartition(b")")[2].split()[19]) / os.sysconf("SC_CLK_TCK")


@functools.cache
def _machine() -> str:
    """The boot and the table of processes that a pid belongs to: a container has its own table.

    Versions before the first release wrote it with a slash, and counted ``started`` from the
    epoch. Their leases are thus of another machine, and their processes never count as dead.
    """
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
        return f"{boot}:{Path('/proc/self/ns/pid').stat().st_ino}"
    except OSError:  # not Linux
        return str(int(psutil.boot_time()))
