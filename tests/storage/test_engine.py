"""Opening a database: by several processes together, when it is new."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from servers import Postgres

from tuner.storage.database import Database

_OPEN = """
import sys
from tuner.storage.database import Database
print("ready", flush=True)
sys.stdin.readline()
Database(sys.argv[1]).close()
"""


@pytest.mark.slow
def test_a_new_database_is_opened_by_several_processes_together(tmp_path: Path) -> None:
    words = [sys.executable, "-c", _OPEN, f"sqlite:///{tmp_path}/new.db"]
    pipe = subprocess.PIPE
    everyone = [
        subprocess.Popen(words, stdin=pipe, stdout=pipe, stderr=pipe, text=True) for _ in range(4)
    ]
    for process in everyone:
        assert process.stdout
        assert process.stdout.readline() == "ready\n"
    for process in everyone:
        assert process.stdin
        process.stdin.write("now\n")
        process.stdin.flush()
    assert [process.communicate(timeout=60)[1] for process in everyone] == ["", "", "", ""]


def test_connection_has_time_limits_and_the_url_overrides_them(server: Postgres) -> None:
    url = server.new_database()
    for given, seconds in {url: "10", f"{url}&connect_timeout=3": "3"}.items():
        database = Database(given)
        connection = database.storage.engine.raw_connection()  # type: ignore[attr-defined]
        found = connection.driver_connection.info.get_parameters()
        connection.close()
        database.close()
        assert (found["connect_timeout"], found["keepalives_idle"]) == (seconds, "30")
        assert found["application_name"] == "tuner"
