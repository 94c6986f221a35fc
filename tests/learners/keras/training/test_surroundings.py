"""What a trial changes of its process does not reach the next one."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import keras
import pytest
import tensorflow as tf

from tuner.learners.keras.training.surroundings import own_streams, restored_surroundings


def _misbehave(gone: Path) -> None:
    keras.config.set_floatx("float64")
    keras.config.set_epsilon(0.5)
    keras.config.set_dtype_policy("mixed_bfloat16")
    tf.config.run_functions_eagerly(True)
    os.chdir(gone)
    gone.rmdir()
    raise ValueError("of the trial")


def test_settings_and_working_directory_are_restored_after_an_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    gone = tmp_path / "gone"
    gone.mkdir()
    before = (keras.config.floatx(), keras.config.epsilon(), keras.config.dtype_policy())
    with pytest.raises(ValueError, match="of the trial"), restored_surroundings():
        _misbehave(gone)
    assert Path.cwd() == tmp_path
    after = (keras.config.floatx(), keras.config.epsilon(), keras.config.dtype_policy())
    assert after == before
    assert not tf.config.functions_run_eagerly()


def test_missing_working_directory_is_no_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    gone = tmp_path / "gone"
    gone.mkdir()
    monkeypatch.chdir(gone)
    gone.rmdir()
    with restored_surroundings():
        keras.config.set_epsilon(0.5)
    assert keras.config.epsilon() == 1e-7


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
