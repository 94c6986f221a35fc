"""docker-compose.yml: what it says is true, and its commands, as plain processes, run a study."""

from __future__ import annotations

import os
import re
import runpy
import signal
import subprocess
import sys
import time
import urllib.request
from contextlib import ExitStack
from pathlib import Path

import psycopg
import pytest
import sqlalchemy as sa
import typer.main
import yaml
from optuna.trial import TrialState
from processes import WAIT_SECONDS, running
from servers import PORT, Postgres, programs

from tuner.cli import app
from tuner.errors import StorageError
from tuner.spec.quantities import seconds
from tuner.storage.database import Database

ROOT = Path(__file__).parents[2]
TEXT = (ROOT / "docker-compose.yml").read_text()
DOCS = (ROOT / "docs" / "compose.md").read_text()
COMPOSE = yaml.safe_load(TEXT)
OURS = {name: one for name, one in COMPOSE["services"].items() if one["image"] == "tuner"}
SCRIPT = ROOT / "scripts" / "without_docker.py"
VARIABLE = runpy.run_path(str(SCRIPT))["VARIABLE"]


@pytest.mark.parametrize("name", OURS)
def test_the_commands_exist(name: str) -> None:
    command, *words = OURS[name]["command"]
    found = typer.main.get_command(app).commands[command]  # type: ignore[attr-defined]
    found.make_context(command, words)  # raises on an option that does not exist


def test_every_variable_is_explained() -> None:
    told = re.findall(r"^\| `(\w+)`", DOCS, re.MULTILINE)
    assert set(told) == {found["name"] for found in VARIABLE.finditer(TEXT)}
    assert len(VARIABLE.findall(TEXT)) == TEXT.count("${")


def test_nothing_secret_is_written_and_nothing_listens_to_the_world() -> None:
    for service in COMPOSE["services"].values():
        for key, value in service["environment"].items():
            if "PASSWORD" in key or "TOKEN" in key:
                assert re.fullmatch(r"\$\{\w+:\?.*\}", value), key
        assert all(port.startswith("127.0.0.1:") for port in service.get("ports", []))
    assert ":" not in COMPOSE["x-storage"]["TUNER_STORAGE"].split("//")[1].split("@")[0]


def test_services_wait_for_a_healthy_database() -> None:
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


def test_the_image_is_built_once_and_never_fetched() -> None:
    assert [name for name, service in COMPOSE["services"].items() if "build" in service] == [
        "schema"
    ]
    for name, service in OURS.items():
        if name != "schema":
            assert service["pull_policy"] == "never"


def test_who_is_to_run_comes_back_with_the_machine() -> None:
    policies = {name: service["restart"] for name, service in COMPOSE["services"].items()}
    assert policies.pop("schema") == "on-failure"
    assert set(policies.values()) == {"unless-stopped"}


def test_a_database_that_is_being_made_is_not_healthy_yet(server: Postgres) -> None:
    """As the tests' own server, that of the image first listens on its socket only."""
    found = programs()
    assert found
    folder = sa.make_url(server.url()).query["host"]
    kind, program, *words = COMPOSE["services"]["database"]["healthcheck"]["test"]
    assert (kind, program) == ("CMD", "pg_isready")
    where = os.environ | {"PGHOST": str(folder), "PGPORT": str(PORT)}
    by_socket = [word for word in words if not word.startswith("--host")]
    assert subprocess.run([found / program, *by_socket], env=where).returncode == 0
    assert subprocess.run([found / program, *words], env=where).returncode == 2


def test_the_secrets_lie_in_a_file_that_nobody_else_can_read(tmp_path: Path) -> None:
    making = next(block for block in re.findall(r"```sh\n(.*?)```", DOCS, re.DOTALL))
    file = tmp_path / ".tuner" / "compose.env"
    environment = os.environ | {"HOME": str(tmp_path)}
    subprocess.run(["bash", "-c", making], env=environment, check=True)
    made = file.read_text()
    assert file.stat().st_mode & 0o777 == 0o600
    assert file.parent.stat().st_mode & 0o777 == 0o700
    values = dict(line.split("=") for line in made.splitlines())
    needed = {found["name"] for found in VARIABLE.finditer(TEXT) if found["told"]}
    assert values.keys() == needed
    assert all(re.fullmatch(r"[\w-]{40,}", value) for value in values.values())
    again = subprocess.run(["bash", "-c", making], env=environment, stderr=subprocess.PIPE)
    assert again.returncode != 0
    assert file.read_text() == made
    assert f"COMPOSE_ENV_FILES=~/{file.relative_to(tmp_path)} " in DOCS
    for ignored in (".gitignore", ".dockerignore"):
        assert ".env" in (ROOT / ignored).read_text().splitlines()


@pytest.mark.parametrize("missing", ["TUNER_DATABASE_PASSWORD", "TUNER_DASHBOARD_TOKEN"])
def test_without_a_secret_nothing_starts(missing: str) -> None:
    service = "dashboard"  # has both
    told = {"TUNER_DATABASE_PASSWORD": "a", "TUNER_DASHBOARD_TOKEN": "b" * 16, "PATH": os.defpath}
    del told[missing]
    words = [sys.executable, SCRIPT, "run", service, "--help"]
    done = subprocess.run(words, env=told, capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith(f"{missing} is not set: set it as docs/compose.md")


def test_a_password_may_stand_in_a_file(
    server: Postgres, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = server.new_database()
    parsed = sa.make_url(url)
    folder, port = parsed.query["host"], parsed.query["port"]
    where = f"host={folder} port={port} user=tuner dbname={parsed.database}"
    with psycopg.connect(where, autocommit=True) as connection:
        connection.execute("DROP ROLE IF EXISTS guarded")
        connection.execute("CREATE ROLE guarded LOGIN SUPERUSER PASSWORD 'open sesame'")
        rules = Path(connection.execute("SHOW hba_file").fetchone()[0])  # type: ignore[index]
        before = rules.read_text()
        rules.write_text(f"local all guarded scram-sha-256\n{before}")
        connection.execute("SELECT pg_reload_conf()")
    file = tmp_path / "pgpass"
    file.write_text("*:*:*:guarded:open sesame\n")
    monkeypatch.delenv("PGPASSWORD", raising=False)
    monkeypatch.setenv("PGPASSFILE", str(file))
    guarded = url.replace("tuner@", "guarded@")
    try:
        file.chmod(0o644)
        with pytest.raises(StorageError, match="no password supplied"):
            Database(guarded)
        file.chmod(0o600)
        database = Database(guarded)
        assert database.study_names() == []
        database.close()
    finally:
        rules.write_text(before)


def test_the_image_copies_what_there_is_and_runs_as_nobody_special() -> None:
    lines = (ROOT / "Dockerfile").read_text().splitlines()
    copied = [word for line in lines if line.startswith("COPY ") for word in line.split()[1:-1]]
    assert [word for word in copied if not (ROOT / word).exists()] == []
    last = [line for line in lines if line.split(" ")[0] in ("USER", "ENTRYPOINT")]
    assert last == ["USER tuner", 'ENTRYPOINT ["tuner"]']


@pytest.mark.slow
def test_the_same_commands_run_a_study(tmp_path: Path, server: Postgres) -> None:
    url, token = server.new_database(), "a-token-of-24-characters"
    environment = os.environ | {
        "TUNER_STORAGE": url,
        "TUNER_DATABASE_PASSWORD": "unused",
        "TUNER_DASHBOARD_TOKEN": token,
        "TUNER_PORT": "0",
        "TUNER_CHECKPOINTS": str(tmp_path / "checkpoints"),
        "TUNER_DATA_HOME": str(tmp_path / "data"),
    }

    def started(*words: str) -> subprocess.Popen[str]:
        process = running([sys.executable, str(SCRIPT), *words], tmp_path, env=environment)
        return stack.enter_context(process)

    def ended(process: subprocess.Popen[str]) -> str:
        out, error = process.communicate(timeout=2 * WAIT_SECONDS)
        assert process.returncode == 0, error
        return out

    with ExitStack() as stack:
        services = started("up", "2")
        stack.callback(services.wait)
        stack.callback(services.terminate)  # killed, it would leave the others behind
        assert services.stdout
        assert "newest form" in services.stdout.readline()
        assert services.stderr
        said = next(line for line in services.stderr if " on http" in line)
        address = said.split(" on ")[1].split()[0]
        assert address.startswith("http://127.0.0.1:")
        submitted = started("run", "worker", "submit", "line", "--n-trials", "4")
        assert "is submitted: 4 trials wanted" in ended(submitted)
        until = time.monotonic() + 2 * WAIT_SECONDS
        while "done" not in (told := listed(ended(started("run", "worker", "studies")))):
            assert time.monotonic() < until, told
            assert services.poll() is None
            time.sleep(1)
        asked = urllib.request.Request(
            f"{address}api/studies", headers={"Authorization": f"Bearer {token}"}
        )
        with urllib.request.urlopen(asked) as answer:
            assert b"line" in answer.read()
        services.send_signal(signal.SIGTERM)
        ended(services)
    database = Database(url)
    counts = database.counts(database.study("line"))
    database.close()
    assert counts[TrialState.COMPLETE] + counts[TrialState.PRUNED] == 4
    assert counts[TrialState.RUNNING] == 0


def listed(studies: str) -> str:
    """The line of `tuner studies` about the study that is stored."""
    return next(line for line in studies.splitlines() if "stored" in line)
