"""What is stored of a study that is submitted, and submitted again otherwise."""

from __future__ import annotations

import pytest

from tuner import runner
from tuner.errors import SpecError
from tuner.storage.database import Database


@pytest.fixture
def database(laboratory):
    opened = Database(laboratory.url)
    yield opened
    opened.close()


def test_another_budget_title_and_training_are_what_workers_get(laboratory, database):
    laboratory.submit()
    changed = ["title=New", "budget.trial.timeout=90s", "budget.trial.memory=1GiB"]
    laboratory.submit(settings=[*changed, "training.loop=fit", "training.checkpoint=5s"])
    spec = runner.stored_spec(database.study("scripted"))
    assert (spec.title, spec.budget.trial.timeout, spec.budget.trial.memory) == ("New", 90, 2**30)
    assert (spec.training.loop, spec.training.checkpoint) == ("fit", 5)


def test_a_study_that_was_changed_in_the_database_is_refused(laboratory, database):
    laboratory.submit()
    study = database.study("scripted")
    stored = study.user_attrs["tuner:spec"]
    stored["search_space"]["epochs"]["high"] = 7
    study.set_user_attr("tuner:spec", stored)
    with pytest.raises(SpecError, match=r"search_space\.epochs\.high: 7 in the database, 3 in"):
        laboratory.submit()
    assert study.user_attrs["tuner:spec"] == stored
