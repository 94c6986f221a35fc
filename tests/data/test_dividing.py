from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from tuner.data.dividing import SHARES, divide


@given(n=st.integers(10, 400), seed=st.integers(0, 2**32 - 1))
def test_every_row_is_dealt_once_and_the_parts_have_their_size(n: int, seed: int) -> None:
    parts = divide(n, seed=seed)
    assert sorted(np.concatenate(parts)) == list(range(n))
    for part, share in zip(parts, SHARES, strict=True):
        assert abs(len(part) - n * share / sum(SHARES)) < max(SHARES)


@given(sizes=st.lists(st.integers(5, 60), min_size=2, max_size=6), seed=st.integers(0, 1000))
def test_every_class_has_its_share_of_every_part(sizes: list[int], seed: int) -> None:
    labels = np.repeat(np.arange(len(sizes)), sizes)
    for rows, share in zip(divide(len(labels), labels=labels, seed=seed), SHARES, strict=True):
        counts = np.bincount(labels[rows], minlength=len(sizes))
        wanted = np.array(sizes) * share / sum(SHARES)
        assert (counts >= 1).all()
        assert (np.abs(counts - wanted) < 2).all()


def test_a_class_of_five_rows_is_in_every_part() -> None:
    labels = np.array([0] * 5 + [1] * 7 + [2] * 5)
    for rows, expected in zip(divide(17, labels=labels), (3, 1, 1), strict=True):
        assert (labels[rows] == 2).sum() == expected


def test_the_same_division_every_time_and_for_ever() -> None:
    train, validation, test = divide(10)
    assert train.tolist() == [9, 1, 3, 5, 4, 0]
    assert validation.tolist() == [8, 7]
    assert test.tolist() == [6, 2]


def test_rows_of_a_part_are_in_no_order_of_classes() -> None:
    labels = np.repeat([0, 1], 100)
    changes = np.abs(np.diff(labels[divide(200, labels=labels)[0]])).sum()
    assert changes > 30  # sorted by class it would be 1


def test_other_shares() -> None:
    train, validation = divide(50, (4, 1))
    assert (len(train), len(validation)) == (40, 10)
