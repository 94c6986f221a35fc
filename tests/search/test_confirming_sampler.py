"""What a confirmation trains next, asked by workers that do not know each other."""

from __future__ import annotations

import optuna
import pytest
from confirmations import add_repeats, begun, searched
from laboratory import Laboratory
from optuna.trial import TrialState

from tuner.search import derive_seed, left_of, make_sampler
from tuner.search.confirming_sampler import repeat_seed
from tuner.spec.models import Confirm
from tuner.studies.companion import prepare_companion


def ask(study: optuna.Study) -> tuple[str, int]:
    """Asks for a trial as a worker does."""
    trial = study.ask()
    assert trial.user_attrs["role"] == "confirm"
    return trial.user_attrs["origin"], trial.user_attrs["repeat"]


def test_candidates_are_the_best_distinct_trials_and_the_references(
    laboratory: Laboratory,
) -> None:
    database, study, spec = searched(laboratory, [0.5, 0.3, 0.4, 0.9], reference=0.7)
    twin = study.get_trials()[2]
    study.add_trial(twin)  # the same configuration again
    companion, _ = begun(database, study, spec, top=3)
    names = [one.name for one in companion.stored.candidates]
    assert names == ["trial 2", "trial 3", "trial 1", "document"]
    assert [one.is_reference for one in companion.stored.candidates] == [False] * 3 + [True]


def test_each_worker_gets_another_pair_round_by_round(laboratory: Laboratory) -> None:
    database, study, spec = searched(laboratory, [0.5, 0.3])
    companion, stored = begun(database, study, spec, repeats=3)
    stored.sampler = make_sampler(companion.spec)
    asked = [ask(stored) for _ in range(5)]
    assert asked == [
        *[("trial 1", 0), ("trial 0", 0)],
        *[("trial 1", 1), ("trial 0", 1)],
        ("trial 1", 2),
    ]
    left = left_of(companion.spec, stored)
    assert left is not None
    assert (left.untried, left.running, left.total) == (1, 5, 6)


def test_trials_asked_for_at_the_same_moment_train_different_candidates(
    laboratory: Laboratory,
) -> None:
    database, study, spec = searched(laboratory, [0.5, 0.3])
    companion, stored = begun(database, study, spec)
    sampler = make_sampler(companion.spec)
    ids = [stored._storage.create_new_trial(stored._study_id) for _ in range(3)]
    chosen = {}
    for trial_id in reversed(ids):  # the last one decides first
        trial = stored._storage.get_trial(trial_id)
        sampler.before_trial(stored, trial)
        chosen[trial.number] = (trial.user_attrs["origin"], trial.user_attrs["repeat"])
    assert [chosen[number] for number in range(3)] == [
        ("trial 1", 0),
        ("trial 0", 0),
        ("trial 1", 1),
    ]


def test_all_candidates_have_the_same_seed_in_a_repeat(laboratory: Laboratory) -> None:
    database, study, spec = searched(laboratory, [0.5, 0.3])
    companion, stored = begun(database, study, spec)
    stored.sampler = make_sampler(companion.spec)
    trials = [stored.ask() for _ in range(4)]
    seeds = [trial.user_attrs["seed"] for trial in trials]
    assert seeds[0] == seeds[1] != seeds[2] == seeds[3]
    assert "division" not in trials[0].user_attrs


def test_seeds_are_none_that_a_search_has() -> None:
    for seed in range(20):
        of_search = {derive_seed(seed, number) for number in range(500)}
        of_repeats = {repeat_seed(seed, repeat) for repeat in range(50)}
        assert len(of_repeats) == 50
        assert not of_search & of_repeats


def test_trial_that_was_given_back_trains_its_candidate_again(laboratory: Laboratory) -> None:
    database, study, spec = searched(laboratory, [0.5, 0.3])
    companion, stored = begun(database, study, spec)
    stored.sampler = make_sampler(companion.spec)
    first = stored.ask()
    before = first.user_attrs
    assert database.give_back(first._trial_id, {})
    again = stored.ask()
    assert again.number == first.number
    assert again.user_attrs == before
    assert companion.spec.search_space.suggest(again) == {"learning_rate": 0.002, "epochs": 3}


def test_nothing_is_left_when_all_that_can_win_have_their_repeats(
    laboratory: Laboratory,
) -> None:
    database, study, spec = searched(laboratory, [0.5, 0.3, 0.4])
    companion, stored = begun(database, study, spec, repeats=4)
    near = [0.50, 0.40, 0.45, 0.48]
    add_repeats(companion, stored, {"trial 1": near, "trial 2": [one + 0.001 for one in near]})
    left = left_of(companion.spec, stored)
    assert left is not None
    assert left.untried == 4, "all repeats of the third candidate"
    add_repeats(companion, stored, {"trial 0": [900.5, 900.4, 900.6]})
    left = left_of(companion.spec, stored)
    assert left is not None
    assert left.is_used_up, "it has left the race after three repeats"
    assert "every candidate that can still win" in left.words()


def test_failed_candidate_is_not_trained_again(laboratory: Laboratory) -> None:
    database, study, spec = searched(laboratory, [0.5, 0.3])
    companion, stored = begun(database, study, spec, repeats=3)
    add_repeats(companion, stored, {"trial 1": [None]})
    stored.sampler = make_sampler(companion.spec)
    assert [ask(stored) for _ in range(3)] == [("trial 0", repeat) for repeat in range(3)]


def test_better_trials_of_the_search_become_candidates(laboratory: Laboratory) -> None:
    database, study, spec = searched(laboratory, [0.5, 0.3])
    begun(database, study, spec, top=1, repeats=3)
    new = study.get_trials()[0]
    new.values = [0.1]
    new.params["learning_rate"] = 0.09
    study.add_trial(new)
    again = prepare_companion(database, study, spec, Confirm(top=1, repeats=3))
    assert again.added == ("trial 2",)
    assert [one.name for one in again.stored.candidates] == ["trial 1", "trial 2"]
    assert prepare_companion(database, study, spec, Confirm(top=1, repeats=3)).added == ()


def test_enqueued_configuration_is_no_repeat(laboratory: Laboratory) -> None:
    database, study, spec = searched(laboratory, [0.5, 0.3])
    companion, stored = begun(database, study, spec)
    stored.sampler = make_sampler(companion.spec)
    stored.enqueue_trial({"learning_rate": 0.07, "epochs": 3})
    assert "origin" not in stored.ask().user_attrs
    assert ask(stored) == ("trial 1", 0)
    assert stored.get_trials()[1].state is TrialState.RUNNING


@pytest.mark.parametrize("value", ["nonsense", {"study": "scripted"}])
def test_damaged_confirmation_is_one_error(laboratory: Laboratory, value: object) -> None:
    from tuner.errors import SpecError

    database, study, spec = searched(laboratory, [0.5, 0.3])
    companion, stored = begun(database, study, spec)
    stored.set_user_attr("tuner:confirms", value)
    with pytest.raises(SpecError, match="stored study scripted-confirm: tuner:confirms"):
        left_of(companion.spec, database.study(companion.name))
