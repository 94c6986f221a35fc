"""The list of studies: for people, for scripts, in a small terminal."""

from __future__ import annotations

import csv
import io
import json

import pytest

from tuner.results.study_list import StudyLine, studies


def test_list_in_every_form() -> None:
    lines = [
        StudyLine(
            "wine",
            "Red or white",
            "shipped, stored",
            "accuracy",
            rows=6497,
            reported="0.9954 on test",
            trials={"complete": 3},
            best=0.99,
        ),
        StudyLine("xor", "Exclusive or", "shipped"),
    ]
    table = studies(lines)
    (wine,) = [line.split("   ") for line in table.splitlines() if line.startswith("wine")]
    assert [cell.strip() for cell in wine if cell.strip()] == [
        "wine",
        "Red or white",
        "6,497",
        "accuracy",
        "0.9954 on test",
        "shipped, stored",
        "3 complete",
        "0.9900",
    ]
    assert studies([]) == "no studies\n"
    assert json.loads(studies(lines, "json"))[1] == {
        "name": "xor",
        "title": "Exclusive or",
        "note": None,
        "where": "shipped",
        "metric": None,
        "rows": None,
        "reported": None,
        "best": None,
        "workers": 0,
        "per_minute": None,
        "trials": None,
        "queue": None,
    }
    rows = csv.DictReader(io.StringIO(studies(lines, "csv")))
    assert [row["trials"] for row in rows] == ["3", ""]


def test_queue_column_shows_status_and_limits() -> None:
    def queued(standing: str, **place: object) -> str:
        line = StudyLine(
            "wine",
            trials={"complete": 2, "pruned": 1},
            queue={"standing": standing, "n_trials": 4, "priority": 0, "workers": None} | place,
            workers=2,
            per_minute=1.25,
        )
        header, _, row = studies([line]).splitlines()
        assert header.split()[-2:] == ["workers", "rate"]
        assert row.split()[-2:] == ["2", "1.2/min"]
        return row

    assert " open, 3 of 4  " in queued("open")
    assert " open, 3 of 4, priority -1, 8 at a time " in queued("open", priority=-1, workers=8)
    assert " done, 3 of 3  " in queued("open", n_trials=3)
    assert " paused, 3 of 4  " in queued("paused")
    assert " paused  " in queued("paused", n_trials=None)
    assert " stopped, 3 of 4: all failed " in queued("stopped", reason="all failed")


def test_stored_studies_come_first_and_are_readable_in_a_small_terminal(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    counts = {"complete": 10, "pruned": 2, "fail": 1, "running": 4}
    place = {"standing": "open", "n_trials": 40, "priority": 2, "workers": None, "reason": None}
    title = "Man or woman, from the photograph of a face, 64 × 64 pixels"
    lines = [
        StudyLine("celeba-gender", title, "shipped", "accuracy", rows=202_599),
        StudyLine("mine", title, "file, stored", "accuracy", trials=counts, best=0.5),
        StudyLine(
            *("fashion-mnist", title, "shipped, stored", "accuracy"),
            trials=counts,
            best=0.8912,
            queue=place,
            workers=4,
            per_minute=12.25,
        ),
    ]
    names = ["fashion-mnist", "mine", "celeba-gender"]
    wide = studies(lines).splitlines()
    assert [line.split()[0] for line in wide[2:]] == names
    monkeypatch.setenv("COLUMNS", "80")
    stored, others = studies(lines).split("\n\n")
    assert all(len(line) <= 80 for line in stored.splitlines())
    (row,) = [line for line in stored.splitlines() if line.startswith("fashion-mnist ")]
    assert "0.8912" in row
    assert "open, 12 of 40" in row
    assert row.endswith(" 4         12.2/min")
    assert len(stored.splitlines()) <= 2 + 3 + 3
    assert title.split(",")[0] in others
    assert json.loads(studies(lines, "json"))[2]["queue"] == place
    assert [one["name"] for one in json.loads(studies(lines, "json"))] == [
        *("celeba-gender", "mine", "fashion-mnist")
    ]
