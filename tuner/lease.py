"""Who runs a trial, and whether that process is still alive.

A process is known by host, machine, pid and start time: a pid alone is soon used again, and two
machines or containers may have one name. Of a process elsewhere only its heartbeats tell.
"""

from __future__ import annotations

import functools
import os
import socket
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import psutil

# Start times are read in ticks of 10 ms and pass through JSON.
_SAME_START_SECONDS = 0.05


def own_lease() -> dict[str, Any]:
    """The lease of this process.

    Returns:
        ``host``, ``machine``, ``pid`` and ``started`` (seconds since the epoch).
    """
    return {
        "host": socket.gethostname(),
        "machine": _machine(),
        "pid": os.getpid(),
        "started": psutil.Process().create_time(),
    }


def is_alive(lease: Mapping[str, Any]) -> bool | None:
    """Whether the process that holds the lease lives; None if that cannot be seen from here."""
    if lease.get("host") != socket.gethostname() or lease.get("machine", "") not in (
        "",  # stored by an earlier version
        _machine(),
    ):
        return None
    try:
        process = psutil.Process(lease["pid"])
        started = process.create_time()
        if process.status() == psutil.STATUS_ZOMBIE:
            return False
    except psutil.NoSuchProcess:
        return False
    return bool(abs(started - lease["started"]) < _SAME_START_SECONDS)


@functools.cache
def _machine() -> str:
    """The boot and the table of processes that a pid belongs to: a container has its own table."""
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
        return f"{boot}/{Path('/proc/self/ns/pid').stat().st_ino}"
    except OSError:  # not Linux
        return str(int(psutil.boot_time()))
