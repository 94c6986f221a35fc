"""Opening a database: by several processes together, when it is new."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

_OPEN = """
import sys
from tuner.storage.database import Database
print("ready", flush=True)
sys.stdin.readline()
Database(sys.argv[1]).close()
"""


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
