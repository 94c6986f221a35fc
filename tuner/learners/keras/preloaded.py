"""Imported by the fork server for Keras learners: what a worker of theirs would import.

Nothing of TensorFlow may run here: a started runtime does not survive a fork.
"""

from __future__ import annotations

import contextlib

from tuner.errors import WorkerError
from tuner.quiet import load_tensorflow

with contextlib.suppress(WorkerError):  # the first worker tries again and reports why
    load_tensorflow()

    import tuner.learners.keras.fitted_network
    import tuner.learners.keras.networks.builders
    import tuner.learners.keras.networks.custom
    import tuner.learners.keras.networks.feeding
    import tuner.learners.keras.tabular.fitting
    import tuner.learners.keras.training.loops  # noqa: F401 - imported for the processes that are forked
