"""Trials that do harm to the process that runs them: the others do not notice."""

from __future__ import annotations

import shutil
import time
from pathlib import Path

import pytest
from faulted import WANTED
from judging import Judge
from laboratory import Laboratory

pytestmark = pytest.mark.slow


@pytest.fixture
def hostile(laboratory: Laboratory) -> Laboratory:
    shutil.copy(Path(__file__).with_name("hostile.py"), laboratory.folder)
    text = laboratory.study.read_text()
    laboratory.study.write_text(text.replace("scripted:", "hostile:"))
    return laboratory


@pytest.mark.parametrize("behaviour", ["exits", "closes descriptors", "leaves a child"])
def test_trial_that_ends_its_worker_fails_alone(
    behaviour: str, hostile: Laboratory, judge: Judge
) -> None:
    hostile.behave("calm", behaviour)
    run = hostile.run(workers=2, n_trials=WANTED)
    assert run.ending == "done"
    judge.check_reached(
        hostile, {row.number for row in run.trials if row.state == "complete"}, failed=True
    )
    failed = [row for row in run.trials if row.state == "fail"]
    assert failed
    assert {row.params["behaviour"] for row in failed} == {behaviour}
    assert {row.params["behaviour"] for row in run.trials if row.state != "fail"} == {"calm"}


@pytest.mark.parametrize(
    "behaviour",
    ["moves", "changes settings", "prints lines", "prints one line", "prints other bytes"],
)
def test_trial_with_harmless_side_effects_is_complete(
    behaviour: str, hostile: Laboratory, judge: Judge
) -> None:
    hostile.behave(behaviour)
    since = time.monotonic()
    answer = judge.check_resumed(hostile, set())
    assert time.monotonic() - since < 60
    assert len(answer.err) < 2**23
