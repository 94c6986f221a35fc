"""What the fault tests share."""

from __future__ import annotations

import pytest
from commands import Command
from faulted import WANTED
from judging import Judge
from laboratory import Laboratory


@pytest.fixture(scope="session")
def calm(tmp_path_factory: pytest.TempPathFactory) -> dict[int, float]:
    """The values that the scripted trials have of an undisturbed run, by number."""
    run = Laboratory(tmp_path_factory.mktemp("calm")).run(workers=1, n_trials=3 * WANTED)
    return {row.number: row.value for row in run.trials}


@pytest.fixture
def judge(command: Command, calm: dict[int, float]) -> Judge:
    return Judge(command, calm)


@pytest.fixture
def slow(laboratory: Laboratory) -> Laboratory:
    """The scripted study with trials of a second and a half."""
    laboratory.behave("slow")
    return laboratory
