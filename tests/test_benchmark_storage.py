"""The benchmark of the storage runs, and has a row for each step."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parent.parent / "benchmarks" / "storage.py"


@pytest.mark.slow
def test_every_step_is_a_row_with_both_and_their_ratio(tmp_path: Path) -> None:
    words = [sys.executable, str(SCRIPT), "--rounds", "1", "--stored", "20"]
    done = subprocess.run(words, cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    table = [[cell.strip() for cell in line.split("|")[1:-1]] for line in lines[2:7]]
    steps = ["ask and suggest", "report and decide", "tell", "**ask + tell**", "first ask"]
    assert [row[:3] for row in table] == [["SQLite", "20", step] for step in steps]
    assert all(float(cell.split()[0]) > 0 for row in table for cell in row[3:])
    assert lines[-1].startswith("Medians of 1 rounds")
