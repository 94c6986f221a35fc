from __future__ import annotations

import sys

import pytest

from tuner.workers.streams import own_streams


def test_streams_that_a_trial_closes_or_replaces_are_restored(
    capfd: pytest.CaptureFixture[str],
) -> None:
    before = sys.stdout, sys.stderr
    with own_streams():
        print("without an end", end="")
        sys.stdout.close()
        sys.stderr = None  # type: ignore[assignment]  # as a user's code may do
    assert (sys.stdout, sys.stderr) == before
    with own_streams():
        print(" of the line")
    assert capfd.readouterr().out == "without an end of the line\n"
