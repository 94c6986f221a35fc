"""Settings of Keras for the whole process that a user's own code may change.

One worker runs many trials, and a trial must not depend on those that its process ran before.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def restored_settings() -> Iterator[None]:
    """Restores the global settings of Keras after the block."""
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
    before = [read() for read, _ in settings]
    try:
        yield
    finally:
        for (read, change), value in zip(settings, before, strict=True):
            if read() != value:
                change(value)
