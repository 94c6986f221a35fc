"""A stored trial beside its replay: equal, or what differs and what may be the cause."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np

from tuner.results.rendering import document
from tuner.results.replay_result import Fact, Measured, ReplayResult, compare

NAN = float("nan")
LOSS = np.array([0.5, 0.25, 0.125], np.float32)
STORED = Measured(
    state="complete",
    curves={"loss": LOSS, "lr": np.array([NAN, 0.1, 0.2], np.float32)},
    values={1: 0.75, 3: 0.8},
    value=0.8,
    epoch=3,
    reason=None,
)
SAME = replace(STORED, values={1: 0.75, 2: 0.7, 3: 0.8})
FACTS = (
    Fact("data", "abc", "abc"),
    Fact("tensorflow", "2.20.0", "2.21.0"),
    Fact("processor", None, "A CPU"),
)


def result(now: Measured, stored: Measured = STORED, facts: tuple[Fact, ...] = FACTS):
    differences = compare(stored, now, "accuracy")
    return ReplayResult(
        "wine", "sqlite:///t.db", 7, "accuracy", "epoch", stored, now, differences, facts
    )


def test_equal_says_what_was_compared() -> None:
    found = result(SAME)
    assert found.is_equal
    assert found.words() == (
        "trial 7 of wine (complete): equal to the last digit\n"
        "compared: 3 epochs of 2 logs, 2 intermediate values, the value (accuracy 0.8)"
    )
    assert json.loads(document(found.to_dict()))["equal"] is True


def test_one_digit_is_found_and_its_epoch_named() -> None:
    other = LOSS.copy()
    other[1] = np.nextafter(other[1], np.float32(1))
    other[2] = 0.5
    found = result(replace(SAME, curves={**STORED.curves, "loss": other}))
    assert not found.is_equal
    text = found.words()
    assert "first     epoch 2, loss: 0.25 stored, 0.25000003 now" in text
    assert "largest   epoch 3, loss: 0.125 stored, 0.5 now" in text
    assert "in all    2 numbers of 3 epochs of 2 logs" in text
    assert "tensorflow      2.20.0 then, 2.21.0 now" in text
    assert "the same        data" in text
    assert "not stored      processor" in text
    table = json.loads(document(found.to_dict()))
    assert table["first"] == {"what": "loss", "step": 2, "stored": 0.25, "now": 0.2500000298023224}
    assert table["facts"][1] == {
        "what": "tensorflow",
        "stored": "2.20.0",
        "now": "2.21.0",
        "same": False,
    }


def test_without_a_known_cause_says_so() -> None:
    text = result(replace(SAME, value=0.7), facts=(Fact("data", "a", "a"),)).words()
    assert "first     accuracy: 0.8 stored, 0.7 now" in text
    assert "nothing that is known has changed since:" in text
    assert "code of your own that draws random numbers without a seed" in text


def test_shorter_replay_differs_in_the_first_missing_epoch() -> None:
    short = replace(SAME, curves={name: values[:2] for name, values in STORED.curves.items()})
    found = result(short)
    assert "first     epoch 3, loss: 0.125 stored, none now" in found.words()
    assert found.steps == 2


def test_intermediate_values_are_compared_as_float64() -> None:
    found = result(replace(SAME, values={1: 0.75 + 1e-16 * 2, 3: 0.8}))
    assert "epoch 1, intermediate value: 0.75 stored, 0.7500000000000002 now" in found.words()


def test_trial_of_an_early_version_has_no_curves_to_compare() -> None:
    found = result(SAME, replace(STORED, curves={}))
    assert found.is_equal
    assert "compared: 2 intermediate values, the value" in found.words()


def test_failure_is_equal_if_its_reason_is() -> None:
    failed = Measured("fail", {"loss": LOSS}, {1: 0.75}, None, None, "loss is NaN at epoch 4")
    assert "it fails again for the same reason: loss is NaN" in result(failed, failed).words()
    other = replace(failed, reason="out of memory")
    text = result(other, failed).words()
    assert "not equal" in text
    assert "then      failed: loss is NaN at epoch 4" in text
    assert "now       failed: out of memory" in text
    assert not result(SAME, failed).is_equal


def test_another_best_epoch_is_a_difference() -> None:
    text = result(replace(SAME, epoch=2)).words()
    assert "numbers   equal" in text
    assert "then      complete, best epoch 3" in text
    assert "now       complete, best epoch 2" in text
