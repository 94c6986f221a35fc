from __future__ import annotations

import keras
import numpy as np
import pytest

from tuner.data import Split, Splits
from tuner.learners.keras.networks.scaling import scaling_layers


def splits(x: np.ndarray) -> Splits:
    return Splits(*[Split(x, np.zeros(len(x)))] * 3, task="regression")


def scale(train: np.ndarray, rows: np.ndarray, scaling: str = "minmax") -> np.ndarray:
    layers = scaling_layers(splits(train), scaling)
    return keras.Sequential(layers)(rows.astype(np.float32)).numpy()


def test_each_column_of_the_training_rows_becomes_0_to_1():
    x = np.random.default_rng(0).normal([0, 50, -3], [1, 9, 0.01], size=(200, 3))
    expected = (x - x.min(axis=0)) / (x.max(axis=0) - x.min(axis=0))
    np.testing.assert_allclose(scale(x, x), expected, atol=1e-4)


def test_other_rows_may_lie_outside():
    x = np.array([[0.0], [10.0]])
    np.testing.assert_allclose(scale(x, np.array([[-5.0], [20.0]])), [[-0.5], [2.0]])


def test_a_constant_column_is_0_whatever_comes_later():
    x = np.array([[7.0, 1.0], [7.0, 2.0]])
    np.testing.assert_array_equal(scale(x, np.array([[1e30, 1.0], [-4.0, 2.0]])), [[0, 0], [0, 1]])


@pytest.mark.parametrize("offset", [2010.0, 1e6, 1.6e7])
def test_a_small_range_beside_large_values_keeps_its_digits(offset):
    x = offset + np.array([[0.0], [1.0], [2.0], [4.0]])
    np.testing.assert_array_equal(scale(x, x), [[0.0], [0.25], [0.5], [1.0]])


@pytest.mark.parametrize("size", [1e-30, 1e-9, 1e9, 1e30])
def test_the_unit_of_a_column_does_not_matter(size):
    x = size * np.array([[-1.0], [0.0], [3.0]])
    np.testing.assert_allclose(scale(x, x), [[0.0], [0.25], [1.0]], rtol=1e-6)


def test_standard_scaling_has_mean_0_and_deviation_1():
    x = np.random.default_rng(0).normal([0, 50, -3], [1, 9, 0.01], size=(200, 3))
    x = np.concatenate([x, np.full((200, 1), 7.0)], axis=1)
    scaled = scale(x, x, "standard")
    np.testing.assert_allclose(scaled.mean(axis=0), 0, atol=1e-3)
    np.testing.assert_allclose(scaled.std(axis=0), [1, 1, 1, 0], rtol=1e-3)


@pytest.mark.parametrize(
    ("x", "expected"),
    [
        (np.array([10, 250], np.uint8), [10 / 255, 250 / 255]),
        (np.array([0.0, 204.0], np.float32), [0.0, 1.0]),
        (np.array([0.0, 1.0], np.float32), None),
        (np.array([0.1, 0.5], np.float32), None),
    ],
)
def test_images_are_divided_by_their_white(x, expected):
    layers = scaling_layers(splits(x.reshape(2, 1, 1, 1)))
    if expected is None:
        assert layers == []
    else:
        scaled = keras.Sequential(layers)(x.reshape(2, 1, 1, 1)).numpy().ravel()
        np.testing.assert_allclose(scaled, expected, rtol=1e-6)


def test_images_are_standardised_as_a_whole():
    x = np.random.default_rng(0).integers(0, 256, (20, 4, 4, 3)).astype(np.uint8)
    scaled = scale(x, x, "standard")
    assert scaled.mean() == pytest.approx(0, abs=1e-5)
    assert scaled.std() == pytest.approx(1, abs=1e-5)


def test_without_scaling_there_is_no_layer():
    assert scaling_layers(splits(np.array([[1.0], [3.0]])), "none") == []
