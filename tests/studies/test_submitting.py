"""What is stored of a study that is submitted, and submitted again with other values."""

from __future__ import annotations

import shlex

import pytest

from tuner.errors import SpecError
from tuner.storage.attributes import QueueEntry
from tuner.storage.database import Database
from tuner.studies import definition, queue, submitting


def entry(database):
    return queue.entry_of(database.study("scripted").user_attrs, "scripted")


@pytest.fixture
def database(laboratory):
    opened = Database(laboratory.url)
    yield opened
    opened.close()


def test_submitting_again_stores_new_budget_title_and_training(laboratory, database):
    laboratory.submit()
    changed = ["title=New", "budget.trial.timeout=90s", "budget.trial.memory=1GiB"]
    laboratory.submit(settings=[*changed, "training.loop=fit", "training.checkpoint=5s"])
    spec = definition.stored_spec(database, database.study("scripted"))
    assert (spec.title, spec.budget.trial.timeout, spec.budget.trial.memory) == ("New", 90, 2**30)
    assert (spec.training.loop, spec.training.checkpoint) == ("fit", 5)


def test_a_study_that_was_changed_in_the_database_is_refused(laboratory, database):
    laboratory.submit()
    study = database.study("scripted")
    stored = study.user_attrs["tuner:spec"]
    stored["search_space"]["epochs"]["high"] = 7
    study.set_user_attr("tuner:spec", stored)
    with pytest.raises(SpecError, match=r"search_space\.epochs\.high: 7 in the database, now 3"):
        laboratory.submit()
    assert study.user_attrs["tuner:spec"] == stored


def test_submitted_again_a_study_keeps_what_is_not_given(laboratory, database):
    laboratory.submit(n_trials=30, priority=2, workers=3)
    laboratory.submit()
    assert entry(database) == QueueEntry(status="open", n_trials=30, priority=2, workers=3)
    laboratory.submit(n_trials=40)
    laboratory.submit(priority=0)
    assert entry(database) == QueueEntry(status="open", n_trials=40, priority=0, workers=3)
    laboratory.submit(workers=0, settings=["budget.n_trials=20"])
    assert entry(database) == QueueEntry(status="open", n_trials=20, priority=0)


def test_submit_prints_what_it_has_changed(laboratory, command):
    def lines(*options):
        out = command("submit", laboratory.study, "--storage", laboratory.url, *options).out
        changes, code, _ = out.partition(
            "it runs code of its own, scripted:build_model and scripted:"
        )
        assert code, "nothing of the code that workers need --allow-code for"
        return changes.removeprefix("scripted is submitted")

    assert lines() == ": 4 trials wanted, priority 0\n"
    assert lines("--n-trials", "40") == ": 40 trials wanted (was 4), priority 0\n"
    kept = "its file wants 4; that is --n-trials 4\n"
    assert lines("--workers", "2", "--priority", "1") == (
        ": 40 trials wanted, 2 at a time (was any number), priority 1 (was 0)\n" + kept
    )
    submitting.pause("scripted", laboratory.url)
    assert lines("--workers", "0", "--n-trials", "4") == (
        " again, it was paused: 4 trials wanted (was 40), any number at a time (was 2), "
        "priority 1\n"
    )


def test_submit_prints_what_workers_need(laboratory, command):
    own = command("submit", laboratory.study, "--storage", laboratory.url).out
    assert "scripted:build_model and scripted:load_data: workers need --allow-code\n" in own
    assert f"tuner worker --storage {laboratory.url} --allow-code " in own
    assert "--allow-code" not in command("submit", "wine", "--storage", laboratory.url).out


@pytest.mark.slow
def test_second_pause_or_stop_says_so(laboratory, command):
    def said(what):
        return command(what, "scripted", "--storage", laboratory.url)

    laboratory.submit(n_trials=30, priority=2, workers=3)
    assert said("pause").out.startswith("scripted is paused; go on with: tuner resume scripted")
    assert said("pause").out.startswith("scripted is already paused; go on with: tuner resume")
    assert said("stop").out.startswith("scripted is stopped; go on with: tuner resume scripted")
    assert said("stop").out.startswith("scripted is already stopped; go on with: tuner resume")
    said("pause").refused(
        2, "is stopped, so that nobody runs it; go on with: tuner resume scripted"
    )
    assert submitting.resume("scripted", laboratory.url) == QueueEntry(
        status="open", n_trials=30, priority=2, workers=3
    )


def test_stopping_twice_keeps_the_first_reason(laboratory, database):
    laboratory.submit()
    study = database.study("scripted")
    assert queue.stop(study, database)
    assert queue.stop(study, database, "it cannot work")
    assert not queue.stop(study, database)
    assert not queue.stop(study, database, "nor on Tuesdays")
    assert entry(database).reason == "it cannot work"


@pytest.mark.parametrize("name", ["my study", "a;$(touch owned)`id`", "it's"])
def test_suggested_commands_quote_the_study_name(laboratory, command, name):
    laboratory.submit(name)
    for verb in ("pause", "stop"):
        offered = command(verb, name, "--storage", laboratory.url).out.partition(" with: ")[2]
        assert shlex.split(offered)[:3] == ["tuner", "resume", name]
