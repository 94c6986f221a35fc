"""The regions of a search space in which trials fail."""

from __future__ import annotations

import random
from collections.abc import Callable

from tuner.results.failing import Condition, failing_regions
from tuner.results.rows import TrialRow
from tuner.space import Value

NAN = "loss is NaN at epoch 3"
Params = dict[str, Value]


def row(number: int, params: Params, reason: str | None = None, **others: object) -> TrialRow:
    state = "complete" if reason is None else "fail"
    values = (0.5,) if reason is None else ()
    return TrialRow(number, state, values, params, reason=reason, seed=1, **others)


def rows(n: int, fails: Callable[[Params], str | None]) -> list[TrialRow]:
    """Random configurations, of which some fail for the reason that ``fails`` returns."""
    drawn = random.Random(0)
    found = []
    for number in range(n):
        params: Params = {
            "optimizer": drawn.choice(["adam", "rmsprop", "sgd"]),
            "learning_rate": 10 ** drawn.uniform(-4, 0),
            "units_1": drawn.randrange(4, 1024, 8),
            "batch_norm": drawn.choice([True, False]),
        }
        found.append(row(number, params, fails(params)))
    return found


def test_number_and_category_together() -> None:
    found = rows(
        80, lambda p: NAN if p["optimizer"] == "sgd" and float(p["learning_rate"]) > 0.2 else None
    )
    [region] = failing_regions(found)
    assert {one.name for one in region.conditions} == {"optimizer", "learning_rate"}
    n = sum(one.state == "fail" for one in found)
    assert (region.failed, region.trials) == (n, n)
    threshold = next(one.value for one in region.conditions if one.relation == "above")
    assert 0.1 < float(threshold) < 0.4
    assert region.words() == (
        f"learning_rate above {threshold} with sgd: {n} of {n} failed (loss became NaN)"
    )
    assert all(
        all(one.holds(each.params) for one in region.conditions) == (each.state == "fail")
        for each in found
    )


def test_one_number_is_enough_for_memory() -> None:
    reason = "memory: used 3.1 GiB, the limit is 3.0 GiB"
    found = rows(40, lambda p: reason if int(p["units_1"]) > 900 else None)
    [region] = failing_regions(found)
    assert [(one.name, one.relation) for one in region.conditions] == [("units_1", "above")]
    n = region.failed
    assert region.words().endswith(f": {n} of {n} failed (out of memory)")
    assert isinstance(region.conditions[0].value, int)


def test_switch_is_named_with_its_parameter() -> None:
    found = rows(40, lambda p: "timeout: took longer than 5 min" if p["batch_norm"] else None)
    [region] = failing_regions(found)
    n = region.failed
    assert region.words() == f"batch_norm yes: {n} of {n} failed (took too long)"
    assert region.to_dict() == {
        "conditions": [{"name": "batch_norm", "relation": "is", "value": True}],
        "failed": n,
        "trials": n,
        "reason": "took too long",
    }


def test_some_trials_in_the_region_may_succeed() -> None:
    found = rows(60, lambda p: NAN if float(p["learning_rate"]) > 0.1 else None)
    inside = max(found, key=lambda one: one.params["learning_rate"])
    found[inside.number] = row(inside.number, dict(inside.params))
    [region] = failing_regions(found)
    assert region.trials == region.failed + 1


def test_random_failures_have_no_region() -> None:
    for seed in range(20):
        drawn = random.Random(seed)
        assert failing_regions(rows(60, lambda _, d=drawn: NAN if d.random() < 0.1 else None)) == []


def test_two_failures_are_not_enough() -> None:
    found = [row(n, {"rate": n / 10}, NAN if n > 7 else None) for n in range(10)]
    assert failing_regions(found) == []


def test_trials_that_all_fail_have_no_region() -> None:
    assert failing_regions([row(n, {"rate": n / 10}, NAN) for n in range(10)]) == []


def test_each_kind_of_failure_has_its_region() -> None:
    def fails(params: Params) -> str | None:
        if params["optimizer"] == "sgd":
            return NAN
        return (
            "memory: used 2.0 GiB, the limit is 1.0 GiB" if int(params["units_1"]) > 800 else None
        )

    assert [one.reason for one in failing_regions(rows(90, fails))] == [
        "loss became NaN",
        "out of memory",
    ]


def test_reused_and_refused_trials_say_nothing() -> None:
    found = rows(80, lambda p: NAN if float(p["learning_rate"]) > 0.2 else None)
    [before] = failing_regions(found)
    more = [
        row(100, {"learning_rate": 0.9}, reused=3),
        TrialRow(101, "fail", (), {"learning_rate": 7.0}, reason="enqueued outside the space"),
    ]
    assert failing_regions([*found, *more]) == [before]


def test_condition_does_not_hold_without_its_parameter() -> None:
    assert not Condition("momentum", "above", 0.5).holds({"rate": 1.0})
    assert Condition("momentum", "below", 0.5).holds({"momentum": 0.1})
