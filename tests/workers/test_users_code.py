"""A user's code that prints endlessly, or raises an exception that ends a process."""

from __future__ import annotations

import time

import pytest
from laboratory import Laboratory, Recorder

from tuner.errors import WorkerError

pytestmark = pytest.mark.slow


def in_trial_0(laboratory: Laboratory, code: str) -> None:
    """Lets ``build_model`` run this code in trial 0, its second call: the first is the check."""
    head = "def build_model(params, data):\n"
    lines = (
        "    calls = open(__file__ + '.calls', 'ab')\n"
        "    calls.write(b'.')\n"
        "    calls.flush()\n"
        "    if calls.tell() == 2:\n"
        f"        {code}\n"
    )
    script = laboratory.folder / "scripted.py"
    script.write_text(script.read_text().replace(head, head + lines))


@pytest.mark.parametrize(
    ("code", "reason"),
    [
        ("raise KeyboardInterrupt", "KeyboardInterrupt"),
        ("raise GeneratorExit", "GeneratorExit"),
        ("raise SystemExit(3)", '"scripted:build_model" raised SystemExit: 3 (scripted.py, line '),
    ],
)
def test_exception_that_ends_a_process_fails_its_trial_in_one_line(
    laboratory: Laboratory, code: str, reason: str
) -> None:
    in_trial_0(laboratory, code)
    recorder = Recorder()
    run = laboratory.run(workers=1, n_trials=1, recorder=recorder)
    assert run.counts == {"complete": 1, "pruned": 0, "fail": 1, "running": 0, "waiting": 0}
    assert str(run.trials[0].reason).startswith(reason)
    assert "Traceback" not in recorder.notes()


def test_exception_that_ends_a_process_in_load_data_ends_the_run(laboratory: Laboratory) -> None:
    script = laboratory.folder / "scripted.py"
    head = "def load_data():\n"
    script.write_text(script.read_text().replace(head, f"{head}    raise KeyboardInterrupt\n"))
    recorder = Recorder()
    with pytest.raises(WorkerError, match="own code ended its worker with KeyboardInterrupt"):
        laboratory.run(workers=1, recorder=recorder)
    assert "Traceback" not in recorder.notes()


def test_endlessly_printing_trial_fails_at_its_time_limit(laboratory: Laboratory) -> None:
    in_trial_0(laboratory, "while True: print('a line')")
    recorder = Recorder()
    settings = ["budget.trial.timeout=5"]
    since = time.monotonic()
    run = laboratory.run(workers=1, n_trials=1, settings=settings, recorder=recorder)
    assert run.counts == {"complete": 1, "pruned": 0, "fail": 1, "running": 0, "waiting": 0}
    assert run.trials[0].reason == "timeout: took longer than 5 s"
    # A burst of 200 lines, then 20 a second, and the last 20 beside the reason.
    most = 220 + 20 * (time.monotonic() - since)
    assert 100 < recorder.notes().count("a line") < most
