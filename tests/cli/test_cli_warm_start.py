"""`--warm-start` as it is typed: what it prints, what it stores, what it refuses."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from commands import Command, contents
from laboratory import Laboratory

from tuner.storage.database import Database


@pytest.mark.slow
def test_run_begins_with_the_other_study_and_resumes_without_it(
    command: Command, laboratory: Laboratory
) -> None:
    laboratory.store("complete", study_name="old")
    words = ["run", laboratory.study, "--storage", laboratory.url, "--n-trials"]
    first = command(*words, "1", "--warm-start", "old")
    assert first.status == 0
    assert "warm start from old: trial 0" in first.err.splitlines()
    assert "warm start from old: trial 0" in first.out.splitlines()
    again = json.loads(command(*words, "2", "--warm-start", "old", "--json").out)
    assert again["warm_start"] == [{"source": "old", "trials": ["old trial 0"]}]
    listed = json.loads(command("trials", "scripted", "--storage", laboratory.url, "--json").out)
    assert [trial["origin"] for trial in listed] == ["old trial 0", "search"]
    assert listed[0]["params"] == {"learning_rate": 0.01, "epochs": 3}


def test_submit_queues_the_configurations_and_says_so(
    command: Command, laboratory: Laboratory
) -> None:
    laboratory.store("complete", study_name="old")
    words = ["submit", laboratory.study, "--storage", laboratory.url, "--warm-start"]
    assert "warm start from old: trial 0" in command(*words, "old").out.splitlines()
    database = Database(laboratory.url)
    attrs = [trial.user_attrs for trial in database.study("scripted").trials]
    assert attrs == [{"role": "default", "origin": "old trial 0"}]
    assert "warm start" not in command(*words, "old").out
    assert len(database.study("scripted").trials) == 1
    database.close()


def test_show_names_the_source(command: Command, laboratory: Laboratory) -> None:
    laboratory.store("complete", study_name="old")
    command("submit", laboratory.study, "--storage", laboratory.url, "--warm-start", "old")
    shown = command("show", "scripted", "--storage", laboratory.url)
    assert "warm start from old: trial 0" in shown.out.splitlines()
    assert "warm_start" not in json.loads(
        command("show", "old", "--storage", laboratory.url, "--json").out
    )


@pytest.mark.parametrize("name", ["run", "submit"])
@pytest.mark.parametrize(
    ("source", "match"),
    [
        ("odl", r"no study 'odl' is stored in .*; did you mean old\?"),
        ("scripted", r"--warm-start scripted: a study cannot begin with its own trials; name"),
        ("empty", r"study 'empty' in .* has no complete trial; run it first, with: tuner run em"),
        ("old@sqlite:///none.db", r"there is no database none\.db yet; start a study with"),
        ("postgresql://me:secret@host/db", r"--warm-start names a study, but got the URL of a dat"),
        ("@sqlite:///none.db", r"--warm-start names a study, but got the URL of a database alone"),
        ("old@sqlite://", r"storage sqlite:// lives in the memory of one process"),
        ("best.json", r"--warm-start best\.json: there is no such file"),
        ("names.toml", r"--warm-start names\.toml: it and scripted have no parameter in common; "),
    ],
)
def test_wrong_source_is_refused_in_one_line(
    command: Command, laboratory: Laboratory, name: str, source: str, match: str
) -> None:
    laboratory.store("complete", study_name="old")
    laboratory.store("pruned", study_name="empty")
    Path("names.toml").write_text("tuner_export = 1\n[params]\ndepth = 3\n")
    before = contents(laboratory.database)
    answer = command(name, laboratory.study, "--storage", laboratory.url, "--warm-start", source)
    answer.refused(2, match)
    assert contents(laboratory.database) == before


def test_finished_study_cannot_be_started_from_another(
    command: Command, laboratory: Laboratory
) -> None:
    laboratory.store("complete", study_name="old")
    laboratory.store("complete")
    words = ["run", laboratory.study, "--storage", laboratory.url, "--n-trials", "1"]
    match = r"study 'scripted' has all its 1 trial, so that --warm-start begins none; add trials"
    command(*words, "--warm-start", "old").refused(2, match)


def test_empty_source_is_refused(command: Command, laboratory: Laboratory) -> None:
    answer = command("run", laboratory.study, "--warm-start", "")
    assert answer.status == 2
    assert "--warm-start" in answer.err
    assert "must not be empty" in answer.err


def test_source_in_another_database(
    command: Command, laboratory: Laboratory, tmp_path: Path
) -> None:
    laboratory.store("complete", study_name="old")
    shutil.move(laboratory.database, tmp_path / "other.db")
    words = ["submit", laboratory.study, "--storage", laboratory.url, "--warm-start"]
    line = f"warm start from old@sqlite:///{tmp_path}/other.db: trial 0"
    assert line in command(*words, "old@sqlite:///other.db").out.splitlines()
