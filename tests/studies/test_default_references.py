"""References of the role `default`: queued first, or tried by the sampler `portfolio`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from study_texts import spec_of

from tuner.errors import SpecError
from tuner.spec import StudySpec
from tuner.storage.database import Database
from tuner.studies import lifecycle

SPACE = {"learning_rate": {"type": "float", "low": 0.0, "high": 1.0}}
DEFAULT = {"name": "usual", "role": "default", "params": {"learning_rate": 0.1}}
KNOWN = {"name": "document", "params": {"learning_rate": 0.2}}


def spec(*references: dict[str, Any], sampler: str = "tpe") -> StudySpec:
    space = SPACE | {"learner": {"type": "categorical", "choices": ["a"]}}
    given = [{**one, "params": {**one["params"], "learner": "a"}} for one in references]
    return spec_of(space, reference=given, sampler={"name": sampler})


@pytest.fixture
def database(tmp_path: Path) -> Database:
    return Database(f"sqlite:///{tmp_path}/t.db")


def test_defaults_are_queued_with_their_role(database: Database) -> None:
    study = lifecycle.store(database, "s", spec(KNOWN, DEFAULT))
    attrs = [trial.user_attrs for trial in study.trials]
    assert attrs == [
        {"role": "reference", "origin": "document"},
        {"role": "default", "origin": "usual"},
    ]


def test_defaults_of_a_portfolio_are_left_to_the_sampler(database: Database) -> None:
    study = lifecycle.store(database, "s", spec(KNOWN, DEFAULT, sampler="portfolio"))
    assert [trial.user_attrs["origin"] for trial in study.trials] == ["document"]


def test_expected_time_changes_no_study_but_the_role_does() -> None:
    plain = spec(DEFAULT)
    assert spec({**DEFAULT, "expected": "3s"}).fingerprint == plain.fingerprint
    assert spec({**DEFAULT, "role": "reference"}).fingerprint != plain.fingerprint
    stored = spec({**DEFAULT, "expected": "3s"}).to_dict()["reference"][0]
    assert (stored["role"], stored["expected"]) == ("default", 3.0)


def test_reference_without_a_role_is_stored_as_before() -> None:
    stored = spec(KNOWN).to_dict()["reference"][0]
    assert stored.keys() == {"name", "params", "reported", "note"}


def test_unknown_role_is_refused() -> None:
    with pytest.raises(SpecError, match=r'reference.usual.role: must be "reference" or "default"'):
        spec({**DEFAULT, "role": "usual"})
