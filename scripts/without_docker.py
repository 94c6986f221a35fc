"""Starts what docker-compose.yml starts, but its database, as plain processes: without Docker.

The commands and variables are those of the file; what is set already counts more, and a folder of a
container is none here. Nothing that ends is started again.

    export TUNER_STORAGE=postgresql+psycopg://tuner@HOST/tuner TUNER_DATABASE_PASSWORD=…
    export TUNER_DASHBOARD_TOKEN=…
    python scripts/without_docker.py up 4                      # 4 workers; Ctrl-C ends all
    python scripts/without_docker.py run worker submit wine
"""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

FILE = Path(__file__).parents[1] / "docker-compose.yml"
VARIABLE = re.compile(r"\$\{(?P<name>\w+)(?::-(?P<usual>[^}]*)|:\?(?P<reason>[^}]*))\}")
TUNER = [sys.executable, "-c", "from tuner.cli import main; main()"]
FINE = (0, -signal.SIGTERM, 128 + signal.SIGTERM)  # the others: ended because they were asked to


def expanded(text: str, variables: Mapping[str, str]) -> str:
    """The text with variables as Compose puts them in; ends the script if one is missing."""

    def value(found: re.Match[str]) -> str:
        if found["reason"] and not variables.get(found["name"]):
            sys.exit(f"{found['name']} is not set: {found['reason']}")
        return variables.get(found["name"]) or found["usual"] or ""

    return VARIABLE.sub(value, text)


def start(service: Mapping[str, Any], words: Sequence[str] = ()) -> subprocess.Popen[bytes]:
    """Starts a service's own command, or another of its image."""
    stated = {key: expanded(value, os.environ) for key, value in service["environment"].items()}
    here = {key: value for key, value in stated.items() if not value.startswith("/")}
    command = [*TUNER, *(words or service["command"])]
    for port in [] if words else service.get("ports", []):
        # A container may listen to all the world, since only this leads to it.
        host, number, _ = expanded(port, os.environ).split(":")
        command += ["--host", host, "--port", number]
    # In a group of its own: Ctrl-C reaches this process only, which ends the others.
    return subprocess.Popen(command, env=here | os.environ, process_group=0)


def up(services: Mapping[str, Any], workers: int) -> int:
    """Starts all services and waits for their ends; returns the status of one that failed, or 0."""
    if status := start(services["schema"]).wait():
        return status
    running: list[subprocess.Popen[bytes]] = []
    stopping = False

    def end(*_: object) -> None:
        nonlocal stopping
        stopping = True
        for process in running:
            process.terminate()

    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, end)
    for name in ["dashboard", *workers * ["worker"]]:
        running.append(start(services[name]))
    if stopping:
        end()  # including those started in the meantime
    ends = [process.wait() for process in running]
    return next((status for status in ends if status not in FINE), 0)


def main(words: Sequence[str]) -> int:
    """Does what the words say, as ``docker compose`` would."""
    services = yaml.safe_load(FILE.read_text(encoding="utf-8"))["services"]
    match words:
        case ["up"]:
            return up(services, 1)
        case ["up", number] if number.isdecimal():
            return up(services, int(number))
        case ["run", "schema" | "dashboard" | "worker" as name, *command]:
            return start(services[name], command).wait()
    sys.exit(__doc__)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
