"""What the retry policy logs while a database does not answer, and when it does again."""

from __future__ import annotations

import pytest
import sqlalchemy as sa

from tuner.storage.retrying import RetryPolicy


@pytest.mark.parametrize("failures", [0, 1, 3])
def test_policy_logs_one_line_for_the_outage_and_one_for_its_end(
    failures: int, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tuner.storage.retrying._FIRST_PAUSE", 0.001)
    calls = []

    def attempt(again: bool) -> str:
        calls.append(again)
        if len(calls) <= failures:
            raise sa.exc.OperationalError("SELECT 1", None, ConnectionError("gone"))
        return "answer"

    assert RetryPolicy(30).call(attempt) == "answer"
    assert calls == [False] + [True] * failures
    away = "the database does not answer; it is tried again"
    expected = [away, "the database answers again"] if failures else []
    assert caplog.messages == expected


def test_policy_gives_up_at_once_when_it_is_over(caplog: pytest.LogCaptureFixture) -> None:
    calls = []

    def attempt(again: bool) -> None:
        calls.append(again)
        raise sa.exc.OperationalError("SELECT 1", None, ConnectionError("gone"))

    with pytest.raises(sa.exc.OperationalError, match="gone"):
        RetryPolicy(30, lambda: True).call(attempt)
    assert calls == [False]
    assert caplog.messages == []


def test_policy_makes_no_further_attempt_when_it_is_over_while_it_waits() -> None:
    calls = []
    looks = iter([False])  # whether to wait; afterwards it is over

    def attempt(again: bool) -> None:
        calls.append(again)
        raise sa.exc.OperationalError("SELECT 1", None, ConnectionError("gone"))

    with pytest.raises(sa.exc.OperationalError, match="gone"):
        RetryPolicy(30, lambda: next(looks, True)).call(attempt)
    assert calls == [False]
