"""Process-wide settings that a person's own code may change, restored after it.

One worker runs many trials, and a trial must not depend on those that its process ran before.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path


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
