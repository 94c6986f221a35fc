"""Which value is better, and what a trial's role decides."""

from __future__ import annotations

import math

import pytest

from tuner.spec import Objective, Role

LOSS = Objective(metric="loss", direction="minimize")
ACCURACY = Objective(metric="accuracy", direction="maximize")


def test_better_value_is_the_lower_or_the_higher_by_direction() -> None:
    assert LOSS.better(0.1, 0.2)
    assert not LOSS.better(0.2, 0.1)
    assert ACCURACY.better(0.2, 0.1)
    assert not ACCURACY.better(0.1, 0.2)


@pytest.mark.parametrize("objective", [LOSS, ACCURACY])
def test_equal_value_and_nan_are_not_better(objective: Objective) -> None:
    assert not objective.better(0.5, 0.5)
    assert not objective.better(math.nan, 0.5)
    assert not objective.better(0.5, math.nan)


def test_least_loss_is_the_best_value() -> None:
    assert min([0.3, 0.1, 0.2], key=LOSS.loss) == 0.1
    assert min([0.3, 0.1, 0.2], key=ACCURACY.loss) == 0.3


def test_only_references_ignore_early_stopping() -> None:
    assert [role for role in Role if not role.may_stop_early] == [Role.REFERENCE]
