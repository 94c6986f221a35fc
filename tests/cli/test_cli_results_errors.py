"""Missing results, and locations that cannot be written: one line of error."""

from __future__ import annotations

import json
import socket
from pathlib import Path

import pytest
from commands import Command, contents
from laboratory import Laboratory


@pytest.mark.parametrize(
    ("words", "match"),
    [
        ("best scripted", r"no trial of scripted is complete yet; `tuner run scripted` goes on"),
        ("best scripted --format csv", r"no trial of scripted is complete yet; `tuner run"),
        ("export scripted -o best.toml", r"no trial of scripted is complete yet; `tuner run"),
        (
            "export scripted -o best.toml --trial 0",
            r"trial 0 of scripted is pruned, so its best epoch is not known; choose a complete one",
        ),
        ("export scripted -o best.toml --trial 1", r"trial 1 of scripted is fail"),
    ],
)
def test_best_and_export_of_a_study_without_a_complete_trial_are_refused(
    words: str, match: str, command: Command, laboratory: Laboratory
) -> None:
    laboratory.store("pruned", "fail")
    before = contents(laboratory.database)
    command(*words.split()).refused(1, match)
    assert contents(laboratory.database) == before
    assert not Path("best.toml").exists()


def test_json_of_a_study_without_a_complete_trial_has_no_best(
    command: Command, laboratory: Laboratory
) -> None:
    laboratory.store("pruned", "fail")
    answer = command("best", "scripted", "--json")
    assert (answer.status, answer.err) == (0, "")
    assert json.loads(answer.out)["best"] is None
    assert json.loads(answer.out)["trials"]["pruned"] == 1


@pytest.mark.parametrize(
    ("words", "status", "match"),
    [
        (
            "-o best.yaml",
            2,
            r"cannot export to best\.yaml: its name ends in \.yaml; write NAME\.tom",
        ),
        (
            "-o best",
            2,
            r"cannot export to best: its name has no ending; write NAME\.toml, NAME\.jso",
        ),
        (
            "-o best.toml --trial 99",
            2,
            r"scripted has no trial 99; its trials: 0 to 1",
        ),
        ("-o best.toml --trial=-1", 2, r"scripted has no trial -1; its trials: 0 to 1"),
        (
            "-o best.toml --trial 1",
            1,
            r"trial 1 of scripted is pruned, so its best epoch is not kn",
        ),
        (
            "-o nowhere/best.toml",
            2,
            r"cannot write nowhere/best\.toml: No such file or directory; n",
        ),
        ("-o scripted.py/best.toml", 2, r"cannot write scripted\.py/best\.toml: Not a directory"),
    ],
)
def test_wrong_export_is_refused(
    words: str, status: int, match: str, command: Command, laboratory: Laboratory
) -> None:
    laboratory.store("complete", "pruned")
    before = sorted(path.name for path in laboratory.folder.iterdir())
    command("export", "scripted", *words.split()).refused(status, match)
    assert sorted(path.name for path in laboratory.folder.iterdir()) == before


def test_export_of_a_study_of_another_program_is_refused(
    command: Command, laboratory: Laboratory
) -> None:
    import optuna

    study = optuna.create_study(study_name="stock", storage=laboratory.url)
    study.optimize(lambda trial: trial.suggest_float("x", 0, 1), n_trials=1)
    command("export", "stock", "-o", "best.toml").refused(
        1, r"the study stock was not created by tuner: it does not say which data set and model"
    )


@pytest.mark.parametrize(
    ("host", "match"),
    [
        (
            "127.0.0.1",
            r"listen on 127\.0\.0\.1:\d+: Address already in use; choose another with --h",
        ),
        (
            "nowhere.invalid",
            r"listen on nowhere\.invalid:\d+: .*; choose another with --host or --",
        ),
    ],
)
def test_dashboard_refuses_an_impossible_address(
    host: str, match: str, command: Command, laboratory: Laboratory
) -> None:
    laboratory.store("complete")
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        words = ("--host", host, "--port", port, "--token", "a-token-of-24-characters")
        command("dashboard", *words).refused(2, match)
