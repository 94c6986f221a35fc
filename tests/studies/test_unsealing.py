"""The test split is opened with a warning from the second time, and each opening is recorded."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import optuna
import pytest

from tuner.data import SealedTest, Split
from tuner.errors import StorageError
from tuner.storage.database import Database
from tuner.storage.openings import Opening
from tuner.studies.unsealing import Ledger, open_ledger, opened_before

ROWS = Split(np.zeros((2, 1), np.float32), np.zeros(2, np.float32))


def opening(configuration: str = "a", trial: int = 7, **changes: object) -> Opening:
    known = {"study": "wine", "data_fingerprint": "f", "by": "tuner train", "why": "score"}
    when = datetime(2026, 11, 26, 8, 1, tzinfo=UTC)
    table = known | {"configuration": configuration, "trial": trial, "opened_at": when}
    return Opening.model_validate(table | changes)


def scored(configuration: str, trial: int = 7) -> Opening:
    return opening(configuration, trial).scored({"accuracy": 0.9877})


def test_warning_names_the_earlier_opening() -> None:
    assert opened_before([scored("a")], opening("b"), "accuracy") == (
        "warning: the test split of wine was opened once before, on 2026-11-26 08:01 UTC, by tuner "
        "train for trial 7 (accuracy 0.9877): choosing by test scores makes them optimistic"
    )
    text = opened_before([opening("a", 1), scored("b")], opening("c"), "accuracy")
    assert "was opened 2 times before, last on 2026-11-26 08:01 UTC, by tuner train for tr" in text


def test_the_same_configuration_is_no_choice() -> None:
    text = opened_before([scored("a")], opening("a"), "accuracy")
    assert text.startswith("note: the test split of wine was opened once before, on ")
    assert text.endswith("for this same configuration (accuracy 0.9877): nothing is chosen by test "
                         "scores")  # fmt: skip
    text = opened_before([scored("b", 3), scored("a")], opening("a"), "accuracy")
    assert "2 times before, for another configuration last on" in text
    assert "for trial 3 (accuracy 0.9877): choosing by test scores" in text


@pytest.fixture
def url(tmp_path: Path) -> str:
    database = Database(f"sqlite:///{tmp_path}/t.db")
    optuna.create_study(storage=database.storage, study_name="wine")
    database.close()
    return database.url


def test_each_opening_is_counted(url: str) -> None:
    notes: list[str] = []
    stated = []
    for configuration in ("a", "a", "b"):
        with open_ledger(url, notes.append) as ledger:
            unsealing = ledger.announce(opening(configuration), "accuracy")
            sealed = SealedTest(ROWS)
            assert unsealing.open(sealed) is ROWS
            assert sealed.openings == [("tuner train", "score")]
            unsealing.score({"accuracy": 0.5})
            stated.append(unsealing.to_dict())
    assert stated == [
        {"recorded": True, "before": 0, "same_configuration": 0},
        {"recorded": True, "before": 1, "same_configuration": 1},
        {"recorded": True, "before": 2, "same_configuration": 0},
    ]
    assert [note.partition(":")[0] for note in notes] == ["note", "warning"]


def test_opening_is_recorded_before_anything_is_scored(url: str) -> None:
    with open_ledger(url) as ledger:
        ledger.announce(opening(), "accuracy").open(SealedTest(ROWS))
        assert ledger.database is not None
        assert [one.scores for one in ledger.database.openings("wine", "f")] == [{}]


def test_missing_database_is_said_and_hinders_nothing(tmp_path: Path) -> None:
    notes: list[str] = []
    with open_ledger(f"sqlite:///{tmp_path}/no.db", notes.append) as ledger:
        unsealing = ledger.announce(opening(), "accuracy")
        assert notes == []
        assert unsealing.open(SealedTest(ROWS)) is ROWS
        unsealing.score({"accuracy": 0.5})
    assert unsealing.to_dict() == {"recorded": False}
    assert len(notes) == 1
    assert "the opening of the test split is not recorded: there is no database" in notes[0]
    assert not (tmp_path / "no.db").exists()


def test_lost_database_is_said_and_hinders_nothing(url: str, tmp_path: Path) -> None:
    notes: list[str] = []
    with open_ledger(url, notes.append) as ledger:
        unsealing = ledger.announce(opening(), "accuracy")
        (tmp_path / "t.db").rename(tmp_path / "moved.db")
        assert unsealing.open(SealedTest(ROWS)) is ROWS
    assert unsealing.to_dict() == {"recorded": False}
    assert "is not recorded: storage" in notes[0]


def test_database_without_the_study_records_and_says_so(url: str) -> None:
    notes: list[str] = []
    with open_ledger(url, notes.append) as ledger:
        unsealing = ledger.announce(opening(study="beer"), "accuracy")
        unsealing.open(SealedTest(ROWS))
    assert unsealing.to_dict()["recorded"]
    assert "study beer is not in sqlite:///" in notes[0]
    assert "name its own database with --storage" in notes[0]


def test_wrong_url_is_an_error() -> None:
    with pytest.raises(StorageError, match="is not a database URL"), open_ledger("nonsense"):
        pass


def test_ledger_without_a_database_logs_that(caplog: pytest.LogCaptureFixture) -> None:
    Ledger().announce(opening(), "accuracy").open(SealedTest(ROWS))
    assert "is not recorded: no database was named" in caplog.text
