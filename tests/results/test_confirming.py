"""The statistics of a confirmation, on made-up values."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from tuner.results.confirming import chances_of_best, cheapest, half_width, tied_with


def losses_of(values: np.ndarray) -> dict[str, dict[int, float]]:
    return {str(i): dict(enumerate(column.tolist())) for i, column in enumerate(values.T)}


def test_half_width_is_that_of_students_interval() -> None:
    numbers = [0.91, 0.93, 0.95, 0.90]
    low, high = stats.t.interval(0.95, 3, np.mean(numbers), stats.sem(numbers))
    assert half_width(numbers) == pytest.approx((high - low) / 2)
    assert half_width([0.9]) is None


def test_known_winner_is_almost_certain() -> None:
    rng = np.random.default_rng(0)
    values = np.array([0.0, 1.0, 3.0]) + 0.3 * rng.normal(size=(10, 3))
    chances = chances_of_best(losses_of(values))
    assert chances["0"] > 0.99
    assert sum(chances.values()) == pytest.approx(1)


def test_chances_are_paired() -> None:
    # What is common to a repeat is far larger than the difference, which is always the same.
    rng = np.random.default_rng(0)
    common = 10 * rng.normal(size=(8, 1))
    values = common + np.array([0.0, 0.5]) + 0.05 * rng.normal(size=(8, 2))
    assert chances_of_best(losses_of(values))["0"] > 0.99


def test_equal_candidates_share_their_chance() -> None:
    values = np.repeat(np.random.default_rng(0).normal(size=(6, 1)), 2, axis=1)
    assert chances_of_best(losses_of(values)) == {"0": 0.5, "1": 0.5}


def test_chances_are_calibrated() -> None:
    rng = np.random.default_rng(3)
    said, was_best = [], []
    for _ in range(60):
        means = rng.normal(size=4)
        values = means + rng.normal(size=(8, 4)) + rng.normal(size=(8, 1))
        chances = chances_of_best(losses_of(values))
        first = max(chances, key=lambda name: chances[name])
        said.append(chances[first])
        was_best.append(int(first) == int(means.argmin()))
    assert np.mean(said) == pytest.approx(np.mean(was_best), abs=0.1)


def test_stopped_candidate_is_compared_by_the_repeats_that_it_has() -> None:
    rng = np.random.default_rng(0)
    losses = losses_of(np.array([0.0, 0.1, 9.0]) + 0.2 * rng.normal(size=(10, 3)))
    losses["2"] = {repeat: losses["2"][repeat] for repeat in range(3)}
    chances = chances_of_best(losses)
    assert chances["2"] < 0.01
    assert sum(chances.values()) == pytest.approx(1)
    assert chances_of_best({"a": {0: 1.0}}) == {}, "one repeat says nothing"


def test_chances_are_the_same_for_the_same_seed() -> None:
    losses = losses_of(np.random.default_rng(0).normal(size=(5, 3)))
    assert chances_of_best(losses, seed=1) == chances_of_best(losses, seed=1)
    assert chances_of_best(losses, seed=1) != chances_of_best(losses, seed=2)


def test_ties_are_within_one_standard_error() -> None:
    rng = np.random.default_rng(0)
    values = np.array([0.0, 0.0, 5.0]) + rng.normal(size=(10, 3))
    best = "0" if values[:, 0].mean() < values[:, 1].mean() else "1"
    other = {"0": "1", "1": "0"}[best]
    values[:, int(other)] = values[:, int(best)] + np.where(np.arange(10) % 2, 0.5, -0.45)
    assert tied_with(best, losses_of(values)) == [other]


def test_tie_goes_to_the_cheaper() -> None:
    assert cheapest(["a", "b"], {"a": 900, "b": 100}, {"a": 1.0, "b": 9.0}) == "b"
    # Without the number of parameters of all, the time decides if it is surely shorter.
    assert cheapest(["a", "b"], {"a": 900, "b": None}, {"a": 1.0, "b": 9.0}) == "a"
    assert cheapest(["a", "b"], {"a": None, "b": None}, {"a": 1.0, "b": 0.95}) == "a"
    assert cheapest(["a", "b"], {"a": None, "b": None}, {"a": 1.0, "b": 0.5}) == "b"


def test_optimism_of_pure_noise_is_seen() -> None:
    # Fifty configurations that are all the same: the best of one trial each is luck.
    rng = np.random.default_rng(0)
    optimism = []
    for _ in range(200):
        search = rng.normal(size=50)
        repeats = rng.normal(size=(10, 1))
        optimism.append(repeats.mean() - search.min())
    assert np.mean(optimism) == pytest.approx(2.25, abs=0.15), "the mean of the least of fifty"
