"""Our database in the browser and under Optuna's own commands: the stock tools read it."""

from __future__ import annotations

import io
import json
import logging
import os
import shutil
import signal
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from wsgiref.util import setup_testing_defaults

import optuna
import pytest
from commands import Command
from laboratory import Laboratory
from processes import WAIT_SECONDS, ask, program, running

from tuner.dashboard.app import Rules, make_dashboard, open_server
from tuner.storage.database import Database
from tuner.studies.catalog import find_study
from tuner.studies.lifecycle import store

TOKEN = "a-token-of-24-characters"


@pytest.fixture
def stored(laboratory: Laboratory) -> Laboratory:
    laboratory.store("complete", "pruned", "fail")
    return laboratory


@pytest.fixture
def served(stored: Laboratory) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """A running ``tuner dashboard`` and its address."""
    with running([*program("tuner"), "dashboard", "--port", "0"], stored.folder) as process:
        assert process.stderr
        line = process.stderr.readline()
        assert line.startswith("sqlite:///tuner.db on http://127.0.0.1:")
        assert line.endswith("/  (read-only; Ctrl-C ends it)\n")
        yield process, line.split()[2].rstrip("/")


def answer_of(database: Database, path: str) -> dict[str, Any]:
    """Returns the JSON with which the application answers, in this process."""
    environ: dict[str, object] = {"PATH_INFO": path}
    setup_testing_defaults(environ)
    statuses: list[str] = []
    body = make_dashboard(database, Rules())(environ, lambda status, *_: statuses.append(status))
    answer: dict[str, Any] = json.loads(b"".join(body))
    assert statuses == ["200 OK"]
    return answer


def test_application_answers_with_studies_of_one_and_several_objectives(
    stored: Laboratory,
) -> None:
    directions = ["minimize", "maximize"]
    other = optuna.create_study(storage=stored.url, study_name="two", directions=directions)
    other.tell(other.ask(), [0.25, 0.75])
    database = Database(stored.url)
    studies = answer_of(database, "/api/studies")["study_summaries"]
    assert {study["study_name"]: study["directions"] for study in studies} == {
        "scripted": ["minimize"],
        "two": directions,
    }
    detail = answer_of(database, f"/api/studies/{other._study_id}")
    assert [trial["values"] for trial in detail["trials"]] == [[0.25, 0.75]]
    database.close()


def test_renamed_study_keeps_its_curves_and_can_be_resumed(
    stored: Laboratory, command: Command
) -> None:
    database = Database(stored.url)
    study = database.study("scripted")
    with database.together():
        trial = study.ask()
        database.write_curves(trial._trial_id, [{"loss": 0.5}, {"loss": 0.25}])
        study.tell(trial, 0.25)
    sent = json.dumps({"study_name": "a/b"}).encode()
    environ: dict[str, object] = {
        "REQUEST_METHOD": "POST",
        "PATH_INFO": f"/api/studies/{study._study_id}/rename",
        "CONTENT_TYPE": "application/json",
        "CONTENT_LENGTH": str(len(sent)),
        "wsgi.input": io.BytesIO(sent),
    }
    setup_testing_defaults(environ)
    answered: list[str] = []
    b"".join(
        make_dashboard(database, Rules(allow_write=True))(
            environ, lambda status, *_: answered.append(status)
        )
    )
    assert answered == ["201 Created"]
    assert database.study_names() == ["a/b"]
    assert list(database.curves(database.study("a/b"), 3)["loss"]) == [0.5, 0.25]
    assert database.curves(database.study("a/b"), 0) == {}
    store(database, "a/b", find_study(str(stored.study)))
    assert database.study("a/b").metric_names == ["loss"]
    database.close()
    shown = command("show", "a/b", "--storage", stored.url)
    assert (shown.status, shown.err) == (0, "")
    assert shown.out.startswith("a/b · Scripted\n")
    assert command("trials", "a/b", "--trial", "3", "--storage", stored.url).status == 0
    paused = command("pause", "a/b", "--storage", stored.url)
    assert paused.out.startswith("a/b is paused; go on with: tuner resume a/b ")


def test_error_in_a_request_is_one_line(
    stored: Laboratory, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The stock application prints tracebacks that contain the request."""
    database = Database(stored.url)
    bad = "\x1b[31mred\n\u202e"

    def fail(*_: object) -> str:
        raise KeyError(bad) if len(seen) else OSError(bad)

    seen: list[str] = []
    for name in ("optuna_dashboard", "waitress"):  # put back at the end
        monkeypatch.setattr(logging.getLogger(name), "handlers", [])
        monkeypatch.setattr(logging.getLogger(name), "propagate", True)
    monkeypatch.setattr(database.storage, "get_study_name_from_id", fail)
    open_server(database, "127.0.0.1", 0, Rules()).close()
    for path in ("/csv/1", "/api/studies/1/plot/slice"):  # bottle's own words, and the page's
        environ: dict[str, object] = {"PATH_INFO": path, "wsgi.errors": None}
        setup_testing_defaults(environ)
        b"".join(make_dashboard(database, Rules())(environ, lambda status, *_: seen.append(status)))
    database.close()
    assert [status.partition(" ")[0] for status in seen] == ["500", "500"]
    first, second = capsys.readouterr().err.splitlines()
    assert first.startswith("dashboard: ")
    assert second.startswith("dashboard: Exception: ")
    assert "\x1b" not in first + second
    assert "\u202e" not in first + second


@pytest.mark.slow
@pytest.mark.parametrize(
    ("number", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)], ids=["ctrl-c", "term"]
)
def test_dashboard_serves_until_a_signal(
    number: int, status: int, served: tuple[subprocess.Popen[str], str], stored: Laboratory
) -> None:
    process, address = served
    studies = ask(f"{address}/api/studies")["study_summaries"]
    assert [study["study_name"] for study in studies] == ["scripted"]
    study = ask(f"{address}/api/studies/{studies[0]['study_id']}?after=0")
    assert [trial["state"] for trial in study["trials"]] == ["Complete", "Pruned", "Fail"]
    process.send_signal(number)
    out, err = process.communicate(timeout=WAIT_SECONDS)
    assert (process.returncode, out, err) == (status, "", "")
    assert not list(stored.folder.glob("*.db-wal")), "the database was not closed in order"


def test_the_stock_command_lists_the_trials(stored: Laboratory) -> None:
    words = ["trials", "--storage", stored.url, "--study-name", "scripted", "--format", "json"]
    done = subprocess.run([*program("optuna"), *words], capture_output=True, text=True, check=True)
    trials = json.loads(done.stdout)
    assert [trial["state"] for trial in trials] == ["COMPLETE", "PRUNED", "FAIL"]
    assert trials[0]["value"] == {"loss": 0.5}
    assert trials[0]["params"] == {"learning_rate": 0.01, "epochs": 3}


@pytest.mark.slow
def test_the_stock_dashboard_shows_the_study(stored: Laboratory) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port = str(taken.getsockname()[1])
    words = [*program("optuna-dashboard"), stored.url, "--port", port, "--host", "127.0.0.1"]
    # It prints a line for each request, which this test does not read.
    nowhere = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    with running(words, stored.folder, **nowhere):
        studies = ask(f"http://127.0.0.1:{port}/api/studies")["study_summaries"]
    assert [study["study_name"] for study in studies] == ["scripted"]


@pytest.mark.slow
@pytest.mark.skipif(not shutil.which("chromium"), reason="no chromium on this machine")
@pytest.mark.parametrize(
    ("page", "words"),
    [
        ("dashboard", ["scripted"]),
        ("dashboard/studies/1/trials", ["scripted", "learning_rate", "Pruned"]),
    ],
)
def test_a_browser_shows_the_study(
    page: str, words: list[str], served: tuple[subprocess.Popen[str], str], tmp_path: Path
) -> None:
    shown = browsed(f"{served[1]}/{page}", tmp_path)
    assert [word for word in words if word not in shown] == []


@pytest.mark.slow
@pytest.mark.skipif(not shutil.which("chromium"), reason="no chromium on this machine")
def test_a_browser_draws_the_front_of_several_objectives(
    served: tuple[subprocess.Popen[str], str], stored: Laboratory, tmp_path: Path
) -> None:
    text = stored.study.read_text().replace("[objective]", "[[objective]]")
    second = '[[objective]]\nmetric = "n_params"\n\n[budget]'
    stored.study.write_text(text.replace("[budget]", second))
    database = Database(stored.url)
    study = store(database, "several", find_study(str(stored.study)))
    study.tell(study.ask(), [0.25, 812])
    shown = browsed(f"{served[1]}/dashboard/studies/{study._study_id}", tmp_path)
    database.close()
    words = ["several", "Pareto Front", "Objective X", "loss", "n_params"]
    assert [word for word in words if word not in shown] == []


@pytest.mark.slow
@pytest.mark.skipif(not shutil.which("chromium"), reason="no chromium on this machine")
@pytest.mark.parametrize(
    ("query", "word"), [("", 'placeholder="Token"'), (f"?token={TOKEN}", "scripted")]
)
def test_a_browser_asks_for_the_token(
    query: str, word: str, stored: Laboratory, tmp_path: Path
) -> None:
    words = [*program("tuner"), "dashboard", "--port", "0", "--host", "::1"]
    environment = os.environ | {"TUNER_DASHBOARD_TOKEN": TOKEN}
    with running(words, stored.folder, env=environment) as process:
        assert process.stderr
        address = process.stderr.readline().split(" on ")[1].split()[0]
        assert address.startswith("http://[::1]:")
        assert word in browsed(f"{address}dashboard{query}", tmp_path)


def browsed(address: str, tmp_path: Path) -> str:
    """The page at an address as a browser renders it."""
    words = [
        "--headless",
        "--no-sandbox",
        "--disable-gpu",
        f"--user-data-dir={tmp_path / 'browser'}",
    ]
    return subprocess.run(
        ["chromium", *words, "--virtual-time-budget=20000", "--dump-dom", address],
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    ).stdout
