"""The race of a confirmation, on made-up values."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats

from tuner.search.racing import LEAST_REPEATS, Paired, Race, standing


def losses_of(values: np.ndarray) -> dict[str, dict[int, float]]:
    """Rows are repeats, columns candidates named "0", "1" …"""
    return {str(i): dict(enumerate(column.tolist())) for i, column in enumerate(values.T)}


def drawn(rng: np.random.Generator, means: np.ndarray, repeats: int = 10) -> np.ndarray:
    """Candidates with noises of their own, and a part that all have in common in a repeat."""
    spread = rng.uniform(0.5, 2.0, len(means))
    own = rng.normal(size=(repeats, len(means))) * spread
    return means + own + rng.normal(size=(repeats, 1))


def test_paired_is_the_paired_t_test_of_scipy() -> None:
    ours, others = np.array([1.0, 2.5, 3.1, 4.2]), np.array([0.7, 2.6, 2.2, 3.9])
    found = Paired.of(dict(enumerate(ours)), dict(enumerate(others)))
    expected = stats.ttest_rel(ours, others, alternative="greater")
    assert found.chance() == pytest.approx(expected.pvalue)
    assert found.mean / found.error == pytest.approx(expected.statistic)


def test_paired_adds_the_overlap_of_nadeau_and_bengio() -> None:
    numbers = [1.0, 2.5, 3.1, 4.2]
    plain, shared = Paired.of_numbers(numbers), Paired.of_numbers(numbers, overlap=1 / 3)
    assert shared.error == pytest.approx(plain.error * math.sqrt((1 / 4 + 1 / 3) / (1 / 4)))
    assert shared.chance() > plain.chance()


def test_paired_compares_only_repeats_that_both_have() -> None:
    found = Paired.of({0: 1.0, 1: 2.0, 5: 9.0}, {0: 0.5, 1: 1.0, 2: 7.0})
    assert (found.n, found.mean) == (2, 0.75)
    assert Paired.of({0: 1.0}, {0: 0.0}).chance() == 1.0, "one difference says nothing"


def test_equal_differences_count_as_certain_only_after_some_repeats() -> None:
    assert Paired.of_numbers([0.5] * 3).chance() == 1.0
    assert Paired.of_numbers([0.5] * 5).chance() == 0.0
    assert Paired.of_numbers([0.0] * 5).chance() == 1.0, "the same is not worse"


def test_candidate_far_behind_leaves_the_race_after_the_first_rounds() -> None:
    rng = np.random.default_rng(0)
    values = drawn(rng, np.array([0.0, 0.1, 200.0]), LEAST_REPEATS)
    race = standing(losses_of(values), {}, repeats=10)
    assert race.stopped == {"2": LEAST_REPEATS}
    assert race.racing == ("0", "1")
    assert standing(losses_of(values[:2]), {}, repeats=10).stopped == {}


def test_nobody_leaves_after_the_last_round() -> None:
    rng = np.random.default_rng(0)
    values = drawn(rng, np.array([0.0, 200.0]), LEAST_REPEATS)
    assert standing(losses_of(values), {}, repeats=LEAST_REPEATS).stopped == {}


def test_race_does_not_depend_on_repeats_beyond_the_finished_rounds() -> None:
    losses = losses_of(drawn(np.random.default_rng(1), np.array([0.0, 0.2, 300.0]), 4))
    before = standing(losses, {}, repeats=10)
    losses["0"][7] = 1e9
    assert standing(losses, {}, repeats=10) == before


def test_failed_candidate_leaves_the_race() -> None:
    losses = losses_of(drawn(np.random.default_rng(0), np.zeros(3), 4))
    del losses["1"][2], losses["1"][3]
    race = standing(losses, {"1": 2}, repeats=6)
    assert (race.stopped, race.rounds) == ({"1": 3}, 4)


def test_pairs_come_round_by_round() -> None:
    race = Race(("a", "b", "c"), 2, stopped={"b": 3})
    assert race.pairs() == [("a", 0), ("c", 0), ("a", 1), ("c", 1)]


def test_new_candidate_begins_with_the_first_round() -> None:
    losses = losses_of(drawn(np.random.default_rng(0), np.array([0.0, 500.0]), 4))
    assert standing(losses, {}, repeats=10).stopped == {"1": 3}
    race = standing({**losses, "new": {}}, {}, repeats=10)
    assert (race.rounds, race.stopped) == (0, {})


@pytest.mark.parametrize(
    "means",
    [
        pytest.param(np.zeros(8), id="all equal"),
        pytest.param(np.r_[0, np.full(7, 0.3)], id="just ahead"),
        pytest.param(np.r_[0, np.linspace(0.2, 4, 7)], id="spread out"),
        pytest.param(np.r_[0, 0.1, np.full(6, 5.0)], id="two in front"),
    ],
)
def test_race_keeps_the_best_in_nineteen_of_twenty(means: np.ndarray) -> None:
    rng = np.random.default_rng(0)
    n = 150
    kept = sum(
        "0" in standing(losses_of(drawn(rng, means)), {}, repeats=10).racing for _ in range(n)
    )
    assert kept / n >= 0.95


def test_race_saves_trainings() -> None:
    rng = np.random.default_rng(0)
    race = standing(losses_of(drawn(rng, np.linspace(0, 20, 8))), {}, repeats=10)
    used = sum(race.stopped.get(name, 10) for name in race.names)
    assert used <= 60 < 80
