"""Process-wide settings that a person's own code may change, restored after it.

One worker runs many trials, and a trial must not depend on those that its process ran before.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout, suppress
from pathlib import Path
from typing import TextIO


@contextmanager
def restored_surroundings() -> Iterator[None]:
    """Restores the working directory and the global settings of Keras after the block."""
    from keras import config
    from tensorflow import config as tf_config

    settings = (
        (config.dtype_policy, config.set_dtype_policy),
        (config.floatx, config.set_floatx),
        (config.epsilon, config.set_epsilon),
        (config.image_data_format, config.set_image_data_format),
        (config.max_epochs, config.set_max_epochs),
        (config.max_steps_per_epoch, config.set_max_steps_per_epoch),
        (tf_config.functions_run_eagerly, tf_config.run_functions_eagerly),
    )
    folder = None
    with suppress(OSError):  # it may have been removed under this process
        folder = Path.cwd()
    before = [read() for read, _ in settings]
    try:
        yield
    finally:
        if folder:
            with suppress(OSError):  # likewise
                os.chdir(folder)
        for (read, change), value in zip(settings, before, strict=True):
            if read() != value:
                change(value)


@contextmanager
def own_streams() -> Iterator[None]:
    """Lets the block close or replace ``sys.stdout`` and ``sys.stderr``, which are restored.

    Only for a process whose streams are its file descriptors 1 and 2. The block's own streams are
    flushed and stay open afterwards: a logging handler may have kept one.
    """
    out, err = _stream(1, sys.stdout), _stream(2, sys.stderr)
    try:
        with redirect_stdout(out), redirect_stderr(err):
            yield
    finally:
        for stream in (out, err):
            with suppress(OSError, ValueError):  # it is closed
                stream.flush()


def _stream(descriptor: int, now: TextIO) -> TextIO:
    try:
        return open(
            descriptor, "w", buffering=1, encoding="utf-8", errors="backslashreplace", closefd=False
        )
    except OSError:  # a trial before has closed the descriptor itself
        return now
