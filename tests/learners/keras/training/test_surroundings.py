"""Changes that a trial makes to its process are undone before the next trial."""

from __future__ import annotations

import os
from pathlib import Path

import keras
import pytest
import tensorflow as tf

from tuner.learners.registry import open_learner
from tuner.learners.setup import Setup


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
    with pytest.raises(ValueError, match="of the trial"), open_learner("mlp", Setup()).restored():
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
    with open_learner("mlp", Setup()).restored():
        keras.config.set_epsilon(0.5)
    assert keras.config.epsilon() == 1e-7
