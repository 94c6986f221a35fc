from __future__ import annotations

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tuner.data.dividing import (
    LEAST_OF_A_CLASS,
    divide,
    divide_by_group,
    divide_by_time,
    hold_out,
)

SHARES = (0.6, 0.2, 0.2)


@given(n=st.integers(10, 400))
def test_every_row_is_in_one_part_and_the_parts_have_their_size(n: int) -> None:
    parts = divide(n)
    assert sorted(np.concatenate(parts)) == list(range(n))
    for part, share in zip(parts, SHARES, strict=True):
        assert abs(len(part) - n * share) < 2


@given(sizes=st.lists(st.integers(LEAST_OF_A_CLASS, 60), min_size=2, max_size=12))
def test_every_class_has_its_share_of_every_part(sizes: list[int]) -> None:
    labels = np.repeat(np.arange(len(sizes)), sizes)
    for rows, share in zip(divide(len(labels), labels), SHARES, strict=True):
        counts = np.bincount(labels[rows], minlength=len(sizes))
        assert (counts >= 1).all()
        assert (np.abs(counts - np.array(sizes) * share) < 2).all()


def test_division_never_changes() -> None:
    train, validation, test = divide(10)
    assert train.tolist() == [9, 5, 6, 4, 3, 7]
    assert validation.tolist() == [0, 1]
    assert test.tolist() == [2, 8]


@given(
    sizes=st.lists(st.integers(LEAST_OF_A_CLASS, 60), min_size=2, max_size=12),
    share=st.floats(0.01, 0.5),
)
@example(sizes=[5, 5, 5], share=0.5)
@example(sizes=[5, 5, 12], share=0.5)
def test_test_split_has_its_share_and_a_row_of_each_class(sizes: list[int], share: float) -> None:
    labels = np.repeat(np.arange(len(sizes)), sizes)
    parts = divide(len(labels), labels, share)
    assert sorted(np.concatenate(parts)) == list(range(len(labels)))
    assert abs(len(parts[2]) - max(share, 1 / min(sizes)) * len(labels)) <= 1
    for rows in parts:
        assert len(np.unique(labels[rows])) == len(sizes)


@pytest.mark.parametrize("share", [0.1, 0.2, 0.4])
def test_share_of_the_test_split_counts_for_groups_and_times(share: float) -> None:
    random = np.random.default_rng(0)
    group, time = random.integers(0, 60, 600), random.integers(0, 900, 600)
    strata = np.zeros(600, dtype=np.intp)
    for parts in (divide_by_group(group, strata, share), divide_by_time(time, share)):
        assert sorted(np.concatenate(parts)) == list(range(600))
        assert len(parts[2]) / 600 == pytest.approx(share, abs=0.11 if share == 0.4 else 0.02)


def test_rows_of_a_part_are_in_no_order_of_classes() -> None:
    labels = np.repeat([0, 1], 100)
    changes = np.abs(np.diff(labels[divide(200, labels)[0]])).sum()
    assert changes > 30  # sorted by class it would be 1


def test_a_fifth_is_held_out() -> None:
    rows = np.arange(100, 150)
    left, taken = hold_out(rows, 0.2)
    assert (len(left), len(taken)) == (40, 10)
    assert sorted([*left, *taken]) == rows.tolist()
