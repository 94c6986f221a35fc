"""Private names of Keras and TensorFlow are in one module."""

from __future__ import annotations

import re
from pathlib import Path

import tuner

PACKAGE = Path(tuner.__file__).parent
PRIVATE = re.compile(
    r"keras\.src|tensorflow\.python|\._(flatten_layers|symbolic_build|initial_epoch|call_flat)\b"
    r'|\._all_reduce_sum_gradients|"_learning_rate"'
)


def test_only_one_module_names_what_is_private_in_keras() -> None:
    found = [
        path.relative_to(PACKAGE).as_posix()
        for path in sorted(PACKAGE.rglob("*.py"))
        if PRIVATE.search(path.read_text(encoding="utf-8"))
    ]
    assert found == ["learners/keras/keras_private.py"]
