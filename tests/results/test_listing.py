"""``tuner studies`` lists studies without a file, of other programs, and damaged ones."""

from __future__ import annotations

import json
from collections.abc import Iterator

import optuna
import pytest
from commands import Command
from laboratory import Laboratory
from servers import proxy_here


@pytest.fixture(params=["sqlite", "proxy"])
def url(request: pytest.FixtureRequest, laboratory: Laboratory) -> Iterator[str]:
    """The database with a study whose file is gone, one of two objectives, and a foreign one."""
    laboratory.store("complete", "complete", study_name="mine")
    laboratory.study.unlink()
    optuna.create_study(storage=laboratory.url, study_name="two", directions=["minimize"] * 2)
    foreign = optuna.create_study(
        storage=laboratory.url, study_name="foreign", direction="maximize"
    )
    foreign.optimize(lambda trial: trial.suggest_float("x", 0, 1), n_trials=2)
    if request.param == "sqlite":
        yield laboratory.url
    else:
        with proxy_here(laboratory.url) as address:
            yield address


def listed(command: Command, url: str) -> dict[str, dict[str, object]]:
    answer = command("studies", "--json", "--storage", url)
    assert (answer.status, answer.err) == (0, "")
    return {line["name"]: line for line in json.loads(answer.out) if line["where"] == "stored"}


def test_studies_without_a_file_are_shown_for_what_they_are(command: Command, url: str) -> None:
    found = listed(command, url)
    assert list(found) == ["mine", "two", "foreign"]
    mine = found["mine"]
    assert (mine["title"], mine["metric"], mine["rows"], mine["best"], mine["note"]) == (
        *("Scripted", "loss", 120, 0.5),
        None,
    )
    assert found["two"]["note"] == "2 objectives (minimize, minimize)"
    assert found["two"]["best"] is None
    assert found["foreign"]["note"] == "not made by tuner"
    assert 0 < found["foreign"]["best"] < 1  # type: ignore[operator]


@pytest.mark.parametrize("url", ["sqlite"], indirect=True)
def test_stored_studies_have_title_and_metric_in_a_small_terminal(
    command: Command, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    work, files = command("studies", "--storage", url).out.split("\n\n")
    (row,) = [line for line in files.splitlines() if line.startswith("mine ")]
    assert row.split() == ["mine", "Scripted", "120", "loss", "stored"]
    assert "2 complete" in work
    assert all(len(line) <= 80 for line in [*work.splitlines(), *files.splitlines()])


@pytest.mark.parametrize("url", ["sqlite"], indirect=True)
@pytest.mark.parametrize(
    ("key", "value", "says"),
    [
        ("tuner:queue", {"standing": "maybe"}, "tuner:queue.standing: input should be 'open'"),
        ("tuner:queue", 5, "tuner:queue: must be a table, but got 5"),
        ("tuner:spec", ["x"], 'must be a table, but got ["x"]'),
        ("tuner:data", {"fingerprint": 1}, "tuner:data.fingerprint: must be a string, but got 1"),
    ],
)
def test_damaged_study_is_noted_and_the_others_are_listed(
    key: str, value: object, says: str, command: Command, url: str
) -> None:
    optuna.load_study(study_name="mine", storage=url).set_user_attr(key, value)
    found = listed(command, url)
    assert says in str(found["mine"]["note"])
    assert found["mine"]["trials"] == {"complete": 2}
    assert found["foreign"]["note"] == "not made by tuner"
