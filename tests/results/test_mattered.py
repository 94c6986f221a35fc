"""The shares of the parameters: what they are, and that only ``show`` and ``run`` compute them."""

from __future__ import annotations

import math
from collections.abc import Sequence

import optuna
import pytest
from commands import Command
from laboratory import Laboratory
from made_studies import MakeResult, make_spec, trial
from optuna.distributions import FloatDistribution
from optuna.trial import FrozenTrial, create_trial

from tuner.results import study_result
from tuner.results.mattered import what_mattered
from tuner.spec import Objective

MINIMIZE = Objective(metric="loss", direction="minimize")


def trials_of(values: Sequence[float]) -> list[FrozenTrial]:
    """Trials whose ``x`` decides the value, and whose ``y`` does not."""
    unit = FloatDistribution(0, 1)
    return [
        create_trial(
            value=value,
            params={"x": i / len(values), "y": (i * 7 % len(values)) / len(values)},
            distributions={"x": unit, "y": unit},
        )
        for i, value in enumerate(values)
    ]


def test_parameter_that_decides_has_the_largest_share() -> None:
    shares = what_mattered(trials_of([i / 40 for i in range(40)]), MINIMIZE)
    assert next(iter(shares)) == "x"
    assert sum(shares.values()) == pytest.approx(1.0)


@pytest.mark.parametrize("direction", ["minimize", "maximize"])
def test_shares_are_those_of_optuna(direction: str) -> None:
    trials = trials_of([math.sin(i) for i in range(30)])
    study = optuna.create_study(direction=direction)
    study.add_trials(trials)
    objective = Objective.model_validate({"metric": "loss", "direction": direction})
    assert what_mattered(trials, objective) == optuna.importance.get_param_importances(study)


@pytest.mark.parametrize("values", [[i / 9 for i in range(9)], [0.5] * 12])
def test_few_trials_or_equal_values_have_no_shares(values: list[float]) -> None:
    assert what_mattered(trials_of(values), MINIMIZE) == {}


def test_shares_are_computed_once_when_they_are_asked_for(
    make_result: MakeResult, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls: list[object] = []
    monkeypatch.setattr(study_result, "what_mattered", lambda *given: calls.append(given) or {})
    result = make_result(make_spec(), trial(value=0.5))
    assert calls == []
    assert result.mattered == result.mattered == {}
    assert len(calls) == 1


@pytest.mark.slow
def test_only_show_computes_shares(
    laboratory: Laboratory, command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> dict[str, float]:
        raise AssertionError("computed")

    monkeypatch.setattr(study_result, "what_mattered", refuse)
    laboratory.store("complete", "complete")
    for words in ("best", "trials", "export -o best.toml", "show --json", "show --format csv"):
        name, *rest = words.split()
        assert command(name, "scripted", *rest).status == 0
    with pytest.raises(AssertionError, match="computed"):
        command("show", "scripted")
