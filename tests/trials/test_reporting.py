"""Which epochs are reported, and that pruners decide as if all were."""

from __future__ import annotations

import itertools

import optuna
import pytest
from study_texts import spec_of

from tuner.search import Judging, judging, make_pruner
from tuner.spec import Role, StudySpec
from tuner.storage.database import Database
from tuner.trials import reporting
from tuner.trials.reporting import Reporter

SPACE = {"epochs": {"type": "int", "low": 1, "high": 81}}


def spec(**pruner: object) -> StudySpec:
    return spec_of(SPACE, pruner=pruner)


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
def test_trials_end_at_the_same_epochs_as_with_every_epoch_reported(pruner, monkeypatch, tmp_path):
    """The same curves, reported epoch by epoch to Optuna and through the reporter."""
    monkeypatch.setattr(reporting, "_SECONDS", 1e9)

    def curve(number: int, epoch: int) -> float:
        return ((number * 7919 + 13) % 97) / 97 + epoch / 100 - ((number + epoch) % 5) / 50

    ends = []
    for sparse in (False, True):
        database = Database(f"sqlite:///{tmp_path}/{sparse}.db")
        study = optuna.create_study(
            storage=database.storage if sparse else None,
            study_name="s",
            direction="maximize",
            pruner=make_pruner(spec(**pruner)),
        )
        ended = []
        for number in range(16):
            trial = study.ask()
            reporter = Reporter(trial, judging(spec(**pruner)), database, 27)
            for epoch in range(1, 28):
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
    assert min(ends[0]) < 27, "nothing was pruned: the test says nothing"


@pytest.fixture
def database(tmp_path):
    return Database(f"sqlite:///{tmp_path}/tuner.db")


def ask(database: Database, **options: object) -> optuna.Trial:
    study = optuna.create_study(
        storage=database.storage, study_name="s", load_if_exists=True, **options
    )
    return study.ask()


def stored(trial: optuna.Trial) -> dict[int, float]:
    return trial.study.trials[trial.number].intermediate_values


def test_every_epoch_is_reported_in_few_transactions(database, monkeypatch):
    monkeypatch.setattr(reporting, "_SECONDS", 1e9)
    trial = ask(database)
    reported = []
    monkeypatch.setattr(trial, "report", lambda value, step: reported.append(step))
    reporter = Reporter(trial, Judging(lambda epoch: epoch in (3, 9), False), database, 40)
    for epoch in range(1, 41):
        reporter.pruned(epoch, 1 / epoch)
    reporter.flush()
    assert reported == [3, 9, 40]
    assert sorted([*stored(trial), *reported]) == list(range(1, 41))


def test_about_200_of_many_epochs_are_stored(database):
    trial = ask(database)
    reporter = Reporter(trial, Judging(lambda epoch: epoch == 55, False), database, 2000)
    for epoch in range(1, 2001):
        reporter.pruned(epoch, 1 / epoch)
    reporter.flush()
    assert {55, 2000} <= stored(trial).keys()
    assert 200 <= len(stored(trial)) < 210
    assert stored(trial)[1000] == pytest.approx(1 / 1000)


def test_epoch_is_stored_at_once_when_the_interval_is_over(database, monkeypatch):
    monkeypatch.setattr(reporting, "_SECONDS", 0.0)
    trial = ask(database)
    Reporter(trial, Judging(lambda epoch: False, False), database, 10).pruned(1, 0.5)
    assert stored(trial) == {1: 0.5}


def test_second_attempt_does_not_report_the_same_epochs_again(database):
    trial = ask(database)
    always = Judging(lambda epoch: True, False)
    assert not Reporter(trial, always, database, 10).pruned(1, 0.5)
    again = optuna.Trial(trial.study, trial._trial_id)
    reporter = Reporter(again, always, database, 10)
    reporter.pruned(1, 0.5)
    reporter.pruned(2, 0.25)
    assert stored(trial) == {1: 0.5, 2: 0.25}


@pytest.mark.parametrize("all_of_it", [True, False])
def test_stored_pruning_is_repeated_by_the_next_attempt(database, monkeypatch, all_of_it):
    trial = ask(database, pruner=optuna.pruners.ThresholdPruner(upper=1.0))
    always = Judging(lambda epoch: epoch > 1, by_all_epochs=all_of_it)
    reporter = Reporter(trial, always, database, 10)
    curve = {1: 0.5, 2: 0.6, 3: 5.0}
    assert [reporter.pruned(*point) for point in curve.items()] == [False, False, True]
    # Its process is killed here, before the trial is finished; another one restarts it.
    for _ in range(2):
        again = optuna.Trial(trial.study, trial._trial_id)
        monkeypatch.setattr(again, "should_prune", lambda: pytest.fail("judged once more"))
        retry = Reporter(again, always, database, 10)
        assert [retry.pruned(*point) for point in curve.items()] == [False, False, True]
    assert stored(trial) == curve


def test_unstored_pruning_is_judged_by_the_next_attempt(database, monkeypatch):
    trial = ask(database, pruner=optuna.pruners.ThresholdPruner(upper=1.0))
    always = Judging(lambda epoch: True, by_all_epochs=False)
    with monkeypatch.context() as dying:
        dying.setattr(
            database.storage, "store", lambda *_: (_ for _ in ()).throw(SystemExit("killed"))
        )
        with pytest.raises(SystemExit, match="killed"):
            Reporter(trial, always, database, 10).pruned(1, 5.0)
    again = optuna.Trial(trial.study, trial._trial_id)
    assert (stored(trial), again.user_attrs) == ({}, {})
    assert Reporter(again, always, database, 10).pruned(1, 5.0)


@pytest.mark.parametrize("role", Role)
def test_pruner_ends_trials_whose_role_allows_it(database, role):
    trial = ask(database, pruner=optuna.pruners.ThresholdPruner(upper=0.1))
    always = Judging(lambda epoch: True, False)
    pruned = Reporter(trial, always, database, 10, role).pruned(1, 5.0)
    assert pruned == (role in (Role.SEARCH, Role.DEFAULT))


def test_unjudged_epochs_are_stored_every_two_seconds(database, monkeypatch):
    now = [0.0]
    monkeypatch.setattr(reporting.time, "monotonic", lambda: now[0])
    trial = ask(database)
    reporter = Reporter(trial, Judging(lambda epoch: epoch == 1, False), database, 2000)
    written_at = []
    for epoch in range(1, 101):
        now[0] += 0.3
        before = len(stored(trial))
        reporter.pruned(epoch, 1 / epoch)
        if len(stored(trial)) > before:
            assert epoch in stored(trial), "the latest epoch is stored"
            written_at.append(now[0])
    waits = [later - earlier for earlier, later in itertools.pairwise(written_at)]
    assert len(written_at) < 20, "of 100 epochs"
    assert max(waits) <= 2.0 + 0.3 + 1e-9, "and never later than the first epoch after 2 seconds"
