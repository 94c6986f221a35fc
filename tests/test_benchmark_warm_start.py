from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from tuner.studies import warm_start as tuner_warm_start

FOLDER = Path(__file__).parent.parent / "benchmarks"


def test_each_search_is_a_line_and_is_not_run_again(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.syspath_prepend(str(FOLDER))
    monkeypatch.chdir(tmp_path)
    import warm_start

    monkeypatch.setattr(warm_start.optuna.logging, "set_verbosity", lambda level: None)
    monkeypatch.setattr(warm_start, "N_SOURCE", 4)
    monkeypatch.setattr(warm_start, "N_TARGET", 5)
    monkeypatch.setattr(warm_start, "AT", (2, 5))
    for name in ("MOST", "SHARE"):  # which the script sets to what it is asked for
        monkeypatch.setattr(tuner_warm_start, name, getattr(tuner_warm_start, name))
    out = tmp_path / "out.jsonl"
    asked = ["bowl-near", "--seeds", "2", "--out", str(out)]
    monkeypatch.setattr(sys, "argv", ["warm_start.py", *asked])

    warm_start.main()

    lines = [json.loads(line) for line in out.read_text().splitlines()]
    assert [(line["seed"], line["kind"]) for line in lines] == [
        (0, "cold"),
        (0, "warm"),
        (1, "cold"),
        (1, "warm"),
    ]
    assert all(len(line["values"]) == 5 for line in lines)
    assert lines[0]["values"] != lines[1]["values"]
    assert "| bowl-source → bowl-near | yes | 2 |" in capsys.readouterr().out

    written = out.read_text()
    warm_start.main()
    assert out.read_text() == written
