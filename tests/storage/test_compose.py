"""docker-compose.yml: what it says is true, and its commands, as plain processes, run a study."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import time
import urllib.request
from contextlib import ExitStack
from pathlib import Path

import pytest
import typer.main
import yaml
from optuna.trial import TrialState
from processes import WAIT_SECONDS, program, running
from servers import Postgres

from tuner.cli import app
from tuner.spec.units import seconds
from tuner.storage.database import Database

ROOT = Path(__file__).parents[2]
TEXT = (ROOT / "docker-compose.yml").read_text()
COMPOSE = yaml.safe_load(TEXT)
OURS = {name: one for name, one in COMPOSE["services"].items() if one["image"] == "tuner"}
VARIABLE = re.compile(r"\$\{(\w+)(?::-([^}]*)|:\?[^}]*)\}")


def expanded(text: str, **variables: str) -> str:
    """With variables as Compose puts them in."""
    return VARIABLE.sub(lambda found: variables.get(found[1], found[2] or ""), text)


@pytest.mark.parametrize("name", OURS)
def test_the_commands_exist(name: str) -> None:
    command, *words = [expanded(word) for word in OURS[name]["command"]]
    found = typer.main.get_command(app).commands[command]  # type: ignore[attr-defined]
    found.make_context(command, words)  # raises on an option that does not exist


def test_every_variable_is_explained() -> None:
    told = re.findall(r"^\| `(\w+)`", (ROOT / "docs" / "compose.md").read_text(), re.MULTILINE)
    assert set(told) == {found[1] for found in VARIABLE.finditer(TEXT)}
    assert len(VARIABLE.findall(TEXT)) == TEXT.count("${")


def test_nothing_secret_is_written_and_nothing_listens_to_the_world() -> None:
    for service in COMPOSE["services"].values():
        for key, value in service["environment"].items():
            if "PASSWORD" in key or "TOKEN" in key:
                assert re.fullmatch(r"\$\{\w+:\?.*\}", value), key
        assert all(port.startswith("127.0.0.1:") for port in service.get("ports", []))
    assert ":" not in COMPOSE["x-storage"]["TUNER_STORAGE"].split("//")[1].split("@")[0]


def test_services_wait_for_a_healthy_database() -> None:
    assert COMPOSE["services"]["database"]["healthcheck"]["test"][1] == "pg_isready"
    for name, service in OURS.items():
        assert service["depends_on"]["database"]["condition"] == "service_healthy"
        if name != "schema":
            made = service["depends_on"]["schema"]["condition"]
            assert made == "service_completed_successfully"
    # Else Compose kills a worker that is still finishing its trial.
    grace = OURS["worker"]["command"][-1]
    assert seconds(OURS["worker"]["stop_grace_period"]) > seconds(grace)
    volumes = [v.split(":")[0] for s in COMPOSE["services"].values() for v in s.get("volumes", [])]
    assert set(COMPOSE["volumes"]) <= set(volumes)


def test_the_image_copies_what_there_is_and_runs_as_nobody_special() -> None:
    lines = (ROOT / "Dockerfile").read_text().splitlines()
    copied = [word for line in lines if line.startswith("COPY ") for word in line.split()[1:-1]]
    assert [word for word in copied if not (ROOT / word).exists()] == []
    last = [line for line in lines if line.split(" ")[0] in ("USER", "ENTRYPOINT")]
    assert last == ["USER tuner", 'ENTRYPOINT ["tuner"]']


@pytest.mark.slow
def test_the_same_commands_run_a_study(tmp_path: Path, server: Postgres) -> None:
    url, token = server.new_database(), "a-token"
    variables = {"TUNER_DASHBOARD_TOKEN": token, "TUNER_DATABASE_PASSWORD": "unused"}

    def started(name: str, *words: str) -> subprocess.Popen[str]:
        """A service's own command, or another of its image, as a plain process."""
        service = OURS[name]
        environment = {k: expanded(v, **variables) for k, v in service["environment"].items()}
        environment |= {"TUNER_STORAGE": url, "TUNER_CHECKPOINTS": str(tmp_path / "checkpoints")}
        environment["TUNER_DATA_HOME"] = str(tmp_path / "data")
        command = [*program("tuner"), *(words or service["command"])]
        process = running(command, tmp_path, env=os.environ | environment)
        return stack.enter_context(process)

    def ended(process: subprocess.Popen[str]) -> str:
        out, error = process.communicate(timeout=2 * WAIT_SECONDS)
        assert process.returncode == 0, error
        return out

    with ExitStack() as stack:
        assert "newest form" in ended(started("schema"))
        page = started("dashboard", "dashboard", "--port", "0", "--host", "127.0.0.1")
        assert page.stderr
        address = page.stderr.readline().split(" on ")[1].split()[0]
        workers = [started("worker") for _ in range(2)]  # --scale worker=2
        submitted = started("worker", "submit", "line", "--n-trials", "4")
        assert "is up for work: 4 trials wanted" in ended(submitted)
        until = time.monotonic() + 2 * WAIT_SECONDS
        while "done" not in (told := listed(ended(started("worker", "studies")))):
            assert time.monotonic() < until, told
            assert all(worker.poll() is None for worker in workers)
            time.sleep(1)
        for worker in workers:
            worker.send_signal(signal.SIGTERM)
        for worker in workers:
            ended(worker)
        asked = urllib.request.Request(
            f"{address}api/studies", headers={"Authorization": f"Bearer {token}"}
        )
        with urllib.request.urlopen(asked) as answer:
            assert b"line" in answer.read()
    database = Database(url)
    counts = database.counts(database.study("line"))
    database.close()
    assert counts[TrialState.COMPLETE] + counts[TrialState.PRUNED] == 4
    assert counts[TrialState.RUNNING] == 0


def listed(studies: str) -> str:
    """The line of `tuner studies` about the study that is stored."""
    return next(line for line in studies.splitlines() if "stored" in line)
