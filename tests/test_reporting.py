"""Which epochs are reported, and that pruners decide as if all were."""

from __future__ import annotations

from pathlib import Path

import optuna
import pytest

from tuner import reporting
from tuner.reporting import Reporter
from tuner.search import Judging, judging, make_pruner
from tuner.spec import StudySpec

SPACE = {"epochs": {"type": "int", "low": 1, "high": 81}}


def spec(**pruner: object) -> StudySpec:
    table = {
        "dataset": "wine",
        "model": "mlp",
        "search_space": SPACE,
        "objective": {"metric": "accuracy", "direction": "maximize"},
        "pruner": pruner,
    }
    return StudySpec.from_dict(table | {"name": "s"}, base=Path())


def judged(**pruner: object) -> list[int]:
    at = judging(spec(**pruner)).at
    return [epoch for epoch in range(1, 82) if at(epoch)]


def test_halving_pruners_decide_at_their_rungs():
    assert judged(name="hyperband") == [1, 3, 9, 27, 81]
    assert judged(name="hyperband", min_resource=5) == [5, 15, 45]
    assert judged(name="successivehalving", min_resource=2) == [2, 8, 32]
    assert judged(name="nop") == []
    assert judged(name="median", n_warmup_steps=5, interval_steps=30) == [5, 35, 65]
    assert len(judged(name="successivehalving")) == 81, "its rungs follow from the trials"


@pytest.mark.parametrize(
    "pruner",
    [
        {"name": "hyperband"},
        {"name": "successivehalving", "min_resource": 2},
        {"name": "median", "n_startup_trials": 2, "n_warmup_steps": 3, "interval_steps": 4},
        {"name": "percentile", "percentile": 30.0, "n_startup_trials": 1},
        {"name": "threshold", "lower": 0.3},
    ],
)
def test_trials_end_where_they_would_if_every_epoch_were_reported(pruner, monkeypatch):
    """The same curves, told epoch by epoch to Optuna and through the reporter."""
    monkeypatch.setattr(reporting, "_SECONDS", 1e9)

    def curve(number: int, epoch: int) -> float:
        return ((number * 7919 + 13) % 97) / 97 + epoch / 100 - ((number + epoch) % 5) / 50

    ends = []
    for sparse in (False, True):
        study = optuna.create_study(
            study_name="s", direction="maximize", pruner=make_pruner(spec(**pruner))
        )
        ended = []
        for number in range(30):
            trial = study.ask()
            reporter = Reporter(trial, judging(spec(**pruner)))
            for epoch in range(1, 41):
                value = curve(number, epoch)
                if sparse:
                    stop = reporter.pruned(epoch, value)
                else:
                    trial.report(value, epoch)
                    stop = trial.should_prune()
                if stop:
                    break
            reporter.flush()
            ended.append(epoch)
            if stop:
                study.tell(trial, state=optuna.trial.TrialState.PRUNED)
            else:
                study.tell(trial, value)
        ends.append(ended)
    assert ends[0] == ends[1]
    assert min(ends[0]) < 40, "nothing was pruned: the test says nothing"


def test_few_reports_and_the_last_epoch_among_them(monkeypatch):
    study = optuna.create_study()
    trial = study.ask()
    reporter = Reporter(trial, Judging(lambda epoch: epoch == 50, by_all_epochs=False))
    for epoch in range(1, 2001):
        reporter.pruned(epoch, 1 / epoch)
    reporter.flush()
    stored = study.trials[0].intermediate_values
    assert 50 in stored
    assert 2000 in stored
    assert len(stored) < 10
    monkeypatch.setattr(reporting, "_SECONDS", 0.0)
    again = Reporter(study.ask(), Judging(lambda epoch: False, by_all_epochs=False))
    again.pruned(1, 0.5)
    assert study.trials[1].intermediate_values == {1: 0.5}, "those who watch see it at once"


def test_references_are_never_pruned():
    study = optuna.create_study(pruner=optuna.pruners.ThresholdPruner(upper=0.1))
    study.enqueue_trial({}, user_attrs={"origin": "document"})
    always = Judging(lambda epoch: True, by_all_epochs=False)
    assert not Reporter(study.ask(), always).pruned(1, 5.0)
    assert Reporter(study.ask(), always).pruned(1, 5.0)
