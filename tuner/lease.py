"""Who runs a trial, and whether that process is still alive.

A process is known by host, pid and start time: a pid alone is soon used again.
"""

from __future__ import annotations

import os
import socket
from collections.abc import Mapping
from typing import Any

import psutil

# Start times are read in ticks of 10 ms and pass through JSON.
_SAME_START_SECONDS = 0.05


def own_lease() -> dict[str, Any]:
    """The lease of this process: ``host``, ``pid`` and ``started`` (seconds since the epoch)."""
    return {
        "host": socket.gethostname(),
        "pid": os.getpid(),
        "started": psutil.Process().create_time(),
    }


def is_alive(lease: Mapping[str, Any]) -> bool | None:
    """Whether the process that holds the lease lives; None if it is on another host."""
    if lease.get("host") != socket.gethostname():
        return None
    try:
        process = psutil.Process(lease["pid"])
        started = process.create_time()
        if process.status() == psutil.STATUS_ZOMBIE:
            return False
    except psutil.NoSuchProcess:
        return False
    return bool(abs(started - lease["started"]) < _SAME_START_SECONDS)
