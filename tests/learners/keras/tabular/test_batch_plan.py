"""The steps of an epoch: rows in even batches, rates by the schedules."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from tuner.learners.keras.tabular.batch_plan import SCHEDULES, Optimizing, Plan

OPTIMIZING = Optimizing(
    learning_rate=0.04,
    schedule="coslog4",
    weight_decay=0.02,
    dropout=0.15,
    fading="flat_cos",
    batch_size=256,
    epochs=4,
    betas=(0.9, 0.95),
)


def plan(*rows: int, **changed: object) -> Plan:
    randoms = [np.random.default_rng([7, member]) for member in range(len(rows))]
    return Plan(list(rows), randoms, replace(OPTIMIZING, **changed))  # type: ignore[arg-type]  # of any field


def test_every_row_is_in_one_batch_of_an_epoch() -> None:
    planned = plan(257, 30, batch_size=100)
    for _ in range(2):
        steps = planned.epoch()
        for member, n in enumerate((257, 30)):
            rows = steps.rows[:, member][steps.shares[:, member] > 0]
            assert sorted(rows) == list(range(n))


def test_batches_of_an_epoch_are_as_large_as_each_other() -> None:
    steps = plan(257).epoch()
    assert [int((batch > 0).sum()) for batch in steps.shares[:, 0]] == [129, 128]
    assert steps.shares.sum(axis=2) == pytest.approx(1.0)


def test_table_smaller_than_a_batch_is_one_batch() -> None:
    assert plan(30).epoch().rows.shape == (1, 1, 30)


def test_member_with_fewer_batches_rests_in_the_last_ones() -> None:
    steps = plan(300, 100, batch_size=100).epoch()
    assert steps.rates[:, 0, 3].tolist() == [1, 1, 1]
    assert steps.rates[:, 1, 3].tolist() == [1, 0, 0]
    assert not steps.shares[1:, 1].any()
    assert not steps.rates[1:, 1, 0].any()


def test_a_member_is_planned_as_it_would_be_alone() -> None:
    alone, beside = plan(130, batch_size=50), plan(130, 400, batch_size=50)
    for _ in range(3):
        mine, both = alone.epoch(), beside.epoch()
        n_steps, _, width = mine.rows.shape
        np.testing.assert_array_equal(both.rows[:n_steps, :1, :width], mine.rows)
        np.testing.assert_array_equal(both.shares[:n_steps, :1, :width], mine.shares)
        np.testing.assert_array_equal(both.rates[:n_steps, :1], mine.rates)
        np.testing.assert_array_equal(both.fading[:n_steps, :1], mine.fading)
        np.testing.assert_array_equal(both.seeds[:n_steps, :1], mine.seeds)


def test_rates_follow_the_schedule_over_all_epochs() -> None:
    planned = plan(512)
    rates = np.concatenate([planned.epoch().rates[:, 0] for _ in range(4)])
    progress = np.arange(8) / 8
    expected = 0.02 * (1 - np.cos(2 * np.pi * np.log2(1 + 15 * progress)))
    assert rates[:, 0] == pytest.approx(expected, abs=1e-7)
    assert rates[:, 1] == pytest.approx(0.9 ** np.arange(1, 9))
    assert rates[:, 2] == pytest.approx(0.95 ** np.arange(1, 9))


def test_epochs_beyond_the_schedule_have_its_last_rate() -> None:
    planned = plan(10, epochs=2, schedule="cos")
    rates = [float(planned.epoch().rates[0, 0, 0]) for _ in range(4)]
    assert rates == pytest.approx([0.04, 0.02, 0.0, 0.0], abs=1e-9)


def test_dropout_and_decay_fade_out_in_the_second_half() -> None:
    planned = plan(10, epochs=4)
    faded = np.stack([planned.epoch().fading[0, 0] for _ in range(4)])
    assert faded[:, 0] == pytest.approx([0.15, 0.15, 0.15, 0.075])
    assert faded[:, 1] == pytest.approx([0.02, 0.02, 0.02, 0.01])


@pytest.mark.parametrize("name", SCHEDULES)
def test_schedule_is_a_factor_at_most_one(name: str) -> None:
    factors = SCHEDULES[name](np.linspace(0, 1, 101))
    assert factors.shape == (101,)
    assert ((factors >= -1e-12) & (factors <= 1)).all()
    assert factors.max() == pytest.approx(1.0, abs=1e-3)
