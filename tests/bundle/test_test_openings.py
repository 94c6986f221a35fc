"""`tuner train` records each opening of the test split; bundle and card say which it was."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable
from pathlib import Path

import optuna
import pytest
from commands import Command
from made_configurations import MakeConfiguration

import tuner
from tuner.api import openings
from tuner.results import Configuration
from tuner.results.configuration_file import write
from tuner.storage.database import Database

LINEAR = {"model": "linear_model", "params": {"max_iter": 50}, "epochs": 1, "study": "boxes"}


@pytest.fixture
def make(make_configuration: MakeConfiguration) -> Callable[..., Configuration]:
    """A configuration that is trained without TensorFlow."""
    return lambda **changes: make_configuration("class", **LINEAR | changes)


@pytest.fixture
def stored(tmp_path: Path, make: Callable[..., Configuration]) -> str:
    """A database with the study, as a search leaves it."""
    url = f"sqlite:///{tmp_path}/tuner.db"
    database = Database(url)
    study = optuna.create_study(storage=database.storage, study_name="boxes")
    described = {"fingerprint": make().data_fingerprint, "name": "boxes"}
    study.set_user_attr("tuner:data", described)
    study.tell(study.ask(), 0.5)
    database.close()
    return url


def test_second_opening_warns_and_all_say_which_it_was(
    command: Command, stored: str, make: Callable[..., Configuration]
) -> None:
    write(make(trial=7), Path("seven.toml"))
    write(make(trial=8, params={"max_iter": 60}), Path("eight.toml"))
    first = command("train", "seven.toml", "-o", "first")
    assert (first.status, first.err) == (0, "training\n")
    again = command("train", "seven.toml", "-o", "again")
    assert "note: the test split of boxes was opened once before, on " in again.err
    assert "for this same configuration (accuracy " in again.err
    other = command("train", "eight.toml", "-o", "other", "--storage", stored)
    assert "warning: the test split of boxes was opened 2 times before, last on " in other.err
    assert "by tuner train for trial 7 (accuracy " in other.err

    def stated(folder: str) -> tuple[dict[str, object], str]:
        info = json.loads(Path(folder, "bundle.json").read_text(encoding="utf-8"))
        return info["test_opening"], Path(folder, "MODEL.md").read_text(encoding="utf-8")

    info, card = stated("first")
    assert info == {"recorded": True, "before": 0, "same_configuration": 0}
    assert "- This was the first opening of the test split on record for the study\n" in card
    info, card = stated("again")
    assert "opened once before for the study; this was opening 2, of the same configur" in card
    info, card = stated("other")
    assert info == {"recorded": True, "before": 2, "same_configuration": 0}
    assert "opened 2 times before for the study; this was opening 3: choosing" in card
    assert tuner.bundle.load_bundle(Path("other")).info["test_opening"]["before"] == 2


def test_show_lists_openings_and_best_never_does(
    command: Command, stored: str, make: Callable[..., Configuration]
) -> None:
    write(make(trial=7), Path("seven.toml"))
    bundle = json.loads(command("train", "seven.toml", "-o", "model", "--json").out)
    score = bundle["scores"]["test"]["accuracy"]
    (found,) = openings("boxes")
    assert (found.trial, found.by, found.scores["accuracy"]) == (7, "tuner train", score)
    shown = command("show", "boxes").out
    assert "the test split was opened 1 time\n" in shown
    assert " UTC  tuner train, trial 7" in shown
    listed = json.loads(command("show", "boxes", "--json").out)["test_openings"]
    assert [one["scores"]["accuracy"] for one in listed] == [score]
    for form in ("table", "json", "csv"):
        best = command("best", "boxes", "--format", form).out
        assert best
        assert "opening" not in best
        assert "opened" not in best
        assert str(score) not in best


@pytest.mark.parametrize("trouble", ["no database", "refuses", "of a newer tuner"])
def test_training_works_where_nothing_can_be_recorded(
    trouble: str, command: Command, stored: str, make: Callable[..., Configuration]
) -> None:
    write(make(), Path("seven.toml"))
    options: list[str] = []
    if trouble == "no database":
        options = ["--storage", "sqlite:///absent.db"]
    else:
        change = {
            "refuses": "CREATE TRIGGER refuse BEFORE INSERT ON tuner_test_openings "
            "BEGIN SELECT RAISE(ABORT, 'not here'); END",
            "of a newer tuner": "UPDATE tuner_alembic_version SET version_num = '9999'",
        }[trouble]
        database = Database(stored)
        database.upgrade()
        with database.storage.engine.begin() as connection:
            connection.exec_driver_sql(change)
        database.close()
    answer = command("train", "seven.toml", "-o", "model", *options)
    assert answer.status == 0, answer.err
    assert answer.err.count("the opening of the test split is not recorded: ") == 1
    card = Path("model", "MODEL.md").read_text(encoding="utf-8")
    assert "- How often the test split was opened before is not known" in card


def test_python_logs_what_the_command_prints(
    stored: str,
    make: Callable[..., Configuration],
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
) -> None:
    for name in ("one", "two"):
        with caplog.at_level(logging.WARNING, "tuner"):
            tuner.train(make(), tmp_path / name, storage=stored)
    assert [record.getMessage()[:34] for record in caplog.records] == [
        "note: the test split of boxes was "
    ]


def test_storage_that_is_no_url_is_refused_before_training(
    command: Command, make: Callable[..., Configuration]
) -> None:
    write(make(), Path("seven.toml"))
    command("train", "seven.toml", "-o", "model", "--storage", "nonsense").refused(
        2, "is not a database URL"
    )
    assert not Path("model").exists()
